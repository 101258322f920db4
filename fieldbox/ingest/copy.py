"""Verified copies of photos, kept under their digests.

The order of the steps is what makes pulling the plug harmless: a copy gets its final name only after
its bytes were synced and read back from the disk and its digest found right; the name's folder is
synced after that. What a crash leaves behind is a file in the temporary folder, and `clean_leftovers`
takes it away.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from blake3 import blake3

from fieldbox.errors import Rejected, Unavailable
from fieldbox.i18n import N_

_BUFFER = 4 << 20
_PREFIX, _SUFFIX = "intake-", ".part"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo in the originals."""

    digest: str
    path: Path
    size: int
    """Bytes."""


def original_path(originals: Path, digest: str) -> Path:
    """Where the photo with this digest is kept."""
    return originals / digest[:2] / f"{digest}.jpg"


def keep(source: Path, originals: Path, tmp: Path, *, reserve_bytes: int) -> Kept:
    """Copy `source` into `originals` and verify the copy; the source is only read. What is there already stays.

    `tmp` must be on the same disk as `originals`. Raises Rejected when the source cannot be read or
    changes meanwhile, and Unavailable when the box cannot store it: disk full (fewer than
    `reserve_bytes` would stay free) or read-only.
    """
    with _opened(source) as file:
        digest, size = _digest(file)
        target = original_path(originals, digest)
        if target.exists():
            return Kept(digest, target, size)
        _require_space(tmp, size + reserve_bytes)
        with _writing(tmp) as copy:
            if _copy(file, copy) != digest:
                raise Rejected(
                    N_("The file changed while it was read: wait until it is written, then try again.")
                )
            with _storing():
                _verify(copy, digest)
                _name(copy, target)
        return Kept(digest, target, size)


def clean_leftovers(tmp: Path) -> int:
    """Remove the temporary files of crashed runs, not those of running ones; tells how many."""
    removed = 0
    for path in sorted(tmp.glob(f"{_PREFIX}*{_SUFFIX}")):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its writer holds this as long as it lives
            path.unlink()
            removed += 1
    return removed


@contextmanager
def _opened(source: Path) -> Iterator[BinaryIO]:
    try:
        with source.open("rb", buffering=0) as file:
            yield file
    except OSError as error:
        _refuse_source(error)


@contextmanager
def _writing(tmp: Path) -> Iterator[BinaryIO]:
    """A new locked file in `tmp`, gone afterwards unless it was renamed."""
    with _storing():
        tmp.mkdir(parents=True, exist_ok=True)
        path, file = _locked(tmp)
    try:
        yield file
    finally:
        file.close()
        with suppress(OSError):
            path.unlink()


def _locked(tmp: Path) -> tuple[Path, BinaryIO]:
    """A new file that is ours: another process may have cleaned it away before it was locked."""
    while True:
        path = tmp / f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        file = path.open("x+b", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()


@contextmanager
def _storing() -> Iterator[None]:
    """Turn failures of the box's own disk into Unavailable."""
    try:
        yield
    except OSError as error:
        _refuse_store(error)


def _digest(file: BinaryIO) -> tuple[str, int]:
    """First pass: a card that is given again must not be written again. The second pass reads what the
    first left in memory."""
    file.seek(0)
    hasher, size = blake3(), 0
    while block := file.read(_BUFFER):
        hasher.update(block)
        size += len(block)
    return hasher.hexdigest(), size


def _copy(source: BinaryIO, copy: BinaryIO) -> str:
    """The digest of what was copied."""
    source.seek(0)
    hasher = blake3()
    while block := source.read(_BUFFER):
        hasher.update(block)
        with _storing():
            _write(copy, block)
    return hasher.hexdigest()


def _write(copy: BinaryIO, block: bytes) -> None:
    left = memoryview(block)
    while left:  # an unbuffered write may take less than it is given
        left = left[copy.write(left) :]


def _verify(copy: BinaryIO, digest: str) -> None:
    os.fsync(copy.fileno())
    # Drop the pages, so that the disk is read and not the memory we wrote from.
    os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if _digest(copy)[0] != digest:
        raise Unavailable(N_("The box's disk gave back other bytes than were written: replace the disk."))


def _name(copy: BinaryIO, target: Path) -> None:
    """Give the copy its final name, for good."""
    new_folder = not target.parent.exists()
    target.parent.mkdir(parents=True, exist_ok=True)
    Path(str(copy.name)).rename(target)
    _sync_folder(target.parent)
    if new_folder:
        _sync_folder(target.parent.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_space(tmp: Path, needed: int) -> None:
    with _storing():
        tmp.mkdir(parents=True, exist_ok=True)
        disk = os.statvfs(tmp)
    if disk.f_bavail * disk.f_frsize < needed:
        _refuse_full()


def _refuse_source(error: OSError) -> NoReturn:
    raise Rejected(
        N_("It cannot be read ({detail}): check the card and copy it again."),
        detail=error.strerror or type(error).__name__,
    ) from error


def _refuse_store(error: OSError) -> NoReturn:
    if error.errno in _FULL:
        _refuse_full()
    raise Unavailable(
        N_("The box cannot write to its disk ({detail}): check the disk and its rights."),
        detail=error.strerror or type(error).__name__,
    ) from error


def _refuse_full() -> NoReturn:
    raise Unavailable(N_("The box's disk is full: delete old surveys or connect a larger disk."))
