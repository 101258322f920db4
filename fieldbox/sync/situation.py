"""What the policy decides by, and what it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final, Self

from fieldbox.config import SyncConfig
from fieldbox.domain import Link, LinkKind, LinkPast, MessageKind, Waiting
from fieldbox.i18n import Sentence

URGENT: Final = (MessageKind.ALERT,)
USUAL: Final = (MessageKind.ALERT, MessageKind.SUMMARY, MessageKind.ANSWER)
SPARE: Final = (MessageKind.BOX, MessageKind.PICTURE)
"""Messages of no hurry."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner wants."""

    order: tuple[LinkKind, ...] = tuple(LinkKind)
    """Kinds of links that may be used, the preferred one first."""
    metered: frozenset[LinkKind] = frozenset()
    budgets: Mapping[LinkKind, int] = field(default_factory=dict)
    """IP bytes a month."""
    reserve: float = 0.2
    """Share of them that is left to alerts."""
    month_starts: int = 1
    quiet: Mapping[LinkKind, Sequence[tuple[time, time]]] = field(default_factory=dict)
    alerts_in_quiet_hours: bool = False
    gather: timedelta = timedelta(hours=4)
    listen: timedelta | None = timedelta(days=1)

    @classmethod
    def of(cls, config: SyncConfig) -> Self:
        """As the settings have it."""
        return cls(
            order=config.kinds,
            metered=config.metered_kinds,
            budgets=config.budgets,
            reserve=config.alert_reserve_pct / 100,
            month_starts=config.month_starts,
            quiet=config.quiet,
            alerts_in_quiet_hours=config.alerts_in_quiet_hours,
            gather=timedelta(hours=config.gather_hours),
            listen=timedelta(hours=config.listen_hours) if config.listen_hours else None,
        )


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the case."""

    now: datetime
    links: Sequence[Link] = ()
    waiting: Sequence[Waiting] = ()
    next_due: datetime | None = None
    """When the next of those messages may go that may not yet; None: there are none."""
    used: Mapping[LinkKind, int] = field(default_factory=dict)
    """IP bytes since the month began (`month_of`)."""
    pasts: Mapping[LinkKind, LinkPast] = field(default_factory=dict)
    zone: tzinfo = UTC
    """Of quiet hours."""
    box: str = ""
    """Its id, by which the tries of many boxes spread."""
    clock_known: bool = True
    """A box that does not know the time cannot keep quiet hours, and learns the time from its hub."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection."""

    link: Link
    byte_allowance: int
    """IP bytes, both ways, that it may use."""
    kinds: tuple[MessageKind, ...]
    """What may be sent."""
    reason: Sentence
    seconds: float
    """That it may last."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Open none."""

    until: datetime | None
    """When to look again; None: when a link comes, or something to send."""
    reason: Sentence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a connection."""

    carried: bool
    """The hub has acknowledged what was sent, or some of it; or it answered and nothing was to be sent."""
    total_bytes: int
    connect_s: float
    open_s: float
    opening_bytes: int | None = None
    why: Sentence | None = None
    stuck: bool = False
