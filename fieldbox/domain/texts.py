"""Texts (SMS), out and in. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from fieldbox.i18n import Sentence


class TextState(StrEnum):
    """How far a text has come."""

    WAITING = "waiting"
    SENDING = "sending"
    """It is about to be handed to the modem, or just was: written before, so that no power cut hides it."""
    SENT = "sent"
    """The network has taken it."""
    DELIVERED = "delivered"
    """It is on the phone, says the network."""
    MAYBE = "maybe"
    """It was handed over and nobody said what became of it."""
    FAILED = "failed"
    """It did not go and is not tried again."""
    REFUSED = "refused"
    """It may not go: its number wants none, or is not allowed any more."""
    SUPERSEDED = "superseded"
    """A newer look at the same survey goes in its place."""
    FOLLOWED = "followed"
    """One that came in, and was followed."""
    PASSED = "passed"
    """One that came in, and changed nothing: of a stranger, or not understood."""


HANDED: Final = frozenset({TextState.SENDING, TextState.MAYBE})
"""States of a text of which it is not known whether the network has it."""
GONE: Final = frozenset({TextState.SENDING, TextState.MAYBE, TextState.SENT, TextState.DELIVERED})
"""States of a text that may have cost something."""


class Order(StrEnum):
    """What somebody wants who texts the box."""

    OK = "ok"
    NO = "no"
    MORE = "more"
    STOP = "stop"
    START = "start"


class SurveyVerdict(StrEnum):
    """What somebody on the ground makes of a survey."""

    RIGHT = "right"
    WRONG = "wrong"


class Receipt(StrEnum):
    """What the network says of a text that it took."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    """It is not tried any more."""


@dataclass(frozen=True, slots=True)
class NewText:
    """A text that is to go."""

    number: str
    body: str
    key: str
    """Of what it tells and to whom: it is written once."""
    code: str | None = None
    """By which a reply names its survey: 7A1."""
    message_id: str | None = None
    """Of the outbox's message that it tells of, or carries."""
    survey_id: str | None = None
    again: str | None = None
    """What it says if it goes a second time because nobody said what became of the first; None: it never does."""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class SentText:
    """A text as it is kept."""

    id: int
    incoming: bool
    number: str
    body: str
    parts: int
    state: TextState
    attempts: int
    created_at: datetime
    next_try: datetime | None = None
    """Not before; of one in doubt: until when a delivery report is waited for, None: no longer."""
    sent_at: datetime | None = None
    """When it was last handed to the modem; of one that came in, when it was sent by the network's clock."""
    delivered_at: datetime | None = None
    handle: str | None = None
    """By which the modem knows it."""
    reference: int | None = None
    """Of its last part, by the network: delivery reports name it."""
    key: str | None = None
    code: str | None = None
    message_id: str | None = None
    survey_id: str | None = None
    again: str | None = None
    doubts: int = 0
    """Times that it was handed over and nobody said what became of it."""
    paid_parts: int = 0
    """Parts handed to the network, all tries together."""
    urgent: bool = False
    order: Order | None = None
    """Of one that came in: what it wants."""
    why: Sentence | None = None
    """What there is to be said of its state."""


@dataclass(frozen=True, slots=True)
class TextIn:
    """A text that came in, whole."""

    number: str
    body: str
    sent_at: datetime | None
    """By the network's clock; None: it does not tell."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What the box makes of a text that came in."""

    order: Order | None = None
    """None: nothing, or it carries what a hub says."""
    survey_id: str | None = None
    """Which survey it is about."""
    followed: bool = False
    why: Sentence | None = None
    """Why it changes nothing."""
    answer: NewText | None = None


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """A verdict as it is kept."""

    survey_id: str
    verdict: SurveyVerdict
    way: str
    """sms, hub or dashboard."""
    who: str
    at: datetime
