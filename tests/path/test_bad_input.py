"""Bad input: one clear sentence for each file, nothing lost, the good photos beside it mapped."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.imagery.photos import real_data
from tests.path.badfiles import BAD, PDF, damaged, strew, with_broken_exif, without_metadata
from tests.path.box import Box, Said, simulated
from tests.path.conftest import Flown, Mapped


@pytest.fixture
def card(flown: Flown, tmp_path: Path) -> Path:
    """A copy of the small flight, to be changed."""
    return Path(shutil.copytree(flown[0], tmp_path / "card"))


def photos_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.JPG"))


def is_sentence(text: str) -> bool:
    return text[0].isupper() and text.endswith(".") and "\n" not in text and "Error" not in text


def rejected(said: Said) -> dict[str, str]:
    return {one["file"]: one["reason"] for one in said.json["rejected"]}


def numbers(document: dict[str, Any]) -> dict[str, Any]:
    """A survey's numbers, without its name."""
    (survey,) = document["surveys"]
    return {key: value for key, value in survey.items() if key != "id"}


def looked_at(box: Box, document: dict[str, Any]) -> str:
    """The name of the photo that most plants of a survey were seen in."""
    with box.store() as store:
        digest, _count = Counter(
            one.digest for one in store.detections(document["surveys"][0]["id"])
        ).most_common(1)[0]
        (capture,) = store.captures([digest])
    return capture.name


def test_bad_files_beside_good_ones(box: Box, card: Path, mapped: Mapped) -> None:
    strew(card / "bad", photos_of(card)[0].read_bytes())
    said = box.ingest(card)
    assert said.code == 3
    assert said.err == ""
    assert set(rejected(said)) == {f"bad/{name}" for name in BAD}
    assert all(is_sentence(reason) for reason in rejected(said).values())
    assert said.json["captures"] == {"accepted": 15, "rejected": len(BAD), "duplicates": 0}
    assert numbers(said.json) == numbers(mapped[1])
    # Again: the same files are rejected again, and nothing else changes.
    again = box.ingest(card)
    assert again.code == 3
    assert again.json["captures"] == {"accepted": 0, "rejected": len(BAD), "duplicates": 15}
    assert again.json["surveys"] == said.json["surveys"]


def test_a_photo_with_damaged_pixels_is_rejected_and_the_rest_mapped(
    box: Box, card: Path, mapped: Mapped, tmp_path: Path
) -> None:
    middle = card / looked_at(*mapped)
    middle.write_bytes(damaged(middle.read_bytes()))
    said = box.ingest(card)
    assert said.code == 3, said
    assert said.json["unplaced"] == []
    (one,) = said.json["rejected"]
    assert one["file"] == middle.name
    assert "damaged" in one["reason"]
    assert is_sentence(one["reason"])
    assert said.json["captures"] == {"accepted": 14, "rejected": 1, "duplicates": 0}
    (survey,) = said.json["surveys"]
    assert survey["photos_unplaced"] == 0  # it never became a photo of the flight
    # What is mapped is what the other photos show.
    middle.unlink()
    without = Box(tmp_path / "without").mapped(card)["surveys"][0]
    for name in ("weed_count", "crop_count", "photos_used"):
        assert survey[name] == without[name], name
    assert list((box.root / "work").iterdir()) == []
    with box.store() as store:
        assert store.check() == []
    again = box.mapped(card)
    assert again["surveys"] == said.json["surveys"]
    assert (again["unplaced"], again["rejected"]) == ([], [])


def test_photos_that_cannot_be_placed_are_listed_and_the_rest_mapped(box: Box, card: Path) -> None:
    first, second, *_rest = photos_of(card)
    first.write_bytes(without_metadata(first.read_bytes()))
    second.write_bytes(with_broken_exif(second.read_bytes()))
    said = box.ingest(card)
    assert said.code == 0, said
    assert {one["file"] for one in said.json["unplaced"]} >= {first.name}
    assert all(is_sentence(one["reason"]) for one in said.json["unplaced"])
    assert said.json["captures"]["accepted"] == 15
    assert said.json["surveys"][0]["photos_unplaced"] == len(said.json["unplaced"])
    with box.store() as store:
        (flight,) = store.flights()
        assert (flight.captures, flight.placed) == (15, 15 - len(said.json["unplaced"]))


