"""Boxes that send to a hub, with keys that are made here and thrown away."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.domain import Message, MessageKind, MessageState, Outgoing
from fieldbox.hub.rows import Certificate, KnownBox
from fieldbox.storage.store import Store
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.wire import down, frame
from fieldbox.wire.ids import key_of, message_id

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@dataclass
class Sender:
    """A box as the hub sees it."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    last: str | None = None

    @property
    def id(self) -> str:
        digest = blake3(self.key.public_key().public_bytes_raw()).digest()
        return "b" + base64.b32encode(digest).decode().lower()[:8]

    @property
    def known(self) -> KnownBox:
        end = NOW + timedelta(days=1825)
        return KnownBox(
            self.id, "Hill", self.key.public_key().public_bytes_raw(), Certificate("0a" + self.id, end), NOW
        )

    def message(
        self,
        body: str,
        kind: MessageKind = MessageKind.SUMMARY,
        replaces: Sequence[str] = (),
        at: datetime = NOW,
    ) -> Message:
        self.last = message_id(at, key_of(body, str(self.last)), self.last)
        return Message(self.last, kind, body, MessageState.WAITING, 0, at, replaces=tuple(replaces))

    def summary(self, number: int = 1, replaces: Sequence[str] = ()) -> Message:
        return self.message(summary(number), replaces=replaces)

    def frame(self, *messages: Message) -> bytes:
        return frame.pack(self.id, messages, self.key)


def summary(number: int = 1) -> str:
    """The JSON of a survey, such as the package's own schema has it."""
    return json.dumps(
        {
            "v": 1,
            "id": f"s{number:08d}",
            "field": "F123",
            "made": "2026-06-01T08:00:00Z",
            "area_ha": [1.2, 1.1, 1.3],
            "weed_pct": [3.4],
            "weeds": None,
            "crop_pct": [40],
            "crops": None,
            "health": [61, 55, 70],
            "unsure_pct": [2],
            "unseen_pct": [0],
            "gsd_cm": 0.3,
            "pos_err_m": 1.5,
            "label": "RGB-only",
            "release": "weeds-1",
            "photos": [40, 0],
            "spots": [[3, 1.5, 20]],
            "spots_total": 1,
        },
        separators=(",", ":"),
    )


def tell(outbox: Store | MemoryOutbox, box: str, numbers: Iterable[int]) -> list[str]:
    """Put surveys into the outbox of a box; the ids of their messages."""
    return [outbox.send(Outgoing(MessageKind.SUMMARY, summary(n), key_of(box, str(n)))) for n in numbers]


def acknowledged(told: bytes | None, hub: Ed25519PrivateKey, box: str) -> down.Acknowledgement:
    """What an acknowledgement says to a box."""
    assert told is not None
    said = down.read(told, hub.public_key(), box)
    assert said.kind is down.DownKind.ACKNOWLEDGE
    return down.Acknowledgement.of(said.body)


def ids(messages: Iterable[Message]) -> list[str]:
    return [one.id for one in messages]
