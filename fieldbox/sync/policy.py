"""When to connect, over which link, for what and for how many bytes: pure functions of what is the case.

Alerts go at once. Summaries and answers go at once where bytes cost nothing; on a metered link they wait some hours for others to
go with, since opening a connection costs as much as many of them. Health reports and pictures go where bytes cost nothing, or
where the month's budget is being used more slowly than the month passes. A part of each budget is left to alerts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Self

from fieldbox.config import MB, SyncConfig
from fieldbox.domain import Link, LinkKind, LinkPast, MessageKind, Waiting
from fieldbox.domain.links import LINK_WORDS
from fieldbox.i18n import N_, Param, Sentence
from fieldbox.retrying import LONGEST, is_due, pause

MOST_AT_ONCE: Final = 1_000_000
"""IP bytes of one burst at most: work on a connection is bounded."""
LONGEST_BURST_S: Final = 600
"""So is its time: what a link carried before tells how many bytes that is."""
LEAST_AT_ONCE: Final = 32_000
"""However slow it was."""
OPENING_BYTES: Final = 8_000
"""IP bytes of a connection before the first message and after the last, until it is known: a full handshake with certificates
of both ends is some 6,000."""
ROW_BYTES: Final = 400
"""What a message may need beyond its body: its part of the frame, of packets and of the acknowledgement."""
ENOUGH_BYTES: Final = 16_000
"""So much is worth a connection, however new it is."""
STUCK: Final = timedelta(days=1)
"""Between two tries where a person must act."""
SELDOM: Final = timedelta(days=1)
"""Between two tries of a link that never carries."""
HOPELESS: Final = 8
"""Failures in a row after which it is tried seldom."""
URGENT_REST: Final = timedelta(minutes=30)
"""A link that failed rests no longer while an alert waits"""
URGENT_FOR: Final = timedelta(days=3)
"""that is not older: who has not heard of it by then does not need it within the hour, and each try costs a kilobyte."""
_NEW_SHARE = 0.25
_PICTURE_SHARE = 0.5
"""Of what a health report may use of the budget."""
_URGENT = (MessageKind.ALERT,)
_USUAL = (MessageKind.ALERT, MessageKind.SUMMARY, MessageKind.ANSWER)
_SPARE = (MessageKind.BOX, MessageKind.PICTURE)


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


def decide(now: Situation, rules: Rules) -> Connect | Wait:
    """What to do. An answer `Wait` is never until a moment that has come; a `Connect` allows some byte, and some kind."""
    usable = _in_order(now, rules)
    if not usable:
        return Wait(None, Sentence(N_("No link is there: what is to be sent waits for one.")))
    waits = []
    for link in usable:
        verdict = _of_link(link, now, rules)
        if isinstance(verdict, Connect):
            return verdict
        waits.append(verdict)
    return min(waits, key=lambda one: one.until or datetime.max.replace(tzinfo=UTC))


def learnt(past: LinkPast, came: Outcome, now: datetime) -> LinkPast:
    """What is known of a link after one more connection."""
    after = replace(past, last_try=now, why=came.why, stuck=came.stuck)
    if not came.carried:
        return replace(after, failures=past.failures + 1)
    rate = (
        came.total_bytes / came.open_s if came.open_s > 0 and came.total_bytes > LEAST_AT_ONCE / 8 else None
    )
    return replace(
        after,
        successes=past.successes + 1,
        failures=0,
        last_success=now,
        connect_s=_mean(past.connect_s, came.connect_s),
        bytes_per_s=_mean(past.bytes_per_s, rate),
        opening_bytes=_mean(past.opening_bytes, came.opening_bytes),
    )


def come_again(past: LinkPast) -> LinkPast:
    """A link that was gone is there again: it is tried sooner, and not at once, or one that flaps would cost without end."""
    return replace(past, failures=min(past.failures, 3))


def month_of(day: date, starts: int) -> tuple[date, date]:
    """The first day of the budget's month that `day` lies in, and that of the next."""
    first = day.replace(day=starts)
    if day.day < starts:
        first = (day.replace(day=1) - timedelta(days=1)).replace(day=starts)
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=starts)


