"""What a hub sends to a box, over whatever carries it: acknowledgements and commands.

CBOR `[version, box, id, issued, kind, body]` and the hub's signature over it. The id is 16 bytes, issued whole seconds since 1970
by the hub's clock, which a box without one takes its time from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldbox.wire import strict
from fieldbox.wire.ids import ID_BYTES
from fieldbox.wire.seal import Forged, Purpose, seal, unseal

VERSION: Final = 1
MAX_BYTES: Final = 64 * 1024
VALID_FOR: Final = timedelta(days=400)
"""A command that is older is not followed."""


class DownKind(IntEnum):
    """What a hub says. The numbers never change."""

    ACKNOWLEDGE = 0
    RESEND = 1
    """Send messages again."""
    PICTURE = 2
    """Send a small picture of a spot."""
    SETTINGS = 3
    """Change settings."""
    CERTIFICATE = 4
    """A new certificate for TLS."""


class Unreadable(ValueError):
    """It is no such thing, is for another box, or of a version that is not known."""


@dataclass(frozen=True, slots=True)
class Down:
    """One thing that a hub says to one box."""

    box: str
    id: str
    """32 hexadecimal digits."""
    issued: datetime
    kind: DownKind
    body: Mapping[str, Any] = field(default_factory=dict)
    """Plain values. Of an acknowledgement: see `Acknowledgement`."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the hub has committed, and what it cannot read."""

    batches: tuple[str, ...] = ()
    """Ids of frames: all of their messages but those refused."""
    messages: tuple[str, ...] = ()
    """Ids of single messages, where the frame is not known, as from a courier."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why each of these messages cannot be read, in a word: `schema`, `size`, `json`, `kind`, `id`, `replaces`."""

    def body(self) -> dict[str, Any]:
        """As it goes into `Down.body`."""
        parts = {
            "b": [bytes.fromhex(one) for one in self.batches],
            "m": [bytes.fromhex(one) for one in self.messages],
            "r": {bytes.fromhex(one): why for one, why in self.refused.items()},
        }
        return {name: part for name, part in parts.items() if part}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Acknowledgement:
        """Read `Down.body`. Raises Unreadable."""
        try:
            return cls(
                tuple(map(_hex, body.get("b", ()))),
                tuple(map(_hex, body.get("m", ()))),
                {_hex(one): str(why) for one, why in dict(body.get("r", {})).items()},
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise Unreadable("acknowledgement") from error


def _hex(told: Any) -> str:
    """Raises TypeError for what is no bytes: `bytes` would make a number into as many zeros."""
    if not isinstance(told, bytes):
        raise TypeError("id")
    return told.hex()


def pack(down: Down, key: Ed25519PrivateKey) -> bytes:
    """`down` as bytes with the hub's signature."""
    told = [
        VERSION,
        down.box,
        bytes.fromhex(down.id),
        int(down.issued.timestamp()),
        int(down.kind),
        dict(down.body),
    ]
    return seal(key, Purpose.DOWN, cbor2.dumps(told))


def read(sealed: bytes, key: Ed25519PublicKey, box: str) -> Down:
    """Read what the hub with this key says to `box`. Raises Unreadable, and `seal.Forged`."""
    if len(sealed) > MAX_BYTES:
        raise Unreadable("size")
    content = unseal(key, Purpose.DOWN, sealed)
    try:
        version, to, identity, issued, kind, body = strict.loads(content)
        told = Down(to, identity.hex(), datetime.fromtimestamp(issued, UTC), DownKind(kind), dict(body))
    except Exception as error:  # signed, and yet of a version that is not known
        raise Unreadable("content") from error
    if version != VERSION or len(identity) != ID_BYTES or to != box:
        raise Unreadable("version" if version != VERSION else "box")
    return told


__all__ = ["VALID_FOR", "Acknowledgement", "Down", "DownKind", "Forged", "Unreadable", "pack", "read"]
