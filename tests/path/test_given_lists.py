"""Lists of positions and control points through the command line, on a simulated flight."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fieldbox.given import given_for
from fieldbox.pictures import picture_path
from fieldbox.storage.rows import JobState
from tests.path.box import Box
from tests.path.conftest import Flown, Mapped


@pytest.fixture
def card(flown: Flown, tmp_path: Path) -> Path:
    """A copy of the small flight, to be changed."""
    return Path(shutil.copytree(flown[0], tmp_path / "card"))


def geo_of(card: Path) -> str:
    """A list of the true positions."""
    photos = json.loads((card / "truth.json").read_text())["photos"]
    lines = [
        f"{one['file']} {one['pose']['lon']:.9f} {one['pose']['lat']:.9f} 560 0 0 0 0.021 0.05"
        for one in photos
    ]
    return "\n".join(("EPSG:4326", *lines, ""))


def test_lists_by_command_and_later(box: Box, card: Path, tmp_path: Path) -> None:
    listed = tmp_path / "elsewhere" / "ppk geo.txt"
    listed.parent.mkdir()
    listed.write_text(geo_of(card))
    first = box.run("ingest", card, "--json", "--positions", listed)
    assert first.code == 0, first
    (one,) = first.json["lists"]
    assert (one["file"], one["kind"], one["photos"], one["new"]) == (str(listed), "positions", 15, True)
    with box.store() as store:
        job = store.claim()
        assert job is not None
        store.finish(job.id)
    # Control points come later, alone: the flight is due again.
    marks = [f"74.2405 18.5612 548 100 100 DJI_000{k}.JPG p" for k in (1, 2)]
    (tmp_path / "gcp_list.txt").write_text("\n".join(("EPSG:4326", *marks)))
    second = box.run("ingest", tmp_path / "gcp_list.txt", "--json")
    assert second.code == 0, second
    assert second.json["flights"] == first.json["flights"]
    assert second.json["captures"] == {"accepted": 0, "rejected": 0, "duplicates": 0}
    assert any("use at least 3" in problem for problem in second.json["lists"][0]["problems"])
    with box.store() as store:
        job = store.job_for_flight(first.json["flight"])
        assert job is not None
        assert job.state == JobState.WAITING
        flight = store.flight(first.json["flight"])
        assert flight is not None
        given = given_for(store, flight)
        assert given.control is not None
        assert {pose.error_m for pose in given.poses.values()} == {0.021}
    text = box.run("ingest", tmp_path / "gcp_list.txt")
    assert text.code == 0
    assert "gcp_list.txt: a list; photos that it is about: 2." in text.out


def test_wrong_lists_have_one_sentence(box: Box, card: Path, tmp_path: Path) -> None:
    assert "is no file" in box.run("ingest", card, "--control", tmp_path / "gone.txt").refused()
    assert "no coordinate system" in box.run("ingest", card, "--crs", "EPSG:1").refused()
    (card / "gcp_list.txt").write_text("no list at all")
    said = box.run("ingest", card, "--json")
    assert said.code == 3
    assert [one["file"] for one in said.json["rejected"]] == ["gcp_list.txt"]
    assert said.json["captures"]["accepted"] == 15
    assert said.err == ""


def test_a_list_that_is_not_used_is_told_by_the_survey_that_there_is(
    box_mapped: Box, mapped: Mapped, card: Path, tmp_path: Path
) -> None:
    box, before = box_mapped, mapped[1]["surveys"][0]
    listed = tmp_path / "geo.txt"
    listed.write_text(geo_of(card).replace(" 0.021 0.05", " 50 50"))
    for _time in range(2):
        after = box.mapped(listed)["surveys"][0]
        assert after["id"] == before["id"]
        assert after["warnings"][1:] == before["warnings"]
        assert "since the list" in after["warnings"][0]


def test_the_help_has_an_example(box: Box) -> None:
    assert "--control gcp_list.txt --positions ppk.csv --crs EPSG:32643" in box.run("ingest", "--help").out


@pytest.mark.long
def test_an_alignment_that_no_survey_was_made_with_goes(box: Box, flown: Flown, tmp_path: Path) -> None:
    """The flight grows twice: each survey keeps the alignment that it was made with, and no other is left."""
    photos = sorted(flown[0].glob("*.JPG"))
    for count in (9, 12, 15):
        card = tmp_path / str(count)
        card.mkdir()
        for photo in photos[:count]:
            shutil.copyfile(photo, card / photo.name)
        box.mapped(card)
        (box.root / "alignments" / "0123.npz").write_bytes(b"of a run that was given up")
    box.run("ingest", flown[0], "--wait")
    with box.store() as store:
        needed = {f"{one.quality.alignment[:32]}.npz" for one in store.surveys() if one.quality}
    kept = {path.name for path in (box.root / "alignments").iterdir()} - {"0123.npz"}
    assert len(needed) == 3
    assert kept == needed


def test_a_copy_that_was_lost_comes_back_with_the_card(box_mapped: Box, card: Path, tmp_path: Path) -> None:
    """The photo is left out while its copy is missing, and placed again once the card was plugged in again."""
    box = box_mapped
    with box.store() as store:
        (row,) = store.flights()
        flight = store.flight(row.id)
        assert flight is not None
        lost = flight.captures[7]
    picture_path(box.root, lost.digest).unlink()
    listed = tmp_path / "geo.txt"
    listed.write_text(geo_of(card))
    box.run("ingest", listed, "--json", "--wait")
    with box.store() as store:
        (without,) = store.captures([lost.digest])
        assert without.pose is None
        assert "bring the flight in again" in str(without.unplaced)
    box.mapped(card)
    with box.store() as store:
        (again,) = store.captures([lost.digest])
        assert (again.pose, again.stated, again.unplaced) == (lost.pose, lost.stated, None)
        assert lost.digest in {one.digest for one in store.placements(store.surveys()[0].id)}
