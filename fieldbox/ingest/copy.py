"""Verified copies of what somebody gave, kept under their digests.

The order of the steps is what makes pulling the plug harmless: a copy gets its final name only after
its bytes were synced and read back from the disk and its digest found right; the name's folder is
synced after that. What a crash leaves behind is a file in the temporary folder, and `clean_leftovers`
takes it away.

A source is read once: a card is slow. A small file is read into memory, so that one that is known already is not
written again; a large one is copied while its digest is made, unless there is reason to think that it is known.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn

from blake3 import blake3

from fieldbox.domain import FileKind
from fieldbox.errors import Rejected, Unavailable
from fieldbox.i18n import N_
from fieldbox.ingest.scan import TORN_AWAY
from fieldbox.wholefile import sync_folder

SMALL = 48 * 2**20
"""Bytes of a file that is read into memory: photos and bands are, videos and orthomosaics are not."""
_BUFFER = 4 << 20
_PREFIX, _SUFFIX = "intake-", ".part"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the originals."""

    digest: str
    path: Path
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where copies go. `tmp` must be on the same disk as `originals`."""

    originals: Path
    tmp: Path
    reserve_bytes: int
    """Free space that a copy never eats into."""
    make_room: Callable[[int], None] = lambda _bytes: None
    """Asked to free so many bytes before a copy is refused for want of space."""
    lasting: set[Path] = field(default_factory=set)
    """Folders whose names are known to be on the disk."""
    one_by_one: threading.Lock = field(default_factory=threading.Lock)
    """Held while room for a copy is looked for and taken."""


class Torn(Rejected):
    """A file that could not be read because of its card; perhaps this was pulled out."""


def original_path(originals: Path, digest: str, kind: FileKind = FileKind.JPEG) -> Path:
    """Where the file with this digest is kept."""
    return originals / digest[:2] / f"{digest}.{kind.value}"


def keep(
    source: Path,
    shelf: Shelf,
    kind: FileKind = FileKind.JPEG,
    *,
    seems_known: Callable[[int], bool] = lambda _size: False,
    suspect: Callable[[str], bool] = lambda _digest: False,
    expecting: Callable[[str], None] = lambda _digest: None,
) -> Kept:
    """Copy `source` and verify the copy; the source is only read. What is there already stays.

    A large file of a size that `seems_known` is digested first. A copy that is `suspect` by its digest, or of another
    size, is made anew. `expecting` is told the digest before a copy is looked for or named: it must not be removed then.

    Raises Rejected when the source cannot be read (Torn: perhaps its card is gone) or changes meanwhile, and
    Unavailable when the box cannot store it: disk full or read-only.
    """

    def kept_already(digest: str, size: int) -> Kept | None:
        target = original_path(shelf.originals, digest, kind)
        expecting(digest)
        fine = _is_there(target, size) and not suspect(digest)
        return Kept(digest, target, size) if fine else None

    with _opened(source) as file:
        size, _written = stamp = _stamp(file)
        data = _read_all(file) if size <= SMALL else None
        if data is not None or seems_known(size):
            digest = _digest(_blocks(file) if data is None else [data])
            _require_same(stamp, _stamp(file))
            if known := kept_already(digest, size):
                return known
        with _writing(shelf.tmp) as copy:
            _take_space(copy, size, shelf)
            digest = _copy(_blocks(file) if data is None else [data], copy)
            _require_same((copy.tell(), stamp[1]), _stamp(file))
            with _storing():
                _verify(copy, digest)
                target = original_path(shelf.originals, digest, kind)
                if not kept_already(digest, size):
                    _name(copy, target, shelf)
        return Kept(digest, target, size)


def _is_there(target: Path, size: int) -> bool:
    try:
        return target.stat().st_size == size
    except OSError:
        return False


def _stamp(file: BinaryIO) -> tuple[int, int]:
    """Size and time of writing: what tells that a file is still being written."""
    state = os.fstat(file.fileno())
    return state.st_size, state.st_mtime_ns


def _require_same(before: tuple[int, int], after: tuple[int, int]) -> None:
    if before != after:
        raise Rejected(N_("The file changed while it was read: wait until it is written, then try again."))


def _read_all(file: BinaryIO) -> bytes:
    return b"".join(_blocks(file))


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BUFFER):
        yield block


def head_of(source: Path, count: int) -> tuple[bytes, int]:
    """The first `count` bytes of a file, and its size. Raises Rejected as `keep` does."""
    with _opened(source) as file:
        return file.read(count), os.fstat(file.fileno()).st_size


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


def _digest(blocks: Iterable[bytes]) -> str:
    hasher = blake3()
    for block in blocks:
        hasher.update(block)
    return hasher.hexdigest()


def _copy(blocks: Iterable[bytes], copy: BinaryIO) -> str:
    """The digest of what was copied."""
    hasher = blake3()
    for block in blocks:
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
    if _digest(_blocks(copy)) != digest:
        raise Unavailable(N_("The box's disk gave back other bytes than were written: replace the disk."))


def _name(copy: BinaryIO, target: Path, shelf: Shelf) -> None:
    """Give the copy its final name, for good."""
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    Path(str(copy.name)).rename(target)
    sync_folder(folder)
    if folder not in shelf.lasting:  # whoever made it: its own name must be on the disk as well
        sync_folder(shelf.originals)
        sync_folder(shelf.originals.parent)
        shelf.lasting.add(folder)


def _take_space(copy: BinaryIO, size: int, shelf: Shelf) -> None:
    """Have the disk keep so many bytes for a copy: what is copied beside it would count them as free until they are
    written."""
    with _storing(), shelf.one_by_one:
        missing = size + shelf.reserve_bytes - _free(shelf.tmp)
        if missing > 0:
            shelf.make_room(missing)
            if size + shelf.reserve_bytes > _free(shelf.tmp):
                _refuse_full()
        if size:
            os.posix_fallocate(copy.fileno(), 0, size)


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _refuse_source(error: OSError) -> NoReturn:
    kind = Torn if error.errno in TORN_AWAY else Rejected
    raise kind(
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