def is_metered(link: Link, rules: Rules) -> bool:
    """Whether its bytes cost: as the system says, else by its kind; a kind with a budget always counts so."""
    if link.kind in rules.budgets:
        return True
    return link.kind in rules.metered if link.metered is None else link.metered


def notes(now: Situation, rules: Rules) -> tuple[Sentence, ...]:
    """What somebody should know: budgets that are used up, links over which only a person can help, a clock that is wrong."""
    return (*_budget_notes(now, rules), *_stuck_notes(now), *_clock_notes(now))


def quiet_until(moment: datetime, spans: Sequence[tuple[time, time]]) -> datetime | None:
    """The end of the quiet hours that a local time lies in; None: in none."""
    ends = [end for one in spans for end in _ends(moment, *one)]
    return max(ends, default=None)


# -- one link --------------------------------------------------------------------------------------


def _in_order(now: Situation, rules: Rules) -> list[Link]:
    """Links that may be used: free ones first, then those that carry, then as preferred."""

    def rank(link: Link) -> tuple[bool, bool, int]:
        hopeless = now.pasts.get(link.kind, LinkPast()).failures >= HOPELESS
        return (hopeless, is_metered(link, rules), rules.order.index(link.kind))

    return sorted((one for one in now.links if one.kind in rules.order), key=rank)


def _of_link(link: Link, now: Situation, rules: Rules) -> Connect | Wait:
    for hold in (_held_by_failures, _held_by_quiet_hours):
        held = hold(link, now, rules)
        if held is not None:
            return held
    purse = _Purse(link, now, rules)
    kinds = _kinds(link, now, rules, purse)
    if not kinds:
        return _out_of_budget(link, now, rules)
    reason, later = _trigger(link, now, rules, kinds)
    if reason is None:
        return _until(later, now)
    return Connect(link, purse.allowance(kinds), kinds, reason)


def _held_by_failures(link: Link, now: Situation, _rules: Rules) -> Wait | None:
    past = now.pasts.get(link.kind, LinkPast())
    if past.last_try is None or not (past.failures or past.stuck):
        return None
    longest = _longest_rest(past, now)
    rest = STUCK if past.stuck else pause(past.failures, f"{now.box} {link.kind}", longest=longest)
    until = past.last_try + rest
    if is_due(until, now.now, longest=max(rest, longest)):
        return None
    if past.stuck and past.why is not None:
        return Wait(until, past.why)
    told = N_("Over the {link!t} the hub was not reached {count} times in a row: the next try is at {time}.")
    params: dict[str, Param] = {
        "link": LINK_WORDS[link.kind],
        "count": past.failures,
        "time": _clock_time(until, now),
    }
    return Wait(until, Sentence(told, params))


def _longest_rest(past: LinkPast, now: Situation) -> timedelta:
    usual = SELDOM if past.failures >= HOPELESS else LONGEST
    alerts = (one for one in now.waiting if one.kind in _URGENT)
    return URGENT_REST if any(now.now - one.newest <= URGENT_FOR for one in alerts) else usual


def _held_by_quiet_hours(link: Link, now: Situation, rules: Rules) -> Wait | None:
    end = _quiet_end(link, now, rules)
    if end is None or (rules.alerts_in_quiet_hours and _has(now, _URGENT)):
        return None
    told = N_("The {link!t} has quiet hours until {time}.")
    return Wait(end, Sentence(told, {"link": LINK_WORDS[link.kind], "time": _clock_time(end, now)}))


def _quiet_end(link: Link, now: Situation, rules: Rules) -> datetime | None:
    spans = rules.quiet.get(link.kind, ())
    if not spans or not now.clock_known:
        return None
    end = quiet_until(now.now.astimezone(now.zone), spans)
    return None if end is None else end.astimezone(UTC)


