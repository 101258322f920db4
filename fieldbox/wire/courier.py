"""Files that a person carries between a box and its hub, one for each direction and box.

A file is a line that tells what it is, the length of the list (4 bytes), the list, and the parts one after the other. The list is
CBOR `[version, way, box, made, [[kind, size, digest, name], ...]]` with the signature of whoever made it: the box's on the way
up, the hub's on the way down. `made` is whole seconds since 1970 by the maker's clock; digests are BLAKE3, 32 bytes.

Nothing of a file is used before all of it was held against the list: a file that was cut short, changed or padded is refused as a
whole. Parts are at most as long as their kind allows, nothing is unpacked, and no name in the list is a path.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

import cbor2
from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldbox.i18n import N_
from fieldbox.wholefile import clear_leftovers, written
from fieldbox.wire import down, frame, join, strict
from fieldbox.wire.join import BOX_ID
from fieldbox.wire.seal import SIGNATURE_BYTES, Forged, Purpose, seal, unseal

FOLDER: Final = "fieldbox"
"""On the stick."""
VERSION: Final = 1
_HEAD: Final = b"fieldbox courier 1\n"
_COUNT: Final = 4
MOST_LIST: Final = 8 * 1024 * 1024
MOST_PARTS: Final = 50_000
_DIGEST: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\.[a-z0-9]{1,12}){1,2}")
_BUFFER: Final = 1024 * 1024


class Way(IntEnum):
    """Which way a file goes. The numbers never change."""

    UP = 0
    DOWN = 1


class PartKind(IntEnum):
    """What a part is. The numbers never change."""

    FRAME = 0
    """Messages of the box, as they would go by air (`fieldbox.wire.frame`)."""
    SAID = 1
    """Something that the hub says (`fieldbox.wire.down`)."""
    REQUEST = 2
    """The box asks for another certificate (`fieldbox.wire.join`)."""
    MODEL = 3
    """A file of a model, which has its own signature."""


MOST_BYTES: Final = {
    PartKind.FRAME: frame.MAX_FRAME,
    PartKind.SAID: down.MAX_BYTES,
    PartKind.REQUEST: join.MOST_BYTES,
    PartKind.MODEL: 64 * 2**20,
}
"""Of a part."""


REASONS: Final = {
    "short": N_("it was cut short: write it again, and let the stick be until that is done"),
    "altered": N_(
        "its bytes are not those that were written: the stick is failing, or somebody changed them"
    ),
    "forged": N_("it was changed, or comes of somebody else"),
    "content": N_("it is no courier's file of fieldbox"),
    "version": N_("it was written by a newer release of fieldbox"),
    "size": N_("something in it is larger than it may be"),
    "name": N_("a name in it may not be used"),
    "box": N_("it is for another box, or goes the other way"),
    "link": N_("it is no file of its own, but leads elsewhere"),
    "unknown": N_("the hub does not know this box"),
    "revoked": N_("the hub does not hear this box any more"),
    "stick": N_("the stick cannot be read, or was pulled out"),
}
"""What is wrong with a file, in words."""


class Unreadable(ValueError):
    """It is no such file, was cut short or altered, or is of a version that is not known: why, as a name in `REASONS`."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part to be written."""

    kind: PartKind
    content: bytes | Path
    """A path: the content of that file."""
    name: str = ""
    """Of a model's file."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A part as the list tells it."""

    kind: PartKind | None
    """None: a kind that is not known here, as from a newer release; it is passed over."""
    size: int
    digest: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Package:
    """A file that was held against its list, open to be read."""

    way: Way
    box: str
    made: datetime
    parts: tuple[Listed, ...]
    _file: BinaryIO
    _start: int

    def contents(self) -> Iterator[tuple[Listed, bytes]]:
        """The parts of known kinds with their bytes. Raises Unreadable where the stick reads otherwise than a moment ago."""
        self._file.seek(self._start)
        for part in self.parts:
            if part.kind is None:
                self._file.seek(part.size, os.SEEK_CUR)
                continue
            content = self._file.read(part.size)
            if blake3(content).digest() != part.digest:
                raise Unreadable("altered")
            yield part, content


def file_name(box: str, way: Way) -> str:
    """What a file is called: letters and digits that every file system knows, in small letters."""
    return f"{box}.{way.name.lower()}"


def names(folder: Path, way: Way) -> list[str]:
    """Ids of the boxes for which there is a file below the stick `folder`. Raises OSError."""
    below = folder / FOLDER
    if not below.is_dir() or below.is_symlink():
        return []
    stems = (one.name.rpartition(".") for one in sorted(below.iterdir()))
    return [stem for stem, _dot, end in stems if BOX_ID.fullmatch(stem) and end == way.name.lower()]


