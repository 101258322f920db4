"""Copying folders, with a box of the tests' own: ingest knows nothing of what the files hold."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fieldbox.domain import FileKind, Original, Rejection
from fieldbox.errors import Rejected, Unavailable
from fieldbox.ingest import copy, intake
from fieldbox.ingest.copy import Shelf, original_path
from fieldbox.ingest.intake import Handlers, take_in
from fieldbox.ingest.scan import Found


@dataclass
class Box:
    root: Path
    rows: dict[str, str] = field(default_factory=dict)
    """Digest by name."""
    refused: list[Rejection] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)
    crash_at: str = ""
    suspected: set[str] = field(default_factory=set)
    devices: Path = intake.DEVICES

    def kind_of(self, head: bytes, size: int, name: str) -> FileKind:
        assert size >= len(head)
        if name.endswith(".txt"):
            return FileKind.TEXT
        if not head.startswith(b"photo"):
            raise Rejected("It is {what}.", what="no photo")
        return FileKind.JPEG

    def on_copies(self, given: Sequence[Original]) -> None:
        for one in given:
            if one.name == self.crash_at:
                raise KeyboardInterrupt
            path = original_path(self.root / "originals", one.digest, one.kind)
            assert path.stat().st_size == one.size
            self.rows[one.name] = one.digest

    def take(self, path: Path, reserve: int = 0) -> tuple[Rejection, ...]:
        handlers = Handlers(
            self.kind_of,
            self.on_copies,
            self.refused.append,
            lambda done, total: self.progress.append((done, total)),
            suspect=self.suspected.__contains__,
        )
        shelf = Shelf(self.root / "originals", self.root / "tmp", reserve)
        return take_in(path, shelf, handlers, self.devices)

    def originals(self) -> list[Path]:
        return sorted(path for path in (self.root / "originals").rglob("*") if path.is_file())


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
    (folder / "geo.txt").write_bytes(b"0.jpg 77 12")
    return folder


def test_good_files_once_and_the_rest_with_its_reason(box: Box, card: Path) -> None:
    rejected = box.take(card)
    assert [(item.name, str(item.reason)) for item in rejected] == [("notes.doc", "It is no photo.")]
    assert list(rejected) == box.refused
    assert list(box.rows) == ["100MEDIA/0.jpg", "100MEDIA/1.jpg", "100MEDIA/2.jpg", "again.jpg", "geo.txt"]
    assert box.rows["again.jpg"] == box.rows["100MEDIA/1.jpg"]
    assert [path.suffix for path in box.originals()].count(".jpg") == 3
    assert [path.suffix for path in box.originals()].count(".txt") == 1
    assert box.progress == [(n, 6) for n in range(7)]


def test_the_same_card_again_writes_nothing(box: Box, card: Path) -> None:
    box.take(card)
    before = {path: path.stat() for path in box.originals()}
    box.take(card)
    assert {path: path.stat() for path in box.originals()} == before


def test_the_source_is_left_as_it_was(box: Box, card: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in card.rglob("*")}
    box.take(card)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in card.rglob("*")} == before


def test_a_crash_between_file_and_row_is_mended_by_the_rerun(box: Box, card: Path) -> None:
    box.crash_at = "100MEDIA/1.jpg"
    with pytest.raises(KeyboardInterrupt):
        box.take(card)
    assert list(box.rows) == ["100MEDIA/0.jpg"]
    assert len(box.originals()) >= 2  # copies run ahead of rows
    box.crash_at = ""
    box.take(card)
    assert (len(box.originals()), len(box.rows)) == (4, 5)


def test_a_copy_that_is_cut_off_or_suspect_is_made_anew(box: Box, card: Path) -> None:
    box.take(card)
    first, second = (original_path(box.root / "originals", box.rows[f"100MEDIA/{n}.jpg"]) for n in (0, 1))
    first.write_bytes(b"pho")
    second.write_bytes(b"phot? 1")  # of the same size: only a doubt of its own shows that
    box.suspected = {second.stem}
    box.take(card)
    assert (first.read_bytes(), second.read_bytes()) == (b"photo 0", b"photo 1")


def test_a_full_disk_stops_and_keeps_what_is_there(box: Box, card: Path) -> None:
    with pytest.raises(Unavailable, match="disk is full"):
        box.take(card, reserve=1 << 60)
    assert (box.rows, box.originals(), box.refused) == ({}, [], [])


def test_a_single_photo_and_a_missing_folder(box: Box, card: Path) -> None:
    box.take(card / "again.jpg")
    assert list(box.rows) == ["again.jpg"]
    with pytest.raises(Rejected, match="does not exist"):
        box.take(card / "nowhere")


class Failing:
    """Reading of some files fails as a card does that is damaged, or gone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: int, names: set[str]) -> None:
        self.names, plain = names, copy.head_of

        def head_of(source: Path, count: int) -> tuple[bytes, int]:
            if source.name in self.names:
                raise copy.Torn("It cannot be read ({detail}).", detail=errno.errorcode[error])
            return plain(source, count)

        monkeypatch.setattr(intake, "head_of", head_of)


