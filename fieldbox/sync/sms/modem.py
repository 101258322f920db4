"""A modem that sends and takes texts, as the box sees it. `fieldbox.sync.sms.modemmanager` has the real one,
`fieldbox.sync.sms.memory` its twin; both pass `tests/contract/test_modem.py`.

A text goes in two steps, so that nobody who is killed between them has to guess: `prepare` makes it known to the modem and
nothing leaves; `send` hands it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from fieldbox.domain import Receipt, TextIn
from fieldbox.errors import Unavailable, Unsent

PERMANENT: Final = frozenset({1, 8, 10, 28, 29, 30, 50, 69, 304, 305})
"""Causes after which another try ends alike, of +CMS ERROR (3GPP TS 27.005 section 3.2.5, TS 24.011 annex E-2): a number that
nobody has, a barred one, a service that the SIM has not got, a message that is none."""


class NoModem(Unavailable):
    """There is no modem just now, or it has no SIM that works."""


class Barred(Unsent):
    """The network or the modem refuses a text, and would again."""

    retry_helps = False


class Unconfirmed(Unsent):
    """A text was handed over, and nobody said what became of it."""


class Fate(Enum):
    """What the modem knows of a text that it was given."""

    SENT = "sent"
    NOT_SENT = "not sent"
    """As far as it knows: it may be at it just now, or have lost a confirmation."""
    FORGOTTEN = "forgotten"
    """It knows of no such text: the modem, or what looks after it, was started anew."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A text as the modem knows it."""

    fate: Fate
    reference: int | None = None
    """Of its last part, where it was sent."""


@dataclass(frozen=True, slots=True)
class Came:
    """A text that came in; it stays with the modem until it is deleted."""

    handle: str
    text: TextIn


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report of a text's last part: only that is asked for. It stays with the modem until it is deleted."""

    handle: str
    number: str
    reference: int
    receipt: Receipt | None
    """None: the network still tries."""


@dataclass(frozen=True, slots=True)
class Reception:
    """How well the modem hears the network."""

    registered: bool
    percent: int


class Modem(Protocol):
    """Every method raises NoModem where there is none."""

    def prepare(self, number: str, text: str) -> str:
        """Make a text known to the modem; its handle. Raises Barred for what is no number or no text."""

    def send(self, handle: str) -> int | None:
        """Hand it to the network; the reference of its last part, if the modem tells. Raises Unsent where it did not go,
        Barred where it never will, and Unconfirmed where nobody said."""

    def handed(self, handle: str) -> Handed:
        """What became of a text."""

    def came(self) -> Sequence[Came]:
        """Whole texts that came in, in the order of coming."""

    def reports(self) -> Sequence[Report]:
        """Delivery reports that came in, in the order of coming."""

    def delete(self, handle: str) -> None:
        """Let a text or a report go; what is not there any more counts as gone."""

    def network_time(self) -> datetime | None:
        """The time by the network; None: it does not tell."""

    def reception(self) -> Reception:
        """How well the network is heard."""

    def close(self) -> None:
        """Let go of the modem; never raises."""