def _kinds(link: Link, now: Situation, rules: Rules, purse: _Purse) -> tuple[MessageKind, ...]:
    """What may go over a link just now; (): nothing."""
    if _quiet_end(link, now, rules) is not None:
        return _URGENT if purse.affords(_URGENT) else ()
    if not is_metered(link, rules):
        return tuple(MessageKind)
    if not purse.affords(_USUAL):
        return _URGENT if purse.affords(_URGENT) and _has(now, _URGENT) else ()
    return _USUAL + tuple(one for one in _SPARE if purse.spares(one))


def _trigger(
    link: Link, now: Situation, rules: Rules, kinds: tuple[MessageKind, ...]
) -> tuple[Sentence | None, datetime | None]:
    """Why to connect now; else when there will be a reason, as far as it is known."""
    mine = [one for one in now.waiting if one.kind in kinds]
    if _has(now, _URGENT):
        return Sentence(N_("An alert is to be sent.")), None
    gather = rules.gather if is_metered(link, rules) else timedelta(0)
    if mine and (_is_old(mine, now.now - gather, now.now) or sum(one.bytes for one in mine) >= ENOUGH_BYTES):
        told = N_("{count} messages are to be sent.")
        return Sentence(told, {"count": sum(one.count for one in mine)}), None
    listen = _listen_at(now, rules)
    if listen is not None and listen <= now.now and MessageKind.BOX in kinds:
        return Sentence(N_("The hub is asked whether it wants anything.")), None
    times = [one.oldest + gather for one in mine]
    times += [one for one in (now.next_due, listen) if one is not None and one > now.now]
    return None, min(times, default=None)


def _until(later: datetime | None, now: Situation) -> Wait:
    if not now.waiting:
        return Wait(later, Sentence(N_("Nothing is to be sent just now.")))
    told = N_("What is to be sent waits for more to go with it, or for budget to spare.")
    return Wait(later, Sentence(told))


def _is_old(waiting: Sequence[Waiting], before: datetime, now: datetime) -> bool:
    """Something was made before a moment; or after now, by a clock that was wrong."""
    return any(one.oldest <= before or one.oldest > now for one in waiting)


def _listen_at(now: Situation, rules: Rules) -> datetime | None:
    """When the hub is to be asked; one that lies in the future was reached by a clock that was wrong, and does not count."""
    if rules.listen is None:
        return None
    reached = [past.last_success for past in now.pasts.values() if past.last_success is not None]
    last = max((one for one in reached if one <= now.now), default=None)
    return now.now if last is None else last + rules.listen


def _has(now: Situation, kinds: Sequence[MessageKind]) -> bool:
    return any(one.kind in kinds and one.count for one in now.waiting)