def test_a_damaged_file_is_listed_and_the_rest_taken(
    box: Box, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(monkeypatch, errno.EIO, {"0.jpg", "1.jpg"})
    assert [one.name for one in box.take(card)] == ["100MEDIA/0.jpg", "100MEDIA/1.jpg", "notes.doc"]
    assert list(box.rows) == ["100MEDIA/2.jpg", "again.jpg", "geo.txt"]


def test_a_card_that_gives_nothing_any_more_was_pulled_out(
    box: Box, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.devices = card.with_name("none")  # no block device: a folder of FUSE
    failing = Failing(monkeypatch, errno.EIO, {"1.jpg", "2.jpg", "again.jpg", "geo.txt"})
    with pytest.raises(Unavailable, match="pulled out after 1 of 6 files") as torn:
        box.take(card)
    assert torn.value.retry_helps
    assert (list(box.rows), box.refused) == (["100MEDIA/0.jpg"], [])  # what was not read is not refused
    failing.names = set()
    box.take(card)
    assert len(box.rows) == 5


def listed(box: Box, card: Path) -> Path:
    """What the kernel has of the device that the card is on, as long as it is plugged in."""
    device = card.stat().st_dev
    box.devices = card.with_name("devices")
    entry = box.devices / f"{os.major(device)}:{os.minor(device)}"
    entry.mkdir(parents=True)
    return entry


def test_a_damaged_card_that_is_there_gives_what_can_be_read(
    box: Box, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(box, card)
    monkeypatch.setattr(intake, "LEAVES_S", 0.0)
    Failing(monkeypatch, errno.EIO, {"0.jpg", "1.jpg", "2.jpg"})
    bad = [f"100MEDIA/{number}.jpg" for number in range(3)]
    assert [one.name for one in box.take(card)] == [*bad, "notes.doc"]
    assert list(box.rows) == ["again.jpg", "geo.txt"]


@pytest.mark.parametrize("torn", [{"1.jpg", "2.jpg", "again.jpg"}, {"notes.doc"}], ids=["many", "the last"])
def test_a_device_that_is_gone_was_pulled_out(
    box: Box, card: Path, monkeypatch: pytest.MonkeyPatch, torn: set[str]
) -> None:
    entry = listed(box, card)
    Failing(monkeypatch, errno.EIO, torn)
    failing = intake.head_of

    def head_of(source: Path, count: int) -> tuple[bytes, int]:
        try:
            return failing(source, count)
        except copy.Torn:
            if entry.exists():
                entry.rmdir()
            raise

    monkeypatch.setattr(intake, "head_of", head_of)
    monkeypatch.setattr(intake, "COPIES_AT_ONCE", 1)
    with pytest.raises(Unavailable, match=f"pulled out after {1 if len(torn) > 1 else 5} of 6 files"):
        box.take(card)
    assert box.refused == []


def test_a_card_that_was_pulled_out_before_it_was_read_is_not_called_empty(
    box: Box, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = listed(box, card)
    shutil.rmtree(card)
    card.mkdir()
    with pytest.raises(Rejected, match="holds no photos"):
        box.take(card)

    def scan(path: Path) -> Iterator[Found | Rejection]:
        entry.rmdir()
        return plain(path)

    plain = intake.scan
    monkeypatch.setattr(intake, "scan", scan)
    with pytest.raises(Unavailable, match="before anything was copied"):
        box.take(card)


def test_a_card_whose_folder_is_gone(box: Box, card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = copy.head_of

    def head_of(source: Path, count: int) -> tuple[bytes, int]:
        if source.name == "2.jpg" and card.exists():
            shutil.move(card, card.with_name("pulled"))
        return plain(source, count)

    monkeypatch.setattr(intake, "head_of", head_of)
    with pytest.raises(Unavailable, match="plug it in again"):
        box.take(card)
    shutil.move(card.with_name("pulled"), card)
    monkeypatch.undo()
    box.take(card)
    assert len(box.rows) == 5
