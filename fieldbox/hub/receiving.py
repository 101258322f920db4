"""Taking in a frame: whose it is, whether it is sound, the commit, and only then the acknowledgement.

A frame that comes again, over whatever carries it, changes nothing and is acknowledged again.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldbox.domain import MessageKind
from fieldbox.hub.refusals import noted
from fieldbox.hub.rows import Arrival, Arriving, Command, Way
from fieldbox.hub.store import HubStore
from fieldbox.wire import commands, down, frame, schemas
from fieldbox.wire.ids import ID_BYTES, made_at
from fieldbox.wire.join import BOX_ID
from fieldbox.wire.seal import Forged

COMMAND: Final = "to"
"""Where an answer's JSON names the command that it answers."""
_COMMAND_ID: Final = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")
MOST_REPLACED: Final = 64
"""Ids of earlier messages that one may name: four times as many as a box does."""


class Stranger(Exception):
    """A box that the hub does not know, or knows no more."""

    def __init__(self, box: str, why: str) -> None:
        super().__init__(box, why)
        self.box, self.why = box, why


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a frame."""

    box: str | None
    """Whose it is; None: it was not taken."""
    down: bytes | None
    """The signed acknowledgement for that box; None: it was not taken."""
    new: int = 0
    """Messages of it that the hub did not have."""
    taken: tuple[str, ...] = ()
    """Ids of all messages of it that the hub has now."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why, in a word, by the ids of those that cannot be read."""
    why: str | None = None
    """Why the frame was not taken, in a word: `unknown`, `revoked`, `forged`, or what cannot be read of it."""

    @property
    def known(self) -> int:
        """Messages of it that the hub had already."""
        return len(self.taken) - self.new


def receive(store: HubStore, key: Ed25519PrivateKey, sealed: bytes, *, how: Way, now: datetime) -> Receipt:
    """Take in a frame; `key` is the hub's. When this returns, what it brought is on the disk.

    Raises Unavailable and Misconfigured of the store: then nothing was taken, and nothing must be acknowledged.
    """
    try:
        found = frame.read(sealed, lambda box: key_of(store, box))
    except (frame.Unreadable, Forged, Stranger) as error:
        return _turned_away(store, sealed, error, how=how, now=now)
    arrival = _arrival(found, how, now)
    new = store.keep(arrival)
    return Receipt(
        found.box,
        acknowledgement(key, arrival, now),
        new,
        tuple(one.id for one in arrival.taken),
        arrival.refused,
    )


def key_of(store: HubStore, box: str) -> Ed25519PublicKey:
    """The key under which a box's messages are. Raises Stranger."""
    known = store.box(box) if BOX_ID.fullmatch(box) else None
    if known is None or known.revoked_at is not None:
        raise Stranger(box, "unknown" if known is None else "revoked")
    return Ed25519PublicKey.from_public_bytes(known.key)


def acknowledgement(key: Ed25519PrivateKey, arrival: Arrival, now: datetime) -> bytes:
    """What the box is told of an arrival that was committed."""
    told = down.Acknowledgement(batches=(arrival.frame,), refused=arrival.refused)
    return say(key, arrival.box, down.DownKind.ACKNOWLEDGE, told.body(), now)


def say(
    key: Ed25519PrivateKey, box: str, kind: down.DownKind, body: Mapping[str, Any], now: datetime
) -> bytes:
    """Something for a box, under the hub's signature and with an id of its own."""
    return down.pack(down.Down(box, secrets.token_hex(ID_BYTES), now, kind, body), key)


_KINDS: Final = {
    commands.Resend: down.DownKind.RESEND,
    commands.Picture: down.DownKind.PICTURE,
    commands.Settings: down.DownKind.SETTINGS,
    commands.Certificate: down.DownKind.CERTIFICATE,
}


def command(key: Ed25519PrivateKey, box: str, order: commands.Command, now: datetime) -> Command:
    """A command for a box, signed, to be put into the store."""
    kind = _KINDS[type(order)]
    told = down.Down(box, secrets.token_hex(ID_BYTES), now, kind, order.body())
    return Command(box, told.id, kind.name.lower(), _shown(order), down.pack(told, key), now)


def _shown(order: commands.Command) -> dict[str, Any]:
    """What is in a command, for people; a certificate is long and says them nothing."""
    if isinstance(order, commands.Certificate):
        return {}
    plain = json.dumps(asdict(order), default=lambda one: one.isoformat())
    return dict(json.loads(plain))


def _turned_away(store: HubStore, sealed: bytes, error: Exception, *, how: Way, now: datetime) -> Receipt:
    box, why = (error.box, error.why) if isinstance(error, Stranger) else ("", str(error) or "forged")
    store.refuse(noted(frame.batch_of(sealed), why, how.value, now, box=_printable(box)))
    return Receipt(None, None, why=why)


def _printable(name: str) -> str:
    """What a stranger calls itself, short and safe to keep."""
    return "".join(one for one in name[:16] if one.isascii() and one.isprintable())


def _arrival(found: frame.Frame, how: Way, now: datetime) -> Arrival:
    faults = {one.id: _fault(one) for one in found.items}
    sound = [one for one in _once(found.items) if faults[one.id] is None]
    return Arrival(
        box=found.box,
        frame=found.batch,
        how=how,
        at=now,
        taken=tuple(
            Arriving(one.id, one.kind, one.body, one.replaces)
            for one in sound
            if one.kind is not None and one.body is not None
        ),
        refused={one: why for one, why in faults.items() if why is not None},
        answers=_answers(sound),
    )


def _once(items: Iterable[frame.Item]) -> list[frame.Item]:
    return list({one.id: one for one in items}.values())


def _fault(one: frame.Item) -> str | None:
    """What is wrong with a message, in a word. What the store could not hold is found here: it would come again for ever."""
    if not _is_of_a_time(one.id):
        return "id"
    if len(one.replaces) > MOST_REPLACED:
        return "replaces"
    return "kind" if one.kind is None else schemas.fault(one.kind, one.body)


def _is_of_a_time(identity: str) -> bool:
    try:
        made_at(identity)
    except ValueError:
        return False
    return True


def _answers(items: Iterable[frame.Item]) -> dict[str, str]:
    """Ids of messages that answer a command, by the command's id."""
    told = {
        json.loads(one.body).get(COMMAND): one.id
        for one in items
        if one.kind is MessageKind.ANSWER and one.body is not None
    }
    return {command: message for command, message in told.items() if _COMMAND_ID.fullmatch(str(command))}
