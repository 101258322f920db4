"""Taking in folders, with a reader of the tests' own: ingest knows nothing of what a photo is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fieldbox.domain import Rejection
from fieldbox.errors import Rejected, Unavailable
from fieldbox.ingest.copy import Kept
from fieldbox.ingest.intake import MAX_TEXT_BYTES, Handlers, Intake, take_in


@dataclass
class Box:
    root: Path
    rows: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    refused: list[Rejection] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)
    crash_at: str = ""

    def read(self, path: Path) -> bytes:
        start = path.read_bytes()[:5]
        if start != b"photo":
            raise Rejected("It is {what}.", what="no photo")
        return start

    def commit(self, kept: Kept, name: str, parts: bytes) -> None:
        if name == self.crash_at:
            raise KeyboardInterrupt
        self.rows[kept.digest] = (name, parts)

    def take(self, path: Path, reserve: int = 0) -> Intake:
        handlers = Handlers(
            self.read,
            self.rows.__contains__,
            self.commit,
            self.refused.append,
            lambda done, total: self.progress.append((done, total)),
        )
        return take_in(
            path,
            originals=self.root / "originals",
            tmp=self.root / "tmp",
            reserve_bytes=reserve,
            handlers=handlers,
        )

    def originals(self) -> int:
        return len(list((self.root / "originals").rglob("*.jpg")))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    (folder / "100MEDIA").mkdir(parents=True)
    for number in range(3):
        (folder / "100MEDIA" / f"{number}.jpg").write_bytes(b"photo %d" % number)
    (folder / "again.jpg").write_bytes(b"photo 1")
    (folder / "notes.doc").write_bytes(b"wind from the west")
    return folder


def test_good_photos_once_and_the_rest_with_its_reason(box: Box, card: Path) -> None:
    intake = box.take(card)
    assert (intake.accepted, intake.duplicates, len(intake.digests)) == (3, 1, 3)
    assert [(item.name, str(item.reason)) for item in intake.rejected] == [("notes.doc", "It is no photo.")]
    assert list(intake.rejected) == box.refused
    assert [name for name, _ in box.rows.values()] == [f"100MEDIA/{n}.jpg" for n in range(3)]
    assert box.originals() == 3
    assert box.progress == [(n, 5) for n in range(6)]
    assert list(intake.names.values()) == [f"100MEDIA/{n}.jpg" for n in range(3)]


def test_small_texts_are_handed_on_and_large_ones_are_no_photos(box: Box, card: Path) -> None:
    for name in ("geo.txt", "A.MRK", "b.CSV"):
        (card / name).write_bytes(b"DJI_0001.JPG 77.1 12.3")
    with (card / "flightlog.txt").open("wb") as log:
        log.truncate(MAX_TEXT_BYTES + 1)
    (card / "renamed.txt").write_bytes(b"photo in truth")
    intake = box.take(card)
    assert [one.name for one in intake.beside] == ["A.MRK", "b.CSV", "geo.txt"]
    assert {str(one.no_photo) for one in intake.beside} == {"It is no photo."}
    assert [one.name for one in intake.rejected] == ["flightlog.txt", "notes.doc"]
    assert intake.accepted == 4


def test_the_same_card_again_changes_nothing(box: Box, card: Path) -> None:
    first, again = box.take(card), box.take(card)
    assert (again.accepted, again.duplicates) == (0, 4)
    assert again.digests == first.digests
    assert box.originals() == 3


def test_the_source_is_left_as_it_was(box: Box, card: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in card.rglob("*")}
    box.take(card)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in card.rglob("*")} == before


def test_a_crash_between_file_and_row_is_mended_by_the_rerun(box: Box, card: Path) -> None:
    box.crash_at = "100MEDIA/1.jpg"
    with pytest.raises(KeyboardInterrupt):
        box.take(card)
    assert len(box.rows) == 1
    assert box.originals() >= 2  # copies run ahead of rows
    box.crash_at = ""
    intake = box.take(card)
    assert (intake.accepted, intake.duplicates, box.originals(), len(box.rows)) == (2, 2, 3, 3)


def test_a_full_disk_stops_and_keeps_what_is_there(box: Box, card: Path) -> None:
    with pytest.raises(Unavailable, match="disk is full"):
        box.take(card, reserve=1 << 60)
    assert (box.rows, box.originals(), box.refused) == ({}, 0, [])


def test_a_single_photo_and_a_missing_folder(box: Box, card: Path) -> None:
    assert box.take(card / "again.jpg").accepted == 1
    with pytest.raises(Rejected, match="does not exist"):
        box.take(card / "nowhere")


def test_an_unreadable_file_is_listed(box: Box, card: Path) -> None:
    class Torn(Box):
        def read(self, path: Path) -> bytes:
            if path.name == "0.jpg":
                raise OSError(5, "Input/output error")
            return super().read(path)

    intake = Torn(box.root).take(card)
    assert intake.accepted == 2
    assert str(intake.rejected[0].reason).startswith("It cannot be read (Input/output error)")
