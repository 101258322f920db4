"""What leaves the box, and what comes back. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fieldbox.i18n import N_, Sentence


class MessageKind(StrEnum):
    """What a message is."""

    ALERT = "alert"
    """Something that should be acted upon soon."""
    SUMMARY = "summary"
    """A survey."""
    ANSWER = "answer"
    """What came of a command of the hub."""
    BOX = "box"
    """How the box does: its health report."""
    PICTURE = "picture"
    """A small picture that the hub asked for."""


PRIORITY: Final = {
    MessageKind.ALERT: 1,
    MessageKind.SUMMARY: 3,
    MessageKind.ANSWER: 4,
    MessageKind.BOX: 6,
    MessageKind.PICTURE: 9,
}
"""Small goes first; among equals the newest."""


class MessageState(StrEnum):
    """How far a message has come."""

    WAITING = "waiting"
    SENT = "sent"
    """It was handed to a link, and the hub has not said yet that it has it: it may have to go again."""
    ACKNOWLEDGED = "acknowledged"
    """The hub has committed it."""
    SUPERSEDED = "superseded"
    """A newer one of the same subject goes in its place, and tells the hub so."""
    REFUSED = "refused"
    """The hub cannot read it, or it came to the end of its time: it does not go again."""


TRIES_AT_ONCE: Final = 5
"""Times that a message may be handed over before it waits although the connection broke."""
OPEN: Final = (MessageState.WAITING, MessageState.SENT)
"""States of a message that must still go."""
LEFT: Final = (*OPEN, MessageState.SUPERSEDED)
"""States of a message of which the hub may still say that it has it."""

KIND_WORDS: Final[Mapping[MessageKind, str]] = {
    MessageKind.ALERT: N_("Alert"),
    MessageKind.SUMMARY: N_("Summary of a survey"),
    MessageKind.ANSWER: N_("Answer to the hub"),
    MessageKind.BOX: N_("Health of the box"),
    MessageKind.PICTURE: N_("Picture"),
}
STATE_WORDS: Final[Mapping[MessageState, str]] = {
    MessageState.WAITING: N_("waits for a link"),
    MessageState.SENT: N_("sent, not confirmed yet"),
    MessageState.ACKNOWLEDGED: N_("arrived"),
    MessageState.SUPERSEDED: N_("a newer one goes in its place"),
    MessageState.REFUSED: N_("given up"),
}
UNREADABLE: Final = N_("The hub cannot read it ({why}).")
OVER: Final = N_("It came to the end of its time before the hub had confirmed it.")
MOST_REPLACED: Final = 16
"""Ids of earlier messages that one names; nobody analyses a flight that often."""


def shares(size: int, count: int) -> list[int]:
    """`size` bytes shared out among `count` messages, whole bytes and none lost."""
    each, over = divmod(size, count)
    return [each + (number < over) for number in range(count)]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is to go into the outbox."""

    kind: MessageKind
    body: str
    """JSON, at most `fieldbox.wire.MAX_BYTES` bytes of UTF-8; of a picture more."""
    key: str
    """20 hexadecimal digits, the end of its id: the same for the same content (of a summary, the survey's id)."""
    subject: str | None = None
    """What is still waiting of the same subject is superseded by it: a newer analysis of the same survey, or a newer health
    report. None: it supersedes nothing."""
    expires_at: datetime | None = None
    """When it is of no use any more; None: never, which is the rule."""
    withdraws: bool = False
    """It says no more than that earlier ones of its subject do not stand: it goes only if one of them has left the box."""


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox."""

    id: str
    """32 hexadecimal digits: milliseconds since 1970, 12 of them, never before those of an earlier message of this box
    whatever its clock says; then the key of its content. It sorts, and the hub knows it again by it."""
    kind: MessageKind
    body: str
    state: MessageState
    attempts: int
    """Times that it was handed to a link since it was last made to wait."""
    created_at: datetime
    """By the box's clock, which may have been wrong."""
    next_try: datetime | None = None
    """Not before; None: at once."""
    subject: str | None = None
    replaces: tuple[str, ...] = ()
    """Ids of earlier messages of its subject: the hub is told that this one goes in their place. A health report names the
    first and the last, and means all reports between them."""
    expires_at: datetime | None = None
    sent_at: datetime | None = None
    """When it was last handed to a link."""
    carrier: str | None = None
    """Over what it was last handed: mqtt, sms or courier."""
    batch: str | None = None
    """16 hexadecimal digits: the id of the frame (`fieldbox.wire.frame`) in which it last left."""
    acknowledged_at: datetime | None = None
    bytes_sent: int = 0
    """Its share of the frames in which it left, all tries together; what TCP, TLS and MQTT add is counted by link."""
    why: Sentence | None = None
    """Why it was refused."""

    @property
    def priority(self) -> int:
        """Small goes first."""
        return PRIORITY[self.kind]
