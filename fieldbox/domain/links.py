"""The ways from the box to its hub, and what is known of them. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from fieldbox.domain.messages import MessageKind
from fieldbox.i18n import N_, Sentence


class LinkKind(StrEnum):
    """What a link is; budgets and quiet hours are told by it."""

    ETHERNET = "ethernet"
    WIFI = "wifi"
    PHONE = "phone"
    """A phone's hotspot, or a phone on a cable."""
    MODEM = "modem"
    OTHER = "other"
    """Nothing that is known, such as a tunnel: what carries it may cost money."""


LINK_WORDS: Final[Mapping[LinkKind, str]] = {
    LinkKind.ETHERNET: N_("cable"),
    LinkKind.WIFI: N_("Wi-Fi"),
    LinkKind.PHONE: N_("phone"),
    LinkKind.MODEM: N_("modem"),
    LinkKind.OTHER: N_("other link"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A way out of the box that is there now."""

    kind: LinkKind
    name: str
    """Of its interface, such as wlan0; of a link that has to be dialled, of its profile."""
    metered: bool | None = None
    """Whether its bytes cost, as the system says; None: it does not say."""
    dialled: bool = False
    """It is brought up for a burst, and taken down after it."""


@dataclass(frozen=True, slots=True)
class LinkPast:
    """What came of the connections over a kind of link. The means forget: a new figure counts for a quarter."""

    successes: int = 0
    failures: int = 0
    """In a row, up to now."""
    last_try: datetime | None = None
    last_success: datetime | None = None
    bytes_per_s: float | None = None
    """While a connection was open, both ways."""
    connect_s: float | None = None
    opening_bytes: float | None = None
    """IP bytes of a connection before the first message: TCP, TLS, MQTT."""
    why: Sentence | None = None
    """Of the last failure."""
    stuck: bool = False
    """A person must act: it is tried once a day, in case somebody has."""


@dataclass(frozen=True, slots=True)
class LinkDay:
    """IP bytes over a kind of link on one day (UTC). What a power cut kept from being counted stands at what was allowed."""

    day: date
    kind: LinkKind
    sent: int
    received: int
    connections: int

    @property
    def total(self) -> int:
        """Both ways."""
        return self.sent + self.received


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the outbox of one kind of message and may go now."""

    kind: MessageKind
    count: int
    bytes: int
    """Of their bodies."""
    oldest: datetime
    """When the first of it was made."""
    newest: datetime
    """And the last."""


class LinkDoing(StrEnum):
    """What the sending process does."""

    WAITING = "waiting"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the box stands with its hub, for people: told by the sending process, kept in the database."""

    at: datetime
    """When it was told."""
    doing: LinkDoing
    why: Sentence
    """Why it connects, or waits."""
    links: tuple[str, ...] = ()
    """Kinds of those that are there."""
    link: LinkKind | None = None
    """Over which it is connected."""
    since: datetime | None = None
    """Of the connection that is open."""
    last_success: datetime | None = None
    next_try: datetime | None = None
    """None: as soon as there is a link, or something to send."""
    notes: tuple[Sentence, ...] = ()
    """What somebody should know: a budget that is used up, a certificate that is refused."""
    used: Mapping[str, int] = field(default_factory=dict)
    """IP bytes of this month by kind of link."""
    allowed: Mapping[str, int] = field(default_factory=dict)
    """Of those that have a budget."""


@dataclass(frozen=True, slots=True)
class SendNow:
    """That somebody asked for a try at once, and what came of it."""

    at: datetime
    came: Sentence | None = None
    """None: it has not been tried yet."""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """A file for the hub that somebody carries there."""

    name: str
    data: bytes
    messages: int


def month_of(day: date, starts: int) -> tuple[date, date]:
    """The first day of the budget's month that `day` lies in, and that of the next."""
    first = day.replace(day=starts)
    if day.day < starts:
        first = (day.replace(day=1) - timedelta(days=1)).replace(day=starts)
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=starts)