@pytest.mark.parametrize("wait", [True, False])
def test_a_flight_without_any_place_is_kept_and_not_mapped(box: Box, card: Path, wait: bool) -> None:
    for photo in photos_of(card):
        photo.write_bytes(without_metadata(photo.read_bytes()))
    said = box.run("ingest", card, "--json", *(["--wait"] if wait else []))
    assert said.code == 3  # the box did its work: it is the input that cannot be used
    assert said.err == ""
    assert said.json["surveys"] == []
    assert said.json["captures"]["accepted"] == 15
    assert len(said.json["unplaced"]) == 15
    (failure,) = said.json["failed"]
    assert is_sentence(failure["reason"])
    text = box.run("ingest", card, "--wait")
    assert text.code == 3
    assert failure["reason"] in text.out


def test_a_folder_of_documents(box: Box, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.pdf").write_bytes(PDF + b"%d" % number)
    said = box.ingest(folder)
    assert said.code == 3
    assert said.json["flight"] is None
    assert said.json["surveys"] == []
    assert said.json["captures"] == {"accepted": 0, "rejected": 3, "duplicates": 0}
    assert set(rejected(said).values()) == {
        "It is a PDF document, not a photo: give the JPEG photos that the drone took."
    }
    single = box.ingest(folder / "0.pdf")
    assert (single.code, list(rejected(single))) == (3, ["0.pdf"])


def test_nothing_to_take_in(box: Box, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    (empty / "DCIM" / ".hidden").mkdir(parents=True)
    assert "holds no photos" in box.ingest(empty).refused()
    assert "does not exist" in box.ingest(tmp_path / "nowhere").refused()
    assert "does not exist" in box.ingest(tmp_path / os.fsdecode(b"no\xffwhere")).refused()
    assert "does not exist" in box.ingest(tmp_path / "new\nline").refused()
    assert box.run("ingest").code == 2
    assert box.run("ingest", empty, "--nonsense").code == 2


def test_names_of_all_kinds(box: Box, card: Path) -> None:
    names = [
        b"new\nline.JPG",
        "sky 🌾 खेत.JPG".encode(),
        b"n" * 196 + b".JPG",
        b"latin-\xe9\xff.JPG",
        b"..JPG",
        b"-rf.JPG",
        b"%s{0}{file}.JPG",
        b"..%2f..%2fetc.jpeg",
        b"quote'\"; DROP TABLE captures;--.JPG",
        b"no suffix",
    ]
    for photo, name in zip(photos_of(card), names, strict=False):
        photo.rename(card / os.fsdecode(name))
    folder = card / os.fsdecode(b"fold\xe9r")
    folder.mkdir()
    (card / "DJI_0012.JPG").rename(folder / "DJI_0012.JPG")
    said = box.ingest(card)
    assert said.code == 0, said
    # A name with a leading dot is a hidden file: systems leave such beside photos.
    assert said.json["captures"] == {"accepted": 13, "rejected": 0, "duplicates": 0}
    with box.store() as store:
        flight = store.flight(said.json["flight"])
        assert flight is not None
        kept = {capture.name for capture in flight.captures}
    assert {
        "new�line.JPG",
        "sky 🌾 खेत.JPG",
        "n" * 196 + ".JPG",
        "latin-��.JPG",
        "fold�r/DJI_0012.JPG",
    } <= kept
    assert box.run("status", "--json").code == 0
    survey = said.json["surveys"][0]["id"]
    out = box.root.parent / "footprints.geojson"
    assert box.run("export", survey, "--layer", "footprints", "--format", "geojson", "-o", out).code == 0
    located = box.run("locate", said.json["flight"], "new\nline.JPG", "10", "10", "--json")
    assert located.code == 0, located
    # The same photos under other names are the same photos.
    (card / "DJI_0015.JPG").rename(card / "renamed.JPG")
    again = box.mapped(card)
    assert again["captures"]["duplicates"] == 13
    assert again["surveys"] == said.json["surveys"]


def test_a_single_photo_and_a_folder_with_names_that_are_no_text(box: Box, card: Path) -> None:
    odd = card.with_name(os.fsdecode(b"c\xe9rd"))
    odd.mkdir()
    photo = odd / os.fsdecode(b"\xff.JPG")
    shutil.copyfile(photos_of(card)[0], photo)
    for path in (photo, odd):
        said = box.ingest(path)
        assert said.code == 0, said
        assert said.json["surveys"]
    (odd / os.fsdecode(b"\xfe.pdf")).write_bytes(PDF)
    assert list(rejected(box.ingest(odd))) == ["�.pdf"]


def test_links(box: Box, card: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.JPG"
    photos_of(card)[0].rename(outside)
    (card / "out.JPG").symlink_to(outside)
    (card / "up.JPG").symlink_to("../secret.JPG")
    (card / "nowhere.JPG").symlink_to("gone.JPG")
    (card / "loop.JPG").symlink_to("loop.JPG")
    (card / "again").symlink_to(card)
    (card / "in.JPG").symlink_to("DJI_0005.JPG")
    os.mkfifo(card / "pipe.JPG")
    said = box.ingest(card)
    assert said.code == 3, said
    assert set(rejected(said)) == {"again", "loop.JPG", "nowhere.JPG", "out.JPG", "up.JPG"}
    assert all(is_sentence(reason) for reason in rejected(said).values())
    assert said.json["captures"] == {"accepted": 14, "rejected": 5, "duplicates": 1}


def test_the_same_card_twice_changes_nothing(box_mapped: Box, mapped: Mapped, card: Path) -> None:
    box, first = box_mapped, mapped[1]
    before = [name for name in box.files() if not name.startswith("fieldbox.db-")]
    again = box.mapped(card)
    assert again["captures"] == {"accepted": 0, "rejected": 0, "duplicates": 15}
    for key in ("flight", "surveys", "unplaced", "failed", "simulated"):
        assert again[key] == first[key]
    assert [name for name in box.files() if not name.startswith("fieldbox.db-")] == before
    with box.store() as store:
        assert (
            len(store.surveys()) == len(store.messages()) == len(store.flights()) == len(store.fields()) == 1
        )


def test_a_card_that_holds_more_than_last_time(box: Box, card: Path, mapped: Mapped) -> None:
    later = card.with_name("later")
    later.mkdir()
    for photo in photos_of(card)[9:]:
        photo.rename(later / photo.name)
    first = box.mapped(card)
    for photo in photos_of(later):
        photo.rename(card / photo.name)
    second = box.mapped(card)
    assert second["captures"] == {"accepted": 6, "rejected": 0, "duplicates": 9}
    assert second["flight"] == first["flight"]
    assert second["surveys"][0]["id"] != first["surveys"][0]["id"]
    assert second["surveys"][0]["area_ha"] > 1.2 * first["surveys"][0]["area_ha"]
    assert numbers(second)["weed_count"] == numbers(mapped[1])["weed_count"]
    with box.store() as store:
        assert len(store.flights()) == len(store.fields()) == 1


def test_two_flights_on_one_card(box: Box, card: Path, tmp_path: Path) -> None:
    from datetime import datetime  # noqa: PLC0415

    simulated(tmp_path / "card" / "B", start=datetime(2026, 7, 1, 16, 0), lat=18.57, seed=4, max_photos=6)
    said = box.ingest(card)
    assert said.code == 0, said
    assert len(said.json["flights"]) == len(said.json["surveys"]) == 2
    assert said.json["flight"] == said.json["flights"][0]
    assert {one["field"] for one in said.json["surveys"]} == {"Field 1", "Field 2"}
    assert said.json["captures"]["accepted"] == 21


def test_photos_that_may_not_be_read(box: Box, card: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    photos_of(card)[3].chmod(0)
    said = box.ingest(card)
    assert said.code == 3
    assert list(rejected(said)) == ["DJI_0004.JPG"]
    card.chmod(0)
    assert "cannot be read" in box.ingest(card).refused()
    card.chmod(0o700)


@pytest.mark.parametrize("command", [["ingest", "FOLDER", "--wait", "--json"], ["status", "--json"]])
def test_a_data_folder_that_cannot_be(command: list[str], card: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    words = [card if word == "FOLDER" else word for word in command]
    for root in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        assert "cannot be" in Box(root).run(*words).refused()


@pytest.mark.shared
def test_real_bad_files_beside_good_ones(box: Box, card: Path, mapped: Mapped) -> None:
    shutil.copytree(real_data() / "badfiles", card / "bad")
    said = box.ingest(card)
    assert said.code == 3
    assert said.err == ""
    assert all(is_sentence(reason) for reason in rejected(said).values())
    assert all(name.startswith("bad/") for name in rejected(said))
    listed = {*rejected(said), *(one["file"] for one in said.json["unplaced"])}
    with box.store() as store:
        flights = [store.flight(flight_id) for flight_id in said.json["flights"]]
        kept = {capture.name for flight in flights if flight for capture in flight.captures}
    files = {f"bad/{path.name}" for path in (card / "bad").iterdir()}
    assert files <= listed | kept
    assert numbers(said.json)["weed_count"] == numbers(mapped[1])["weed_count"]


@pytest.mark.long
def test_a_flight_far_from_the_field_that_was_named_for_it(box: Box, card: Path, tmp_path: Path) -> None:
    box.mapped(card, "--field", "North")
    far = tmp_path / "far"
    box.run(
        "simulate",
        "flight",
        far,
        "--camera",
        "tiny",
        "--size",
        "4",
        "4",
        "--lat",
        "18.7",
        "--max-photos",
        "3",
    )
    said = box.run("ingest", far, "--field", "North", "--wait", "--json")
    assert said.code == 1
    assert "km from the field North" in said.err
    assert box.run("ingest", far, "--field", "South", "--wait", "--json").code == 0


def test_the_same_flight_for_another_field_is_mapped_for_that_field(box: Box, card: Path) -> None:
    first = box.mapped(card, "--field", "North")["surveys"][0]
    second = box.mapped(card, "--field", "South")["surveys"][0]
    assert (first["field"], second["field"]) == ("North", "South")
    assert first["id"] != second["id"]


def test_lost_pictures_are_made_anew(box_mapped: Box, mapped: Mapped, card: Path) -> None:
    box, survey = box_mapped, mapped[1]["surveys"][0]
    folder = box.root / "rasters" / survey["id"]
    shutil.rmtree(folder)
    said = box.run("export", survey["id"], "--layer", "mosaic", "--format", "cog", "-o", box.root / "m.tif")
    assert "bring the flight in again" in said.err
    assert box.mapped(card)["surveys"] == [survey]
    assert sorted(path.name for path in folder.iterdir()) == ["map.tif", "mosaic.tif"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_field_name_that_is_none(box: Box, card: Path, name: str) -> None:
    said = box.run("ingest", card, "--field", name, "--json")
    assert said.code == 1
    assert "1 to 80 characters" in said.err


def test_a_simulated_flight_into_a_file(box: Box, tmp_path: Path) -> None:
    (tmp_path / "taken.jpg").write_bytes(b"x")
    said = box.run("simulate", "flight", tmp_path / "taken.jpg")
    assert said.code == 1
    assert "cannot be made" in said.err


def test_a_scale_that_is_no_number(box: Box, tmp_path: Path) -> None:
    assert box.run("detect", tmp_path / "a.jpg", "--gsd-mm", "nan").code == 2
