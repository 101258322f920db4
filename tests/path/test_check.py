"""`fieldbox check`: a card is judged where it is, before its pilot leaves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

from fieldbox.simulate.field import FieldOptions
from tests.path.box import Box, simulated
from tests.path.conftest import Flown

WIDE = FieldOptions(size_m=(14.0, 6.0), margin_m=1.0, seed=5)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flight of many short lines; not to be changed."""
    return simulated(tmp_path_factory.mktemp("wide") / "card", WIDE, camera="tiny")[0]


@pytest.fixture
def card(wide: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(wide, tmp_path / "card"))


def photos(card: Path) -> list[Path]:
    return sorted(card.glob("*.JPG")) + sorted(card.glob("*.jpg"))


def rewrite(path: Path, picture: Any) -> None:
    """Other pixels under the same tags."""
    with Image.open(path) as before:
        exif, xmp = before.getexif(), before.info.get("xmp")
    Image.fromarray(picture).save(path, quality=92, exif=exif, **({"xmp": xmp} if xmp else {}))


def kinds(document: dict[str, Any]) -> set[str]:
    return {one["kind"] for flight in document["flights"] for one in flight["findings"]}


def test_a_sound_flight_is_good_and_nothing_is_written(box: Box, wide: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in photos(wide)}
    said = box.run("check", wide, "--json")
    assert said.code == 0, said.err
    document = said.json
    assert kinds(document) <= {"clock"}
    (flight,) = document["flights"]
    assert flight["photos"] == flight["placed"] == len(before)
    assert flight["bare_pct"] == 0
    assert document["needed_bytes"] == sum(path.stat().st_size for path in before)
    assert document["duplicates"] == 0
    assert {path: path.stat().st_mtime_ns for path in photos(wide)} == before
    assert not (box.root / "originals").exists()
    with box.store() as store:
        assert store.flights() == []
        assert store.ingests() == []


def test_a_person_reads_one_verdict_with_its_reasons(box: Box, card: Path) -> None:
    for path in photos(card):
        rewrite(path, cv2.GaussianBlur(cv2.imread(str(path))[..., ::-1], (0, 0), 7))
    said = box.run("check", card)
    lines = said.out.splitlines()
    assert lines[0] == "Fly again before you leave: what follows says why."
    assert sum("blurred" in line for line in lines) == 1
    assert lines.index("  Fly again:") + 1 == next(n for n, line in enumerate(lines) if "blurred" in line)
    assert "Traceback" not in said.err


def test_dark_photos_are_told(box: Box, card: Path) -> None:
    for path in photos(card):
        rewrite(path, cv2.imread(str(path))[..., ::-1] // 64)
    document = box.run("check", card, "--json").json
    assert document["verdict"] == "fly again"
    assert "exposure" in kinds(document)


def test_photos_that_are_missing_leave_a_hole(box: Box, card: Path, wide: Path) -> None:
    whole = box.run("check", wide, "--json").json["flights"][0]
    every = photos(card)
    for path in every[len(every) // 4 : 3 * len(every) // 4]:
        path.unlink()
    (flight, *more) = box.run("check", card, "--json").json["flights"]
    assert not more
    assert whole["holes"]["coordinates"] == []
    assert flight["holes"]["coordinates"]
    assert flight["verdict"] == "fly again"
    ring = flight["holes"]["coordinates"][0][0]
    assert ring[0] == ring[-1]
    assert len(ring) >= 4


def test_the_same_card_again_is_told(box_mapped: Box, flown: Flown, tmp_path: Path) -> None:
    box = box_mapped
    document = box.run("check", flown[0], "--json").json
    assert [one["kind"] for one in document["findings"]] == ["duplicate"]
    assert document["duplicates"] == document["flights"][0]["photos"]
    assert document["needed_bytes"] == 0
    card = Path(shutil.copytree(flown[0], tmp_path / "card"))
    (card / "geo.txt").write_text(
        "EPSG:4326\n"
    )  # a list is no picture: whether the box knows it says nothing
    (said,) = box.run("check", card, "--json").json["findings"]
    assert said["text"].startswith("Everything on this card is on the box already")


def test_a_box_without_room_says_so(box: Box, flown: Flown) -> None:
    full = box.with_settings(storage__reserve_mb="900000")
    document = full.run("check", flown[0], "--json").json
    assert [one["kind"] for one in document["findings"]] == ["space"]


def test_files_that_are_no_photos_are_listed_and_the_rest_is_judged(box: Box, card: Path) -> None:
    (card / "notes.pdf").write_bytes(b"%PDF-1.4 nothing")
    (card / "half.jpg").write_bytes(photos(card)[0].read_bytes()[:20_000])
    said = box.run("check", card, "--json")
    assert said.code == 3
    assert {"notes.pdf", "half.jpg"} <= {one["file"] for one in said.json["rejected"]}
    assert said.json["flights"][0]["placed"] == len(photos(card)) - 1


def test_nothing_to_check_is_one_sentence(box: Box, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert box.run("check", tmp_path / "empty").refused()
    assert box.run("check", tmp_path / "missing").refused()
    (tmp_path / "empty" / "north.tfw").write_text("1")
    said = box.run("check", tmp_path / "empty")
    assert "There are no photos here" in said.out
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-1.4 nothing")
    said = box.run("check", tmp_path / "notes.pdf", "--json")
    assert said.json["verdict"] == "fly again"
    assert [one["kind"] for one in said.json["findings"]] == ["nothing"]


def test_what_comes_in_is_checked_and_kept(box: Box, card: Path) -> None:
    every = photos(card)
    for path in every[len(every) // 4 : 3 * len(every) // 4]:
        path.unlink()
    said = box.run("ingest", card, "--json")
    (check,) = said.json["checks"]
    assert check["verdict"] == "fly again"
    with box.store() as store:
        kept = store.checks([said.json["flight"]])[said.json["flight"]]
    assert kept.verdict == "fly again"
    assert len(kept.holes) == len(check["holes"]["coordinates"]) > 0