# -- the budget ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Purse:
    """What a link may use of its month's budget."""

    link: Link
    now: Situation
    rules: Rules

    def left(self, kinds: Sequence[MessageKind]) -> int:
        """IP bytes; more than any burst where there is no budget."""
        budget = self.rules.budgets.get(self.link.kind)
        if budget is None:
            return MOST_AT_ONCE
        share = 1.0 if tuple(kinds) == _URGENT else 1 - self.rules.reserve
        return int(budget * share) - self.now.used.get(self.link.kind, 0)

    def affords(self, kinds: Sequence[MessageKind]) -> bool:
        """Whether a connection and one message fit."""
        return self.left(kinds) >= self._opening() + ROW_BYTES + 1024

    def spares(self, kind: MessageKind) -> bool:
        """Whether the budget is used more slowly than the month passes, so that something of no hurry may go."""
        budget = self.rules.budgets.get(self.link.kind)
        if budget is None:
            return True
        first, after = month_of(self.now.now.date(), self.rules.month_starts)
        days = (self.now.now.date() - first).days + 1
        share = days / (after - first).days * (_PICTURE_SHARE if kind is MessageKind.PICTURE else 1.0)
        need = self._need((kind,))
        return self.now.used.get(self.link.kind, 0) + need <= budget * (1 - self.rules.reserve) * share

    def allowance(self, kinds: Sequence[MessageKind]) -> int:
        """What the next burst may use: twice what it should need, as far as the budget and the link's pace allow."""
        past = self.now.pasts.get(self.link.kind, LinkPast())
        pace = MOST_AT_ONCE if past.bytes_per_s is None else int(past.bytes_per_s * LONGEST_BURST_S)
        return min(2 * self._need(kinds), self.left(kinds), max(pace, LEAST_AT_ONCE), MOST_AT_ONCE)

    def _need(self, kinds: Sequence[MessageKind]) -> int:
        mine = [one for one in self.now.waiting if one.kind in kinds]
        return self._opening() + sum(one.bytes + ROW_BYTES * one.count for one in mine)

    def _opening(self) -> int:
        """What it was before, and never taken for less than half of what is usual: the next one may not be resumed."""
        known = self.now.pasts.get(self.link.kind, LinkPast()).opening_bytes
        return OPENING_BYTES if known is None else max(int(known), OPENING_BYTES // 2)


def _out_of_budget(link: Link, now: Situation, rules: Rules) -> Wait:
    _first, after = month_of(now.now.date(), rules.month_starts)
    told = (
        N_("What is left of the budget of the {link!t} is kept for alerts until {date}.")
        if _Purse(link, now, rules).affords(_URGENT)
        else N_("The budget of the {link!t} is used up: it is used again from {date}.")
    )
    until = datetime.combine(after, time(), UTC)
    return Wait(until, Sentence(told, {"link": LINK_WORDS[link.kind], "date": after.isoformat()}))


# -- what somebody should know ---------------------------------------------------------------------


def _budget_notes(now: Situation, rules: Rules) -> Iterator[Sentence]:
    _first, after = month_of(now.now.date(), rules.month_starts)
    for kind, budget in rules.budgets.items():
        if kind not in rules.order:
            continue
        purse = _Purse(Link(kind, ""), now, rules)
        params = {
            "link": LINK_WORDS[kind],
            "used": f"{now.used.get(kind, 0) / MB:.2f}",
            "budget": f"{budget / MB:g}",
            "date": after.isoformat(),
        }
        if not purse.affords(_URGENT):
            told = N_("The {link!t} has used {used} of its {budget} MB: nothing goes over it until {date}.")
            yield Sentence(told, params)
        elif not purse.affords(_USUAL):
            told = N_("The {link!t} has used {used} of its {budget} MB: only alerts go over it until {date}.")
            yield Sentence(told, params)


def _stuck_notes(now: Situation) -> Iterator[Sentence]:
    yield from (past.why for past in now.pasts.values() if past.stuck and past.why is not None)


def _clock_notes(now: Situation) -> Iterator[Sentence]:
    if not now.clock_known:
        yield Sentence(N_("The box does not know the time; it learns it from a network or from its hub."))


# -- times -----------------------------------------------------------------------------------------


def _ends(moment: datetime, start: time, end: time) -> Iterator[datetime]:
    """Of the spans that began today or yesterday and hold a moment."""
    for back in (0, 1):
        day = moment.date() - timedelta(days=back)
        begins = datetime.combine(day, start, moment.tzinfo)
        over = datetime.combine(day + timedelta(days=end < start), end, moment.tzinfo)
        if begins <= moment < over:
            yield over


def _clock_time(moment: datetime, now: Situation) -> str:
    return f"{moment.astimezone(now.zone):%Y-%m-%d %H:%M}"


def _mean(before: float | None, new: float | None) -> float | None:
    if new is None:
        return before
    return float(new) if before is None else before + _NEW_SHARE * (new - before)
