"""Frames: messages of one box on their way to the hub, over whatever carries them.

A frame is one byte of version, one that tells how the rest is packed, CBOR (RFC 8949) that may be compressed with zstd
(RFC 8878), and the box's signature over all of it. The CBOR is `[box, [[kind, id, replaces, body], ...]]`: the kind a number, ids
16 bytes each, `replaces` a list of ids or null, the body as `fieldbox.wire.compact` makes it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cbor2
import zstandard
from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldbox.domain import Message, MessageKind
from fieldbox.wire import compact, strict
from fieldbox.wire.ids import ID_BYTES
from fieldbox.wire.seal import Purpose, content_of, seal, unseal

VERSION: Final = 1
_PLAIN, _ZSTD = 0, 1
_HEAD, _COLUMNS = 2, 4
MAX_FRAME: Final = 256 * 1024
"""Of a frame, in bytes; a picture may be large."""
MAX_CONTENT: Final = 1024 * 1024
"""Of what a frame unpacks to, in bytes: no small frame may fill the hub's memory."""
MAX_MESSAGES: Final = 1000
KINDS: Final = (
    MessageKind.ALERT,
    MessageKind.SUMMARY,
    MessageKind.ANSWER,
    MessageKind.BOX,
    MessageKind.PICTURE,
)
"""In the order of their numbers, which never change."""


class Unreadable(ValueError):
    """A frame is none, or of a version that is not known."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a frame."""

    id: str
    kind: MessageKind | None
    """None: a kind that is not known here, as a newer box may send (the rest of the frame can be read)."""
    body: str | None
    """JSON; None: its compact form cannot be read (the rest of the frame can)."""
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a hub reads of a frame whose signature was right."""

    box: str
    batch: str
    """`batch_of` its bytes."""
    items: tuple[Item, ...]


def pack(box: str, messages: Iterable[Message], key: Ed25519PrivateKey) -> bytes:
    """A frame of `messages`, compressed where that is shorter."""
    rows = [
        [
            KINDS.index(one.kind),
            bytes.fromhex(one.id),
            [bytes.fromhex(other) for other in one.replaces] or None,
            compact.pack(one.kind, one.body, one.id),
        ]
        for one in messages
    ]
    plain = cbor2.dumps([box, rows])
    small = _compressor().compress(plain)
    form, content = (_ZSTD, small) if len(small) < len(plain) else (_PLAIN, plain)
    return seal(key, Purpose.FRAME, bytes([VERSION, form]) + content)


def batch_of(frame: bytes) -> str:
    """The id of a frame: 16 hexadecimal digits of its digest."""
    return blake3(frame).hexdigest()[:16]


def read(frame: bytes, key_of: Callable[[str], Ed25519PublicKey]) -> Frame:
    """Read a frame with the key of the box that it names.

    `key_of` raises for a box that it does not know; what it raises is not caught. Raises Unreadable, and `seal.Forged` where the
    signature is not that box's.
    """
    if not _HEAD < len(frame) <= MAX_FRAME:
        raise Unreadable("size")
    box, rows = _rows(content_of(frame))
    unseal(key_of(box), Purpose.FRAME, frame)
    return Frame(box, batch_of(frame), tuple(_item(row) for row in rows))


def _rows(content: bytes) -> tuple[str, Sequence[Any]]:
    if content[:1] != bytes([VERSION]) or len(content) <= _HEAD:
        raise Unreadable("version")
    try:
        box, rows = strict.loads(_unpacked(content[1], content[_HEAD:]))
    except Unreadable:
        raise
    except (ValueError, TypeError, zstandard.ZstdError) as error:
        raise Unreadable("content") from error
    if not (isinstance(box, str) and isinstance(rows, list) and len(rows) <= MAX_MESSAGES):
        raise Unreadable("content")
    return box, rows


def _unpacked(form: int, content: bytes) -> bytes:
    if form == _PLAIN:
        return content
    if form != _ZSTD:
        raise Unreadable("form")
    with zstandard.ZstdDecompressor(max_window_size=2**20).stream_reader(io.BytesIO(content)) as reader:
        plain = reader.read(MAX_CONTENT + 1)
    if len(plain) > MAX_CONTENT:
        raise Unreadable("size")
    return plain


def _item(row: Any) -> Item:
    if not isinstance(row, list) or len(row) != _COLUMNS:
        raise Unreadable("row")
    kind, identity, replaces, body = row
    if type(kind) is not int or kind < 0:
        raise Unreadable("kind")
    if not isinstance(replaces, list | None):
        raise Unreadable("replaces")
    told, earlier = _id(identity), tuple(map(_id, replaces or ()))
    if kind >= len(KINDS):  # of a newer box: this message alone is refused
        return Item(told, None, None, earlier)
    return Item(told, KINDS[kind], compact.unpack(KINDS[kind], body, told), earlier)


def _id(told: Any) -> str:
    if not isinstance(told, bytes) or len(told) != ID_BYTES:
        raise Unreadable("id")
    return told.hex()


def _compressor() -> zstandard.ZstdCompressor:
    """A new one each time: threads cannot share it."""
    return zstandard.ZstdCompressor(level=19, write_checksum=False, write_content_size=False)
