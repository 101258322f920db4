"""When to connect, over which link, for what and for how many bytes: pure functions of what is the case.

Alerts go at once. Summaries and answers go at once where bytes cost nothing; on a metered link they wait some hours for others to
go with, since opening a connection costs as much as many of them. Health reports and pictures go where bytes cost nothing, or
where the month's budget is being used more slowly than the month passes. A part of each budget is left to alerts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from fieldbox.domain import Link, LinkPast, MessageKind, Waiting
from fieldbox.domain.links import LINK_WORDS
from fieldbox.i18n import N_, Param, Sentence
from fieldbox.retrying import LONGEST, is_due, pause
from fieldbox.sync.budget import (
    LEAST_AT_ONCE,
    LONGEST_BURST_S,
    SHORTEST_BURST_S,
    Purse,
    budget_notes,
    out_of_budget,
)
from fieldbox.sync.situation import SPARE, URGENT, USUAL, Connect, Outcome, Rules, Situation, Wait

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


def is_metered(link: Link, rules: Rules) -> bool:
    """Whether its bytes cost: as the system says, else by its kind; a kind with a budget always counts so."""
    if link.kind in rules.budgets:
        return True
    return link.kind in rules.metered if link.metered is None else link.metered


def notes(now: Situation, rules: Rules) -> tuple[Sentence, ...]:
    """What somebody should know: budgets that are used up, links over which only a person can help, a clock that is wrong, and
    why the hub was not reached over a link that is there."""
    return (*budget_notes(now, rules), *_stuck_notes(now), *_clock_notes(now), *_failed_notes(now))


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
    purse = Purse(link, now, rules)
    kinds = _kinds(link, now, rules, purse)
    if not kinds:
        return out_of_budget(link, now, rules)
    reason, later = _trigger(link, now, rules, kinds)
    if reason is None:
        return _until(later, now)
    return Connect(link, purse.allowance(kinds), kinds, reason, _seconds(link, now, rules))


def _seconds(link: Link, now: Situation, rules: Rules) -> float:
    """How long a connection may last: until quiet hours begin, and long enough to be of use."""
    moment = now.now.astimezone(now.zone)
    spans = rules.quiet.get(link.kind, ()) if now.clock_known else ()
    starts = [
        datetime.combine(moment.date() + timedelta(days=ahead), start, moment.tzinfo)
        for start, _end in spans
        for ahead in (0, 1)
    ]
    left = [(one - moment).total_seconds() for one in starts if one > moment]
    return max(SHORTEST_BURST_S, min([*left, LONGEST_BURST_S]))


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
    told = (
        N_("Over the {link!t} the hub was not reached {count} times in a row: the next try is at {time}.")
        if past.failures > 1
        else N_("Over the {link!t} the hub was not reached: the next try is at {time}.")
    )
    params: dict[str, Param] = {
        "link": LINK_WORDS[link.kind],
        "count": past.failures,
        "time": _clock_time(until, now),
    }
    return Wait(until, Sentence(told, params))


def _longest_rest(past: LinkPast, now: Situation) -> timedelta:
    usual = SELDOM if past.failures >= HOPELESS else LONGEST
    alerts = (one for one in now.waiting if one.kind in URGENT)
    return URGENT_REST if any(abs(now.now - one.newest) <= URGENT_FOR for one in alerts) else usual


def _held_by_quiet_hours(link: Link, now: Situation, rules: Rules) -> Wait | None:
    end = _quiet_end(link, now, rules)
    if end is None or (rules.alerts_in_quiet_hours and _has(now, URGENT)):
        return None
    told = N_("The {link!t} has quiet hours until {time}.")
    return Wait(end, Sentence(told, {"link": LINK_WORDS[link.kind], "time": _clock_time(end, now)}))


def _quiet_end(link: Link, now: Situation, rules: Rules) -> datetime | None:
    spans = rules.quiet.get(link.kind, ())
    if not spans or not now.clock_known:
        return None
    end = quiet_until(now.now.astimezone(now.zone), spans)
    return None if end is None else end.astimezone(UTC)


def _kinds(link: Link, now: Situation, rules: Rules, purse: Purse) -> tuple[MessageKind, ...]:
    """What may go over a link just now; (): nothing."""
    if _quiet_end(link, now, rules) is not None:
        return URGENT if purse.affords(URGENT) else ()
    if not is_metered(link, rules):
        return tuple(MessageKind)
    if not purse.affords(USUAL):
        return URGENT if purse.affords(URGENT) and _has(now, URGENT) else ()
    return USUAL + tuple(one for one in SPARE if purse.spares(one))


def _trigger(
    link: Link, now: Situation, rules: Rules, kinds: tuple[MessageKind, ...]
) -> tuple[Sentence | None, datetime | None]:
    """Why to connect now; else when there will be a reason, as far as it is known."""
    mine = [one for one in now.waiting if one.kind in kinds]
    if _has(now, URGENT):
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


# -- what somebody should know ---------------------------------------------------------------------


def _stuck_notes(now: Situation) -> Iterator[Sentence]:
    yield from (past.why for past in now.pasts.values() if past.stuck and past.why is not None)


def _failed_notes(now: Situation) -> Iterator[Sentence]:
    pasts = (now.pasts.get(kind) for kind in dict.fromkeys(one.kind for one in now.links))
    yield from (
        past.why for past in pasts if past and past.failures and not past.stuck and past.why is not None
    )


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
