"""A hub's desk for tests of a link: reads frames as the hub does, keeps what is in them, and acknowledges by the real formats."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.domain import MessageKind, Outgoing
from fieldbox.sync.burst import Sender
from fieldbox.sync.ports import Clock, Outbox
from fieldbox.wire import down, frame
from fieldbox.wire.down import Acknowledgement, Down, DownKind
from fieldbox.wire.ids import key_of
from tests.systemclock import SystemClock

BOX = "babcdefgh"


class Desk:
    """Both ends' keys, and what the hub has."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.box_key = Ed25519PrivateKey.generate()
        self.has: Counter[str] = Counter()
        self.kinds: list[MessageKind] = []
        """In the order in which they came."""
        self.batches: list[list[str]] = []
        self.commands: list[Down] = []
        """What the box's end heard."""

    def __call__(self, sealed: bytes) -> list[bytes]:
        """Keep a frame and acknowledge it."""
        read = frame.read(sealed, lambda _: self.box_key.public_key())
        self.has.update(item.id for item in read.items)
        self.kinds.extend(item.kind for item in read.items)
        self.batches.append([item.id for item in read.items])
        return [self.acknowledges(read.batch)]

    def acknowledges(self, *batches: str, refused: Mapping[str, str] | None = None) -> bytes:
        """The hub has these frames."""
        return self.says(DownKind.ACKNOWLEDGE, Acknowledgement(batches, (), refused or {}).body())

    def says(
        self,
        kind: DownKind,
        body: Mapping[str, Any] | None = None,
        *,
        box: str = BOX,
        issued: datetime | None = None,
        key: Ed25519PrivateKey | None = None,
    ) -> bytes:
        """Something of the hub, or of who says to be it."""
        told = Down(box, secrets.token_hex(16), issued or datetime.now(UTC), kind, body or {})
        return down.pack(told, key or self.key)

    def sender(self, outbox: Outbox, clock: Clock) -> Sender:
        """The box at the other end."""
        return Sender(BOX, self.box_key, self.key.public_key(), outbox, clock, self.commands.append)


def outgoing(number: int, kind: MessageKind = MessageKind.SUMMARY) -> Outgoing:
    """A message that is like no other."""
    body = f'{{"v":1,"n":{number},"field":"{key_of(str(number))[:8]}"}}'
    return Outgoing(kind, body, key_of(kind, str(number)))


class AheadClock(SystemClock):
    """This machine's clocks, with a time of day that is put ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """The time of day, UTC, put ahead."""
        return super().now() + self.ahead
