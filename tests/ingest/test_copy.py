from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from blake3 import blake3

from fieldbox.domain import FileKind
from fieldbox.errors import Rejected, Unavailable
from fieldbox.ingest import copy as copying
from fieldbox.ingest.copy import Kept, Shelf, Torn, clean_leftovers, keep, original_path

DATA = os.urandom(9_000_000)
DIGEST = blake3(DATA).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "card" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


def keep_in(box: Path, source: Path, reserve: int = 0) -> Kept:
    return keep(source, Shelf(box / "originals", box / "tmp", reserve))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_kept_under_its_digest_once(tmp_path: Path, source: Path) -> None:
    kept = keep_in(tmp_path, source)
    assert kept == Kept(DIGEST, tmp_path / "originals" / DIGEST[:2] / f"{DIGEST}.jpg", len(DATA))
    assert kept.path == original_path(tmp_path / "originals", DIGEST)
    assert kept.path.read_bytes() == DATA
    before = kept.path.stat()
    assert keep_in(tmp_path, source) == kept
    assert kept.path.stat() == before
    assert files(tmp_path / "tmp") == []
    assert source.read_bytes() == DATA


def test_a_read_only_card(tmp_path: Path, source: Path) -> None:
    source.chmod(0o400)
    source.parent.chmod(0o500)
    assert keep_in(tmp_path, source).path.read_bytes() == DATA


def test_a_source_that_cannot_be_read_is_rejected(tmp_path: Path, source: Path) -> None:
    with pytest.raises(Rejected, match="check the card"):
        keep_in(tmp_path, source.with_name("pulled out.jpg"))
    with pytest.raises(Rejected, match="check the card"):
        keep_in(tmp_path, source.parent)
    assert not (tmp_path / "originals").exists()


def test_the_reserve_is_kept_free(tmp_path: Path, source: Path) -> None:
    with pytest.raises(Unavailable, match="disk is full") as full:
        keep_in(tmp_path, source, reserve=1 << 60)
    assert full.value.retry_helps
    assert files(tmp_path / "tmp") == []
    assert not (tmp_path / "originals").exists()


@pytest.mark.parametrize("small", [copying.SMALL, 1_000])
def test_large_files_are_copied_in_pieces(
    tmp_path: Path, source: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "SMALL", small)
    shelf, asked = Shelf(tmp_path / "originals", tmp_path / "tmp", 0), []
    kept = keep(source, shelf, FileKind.VIDEO, seems_known=lambda size: bool(asked.append(size)))
    assert (kept.digest, kept.path.suffix) == (DIGEST, ".mp4")
    before = kept.path.stat()
    assert keep(source, shelf, FileKind.VIDEO, seems_known=lambda _size: True) == kept
    assert keep(source, shelf, FileKind.VIDEO) == kept
    assert kept.path.stat() == before
    assert asked == ([] if small > len(DATA) else [len(DATA)])
    assert files(tmp_path / "tmp") == []


@pytest.mark.parametrize("small", [copying.SMALL, 1_000])
def test_a_file_that_is_still_being_written_is_not_taken(
    tmp_path: Path, source: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "SMALL", small)
    shelf = Shelf(tmp_path / "originals", tmp_path / "tmp", 0)
    blocks = copying._blocks

    def growing(file: BinaryIO) -> Iterator[bytes]:
        yield from blocks(file)
        with source.open("ab") as more:
            more.write(b"more")

    monkeypatch.setattr(copying, "_blocks", growing)
    with pytest.raises(Rejected, match="changed while it was read"):
        keep(source, shelf)
    assert files(tmp_path) == [source]


def test_room_is_made_before_the_disk_counts_as_full(tmp_path: Path, source: Path) -> None:
    asked: list[int] = []
    with pytest.raises(Unavailable, match="disk is full"):
        keep(source, Shelf(tmp_path / "originals", tmp_path / "tmp", 1 << 60, asked.append))
    assert len(asked) == 1
    assert asked[0] > len(DATA)


def test_what_may_have_been_pulled_out_is_told_from_the_rest(tmp_path: Path, source: Path) -> None:
    with pytest.raises(Torn):
        keep_in(tmp_path, source.with_name("pulled out.jpg"))
    with pytest.raises(Rejected) as folder:
        keep_in(tmp_path, source.parent)
    assert not isinstance(folder.value, Torn)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs rights that this run does not have")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_while_it_is_written(small_disk: Path, source: Path) -> None:
    # A reserve below zero passes the check before, as another program filling the disk meanwhile would.
    with pytest.raises(Unavailable, match="disk is full"):
        keep_in(small_disk, source, reserve=-len(DATA))
    assert files(small_disk) == []


def test_copies_beside_each_other_count_each_other_s_bytes(
    small_disk: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two would fit alone, and one beside the reserve."""
    size, reading = 1_500_000, copying._blocks
    one, other = (source.with_name(name) for name in ("one.mp4", "other.mp4"))
    for path in (one, other):
        path.write_bytes(os.urandom(size))
    shelf = Shelf(small_disk / "originals", small_disk / "tmp", size)

    def meanwhile(file: BinaryIO) -> Iterator[bytes]:
        if file.name == str(one):
            with pytest.raises(Unavailable, match="disk is full"):
                keep(other, shelf, FileKind.VIDEO)
        yield from reading(file)

    monkeypatch.setattr(copying, "SMALL", 1_000)
    monkeypatch.setattr(copying, "_blocks", meanwhile)
    assert keep(one, shelf, FileKind.VIDEO).path.stat().st_size == size


LIMITED = """
import resource, signal, sys
from pathlib import Path
from fieldbox.errors import Unavailable
from fieldbox.ingest.copy import Shelf, keep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
box = Path(sys.argv[2])
try:
    keep(Path(sys.argv[1]), Shelf(box / "originals", box / "tmp", 0))
except Unavailable as refusal:
    print(refusal)
"""


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, source: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(source), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "disk is full" in run.stdout
    assert files(tmp_path / "tmp") == files(tmp_path / "originals") == []


def test_a_store_that_cannot_be_written(tmp_path: Path, source: Path) -> None:
    (tmp_path / "originals").write_bytes(b"a file where a folder should be")
    with pytest.raises(Unavailable, match="check the disk"):
        keep_in(tmp_path, source)
    assert files(tmp_path / "tmp") == []


CRASH = """
import os, sys
from pathlib import Path
import fieldbox.ingest.copy as copy
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)  # the plug is pulled before anything is synced
box = Path(sys.argv[2])
copy.keep(Path(sys.argv[1]), copy.Shelf(box / "originals", box / "tmp", 0))
"""


def test_a_crash_leaves_a_file_that_the_next_start_removes(tmp_path: Path, source: Path) -> None:
    run = subprocess.run([sys.executable, "-c", CRASH, str(source), str(tmp_path)], check=False)
    assert run.returncode == -9
    assert len(files(tmp_path / "tmp")) == 1
    assert files(tmp_path / "originals") == []
    (tmp_path / "tmp" / "upload-1.part").write_bytes(b"of someone else")
    assert clean_leftovers(tmp_path / "tmp") == 1
    assert [path.name for path in files(tmp_path / "tmp")] == ["upload-1.part"]
    assert keep_in(tmp_path, source).path.read_bytes() == DATA


def test_the_file_of_a_running_copy_is_left_alone(tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415 - as the writer holds it

    part = tmp_path / "intake-1-ab.part"
    with part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert clean_leftovers(tmp_path) == 0
    assert clean_leftovers(tmp_path) == 1
    assert clean_leftovers(tmp_path / "missing") == 0