def write(
    folder: Path, way: Way, box: str, parts: Sequence[Part], key: Ed25519PrivateKey, made: datetime
) -> Path:
    """Write a file to the stick `folder`; one that is there is replaced when the new one is whole. Raises OSError.

    Raises Unreadable where a part is longer than its kind allows or changes while it is read, and where a link is in the way.
    """
    below = folder / FOLDER
    below.mkdir(exist_ok=True)
    if below.is_symlink():
        raise Unreadable("link")
    file = below / file_name(box, way)
    clear_leftovers(below, file.name)
    listed = [_listed(part) for part in parts]
    rows = [[int(one.kind or 0), one.size, one.digest, one.name] for one in listed]
    sealed = seal(key, Purpose.COURIER, cbor2.dumps([VERSION, int(way), box, int(made.timestamp()), rows]))
    if len(sealed) > MOST_LIST or len(rows) > MOST_PARTS:
        raise Unreadable("size")
    with written(file, mode=None) as out:
        out.write(_HEAD + len(sealed).to_bytes(_COUNT, "big") + sealed)
        for part, one in zip(parts, listed, strict=True):
            _copy(part, one, out)
    return file


def _listed(part: Part) -> Listed:
    digest = blake3()
    size = 0
    for piece in _pieces(part):
        digest.update(piece)
        size += len(piece)
    if size > MOST_BYTES[part.kind]:
        raise Unreadable("size")
    return Listed(part.kind, size, digest.digest(), part.name)


def _copy(part: Part, told: Listed, out: BinaryIO) -> None:
    digest = blake3()
    for piece in _pieces(part):
        digest.update(piece)
        out.write(piece)
    if digest.digest() != told.digest:
        raise Unreadable("altered")


def _pieces(part: Part) -> Iterable[bytes]:
    if isinstance(part.content, bytes):
        yield part.content
        return
    with part.content.open("rb") as file:
        while piece := file.read(_BUFFER):
            yield piece


@contextmanager
def opened(folder: Path, box: str, way: Way, key: Ed25519PublicKey) -> Iterator[Package]:
    """The file of a box on the stick `folder`, held against its list as a whole; `key` is of whoever should have made it.

    Raises Unreadable, and OSError where the stick cannot be read.
    """
    if (folder / FOLDER).is_symlink():
        raise Unreadable("link")
    with _regular(folder / FOLDER / file_name(box, way)) as file:
        named, told_way, made, parts = _rows(_content(_list(file), key))
        if named != box or told_way is not way:
            raise Unreadable("box")
        start = file.tell()
        _hold_against(file, parts)
        yield Package(told_way, named, made, parts, file, start)


@contextmanager
def _regular(path: Path) -> Iterator[BinaryIO]:
    """A file itself, not what a link or a device of the stick would lead to."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise Unreadable("link") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("link")
        yield file


def _list(file: BinaryIO) -> bytes:
    """The list with its signature, not yet checked."""
    if file.read(len(_HEAD)) != _HEAD:
        raise Unreadable("content")
    size = int.from_bytes(file.read(_COUNT), "big")
    if not SIGNATURE_BYTES < size <= MOST_LIST:
        raise Unreadable("size")
    sealed = file.read(size)
    if len(sealed) != size:
        raise Unreadable("short")
    return sealed


def _content(sealed: bytes, key: Ed25519PublicKey) -> Any:
    try:
        return strict.loads(unseal(key, Purpose.COURIER, sealed))
    except Forged as error:
        raise Unreadable("forged") from error
    except ValueError as error:
        raise Unreadable("content") from error


def _rows(told: Any) -> tuple[str, Way, datetime, tuple[Listed, ...]]:
    try:
        version, way, box, made, rows = told
        if version != VERSION:
            raise Unreadable("version")
        parts = tuple(_row(*row) for row in rows)
        found = (box, Way(way), datetime.fromtimestamp(made, UTC), parts)
    except Unreadable:
        raise
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unreadable("content") from error
    if not isinstance(box, str) or len(parts) > MOST_PARTS:
        raise Unreadable("content")
    return found


def _row(kind: Any, size: Any, digest: Any, name: Any) -> Listed:
    if (
        type(kind) is not int
        or type(size) is not int
        or not isinstance(digest, bytes)
        or len(digest) != _DIGEST
    ):
        raise Unreadable("content")
    known = PartKind(kind) if kind in set(PartKind) else None
    if size < 0 or (known is not None and size > MOST_BYTES[known]):
        raise Unreadable("size")
    if not isinstance(name, str) or (known is PartKind.MODEL) != bool(_NAME.fullmatch(name)):
        raise Unreadable("name")
    return Listed(known, size, digest, name)


def _hold_against(file: BinaryIO, parts: Sequence[Listed]) -> None:
    """Read all of it once: each part as the list says, and nothing behind the last."""
    start = file.tell()
    if os.fstat(file.fileno()).st_size != start + sum(one.size for one in parts):
        raise Unreadable("short")
    for part in parts:
        digest, left = blake3(), part.size
        while left:
            piece = file.read(min(left, _BUFFER))
            if not piece:
                raise Unreadable("short")
            digest.update(piece)
            left -= len(piece)
        if digest.digest() != part.digest:
            raise Unreadable("altered")


def is_model_name(name: str) -> bool:
    """Whether a file may be carried under this name."""
    return _NAME.fullmatch(name) is not None
