"""How the box does, in words, figures and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isinf
from typing import Final

from babel.dates import format_date, format_time, format_timedelta
from markupsafe import Markup

from fieldbox.dashboard.boxstate import IN_FULL, LATELY, TOO_HOT_C, BoxNow, is_wanted
from fieldbox.dashboard.chart import Line, Tick
from fieldbox.dashboard.language import current, number, say, say_many, when
from fieldbox.dashboard.words import Figure
from fieldbox.domain import FullIn, Room, ServiceState, Strain, Vital
from fieldbox.i18n import N_

ROOMS: Final[Mapping[Room, str]] = {
    Room.ORIGINALS: N_("Photos as they came"),
    Room.PICTURES: N_("Pictures made of bands and films"),
    Room.MAPS: N_("Maps"),
    Room.DATABASE: N_("Plants, surveys and messages"),
    Room.COMING: N_("Coming in"),
    Room.LOGS: N_("Logs"),
    Room.OTHER: N_("Other"),
}
SERVICES: Final[Mapping[str, str]] = {
    "web": N_("Dashboard"),
    "worker": N_("Mapping"),
    "intake": N_("Taking photos in"),
    "sync": N_("Sending"),
}
GB, MB = 1e9, 1e6
_WEEK, _MONTH, _YEAR = 7.0, 30.4, 365.25
_MOST_POINTS: Final = 340


def size(count: float) -> str:
    """So many bytes, with the unit that fits."""
    if count >= GB:
        return say("%(size)s GB", size=number(count / GB, 1))
    if count >= MB:
        return say("%(size)s MB", size=number(count / MB, 0 if count >= 10 * MB else 1))
    return say("%(size)s KB", size=number(count / 1000))


def ago(moment: datetime, now: datetime) -> str:
    """How long ago that was, in words."""
    return str(format_timedelta(min(moment - now, timedelta(0)), add_direction=True, locale=current()))


def figures(box: BoxNow) -> list[Figure]:
    """Of this moment."""
    reading = box.reading
    if reading is None:
        return []
    vital = reading.vital
    degrees = None if vital.temperature_c is None else number(vital.temperature_c)
    memory = None if vital.memory_free is None else size(vital.memory_free)
    of_memory = say("of %(size)s", size=size(reading.memory_total)) if memory and reading.memory_total else ""
    speed = None if reading.mhz is None else number(reading.mhz)
    most = say("of %(most)s", most=number(reading.most_mhz)) if speed and reading.most_mhz else ""
    # Work that waits makes more than the whole of it, which tells a reader nothing.
    load = None if vital.load is None else number(100 * min(vital.load, 1.0))
    return [
        Figure(say("Temperature"), degrees, "°C", ""),
        Figure(say("Power"), _power(vital), "", ""),
        Figure(say("Disk free"), size(vital.disk_free), "", say("of %(size)s", size=size(vital.disk_total))),
        Figure(say("Memory free"), memory, "", of_memory),
        Figure(say("Busy"), load, "%", say("of its processor, in the last 5 minutes") if load else ""),
        Figure(say("Speed"), speed, "MHz", most),
        Figure(say("Switched on"), _up(box), "", ""),
        Figure(say("Its clock"), when(box.now), "", ""),
    ]


def _up(box: BoxNow) -> str | None:
    seconds = box.reading.up_s if box.reading else None
    return None if seconds is None else ago(box.now - timedelta(seconds=seconds), box.now)


def _power(vital: Vital) -> str | None:
    if vital.weak_power is None:
        return None
    return say("too weak") if vital.weak_power else say("enough")


def strains(box: BoxNow) -> list[str]:
    """What held it back: now, since the start, in the last two weeks."""
    if box.reading is None:
        return []
    told = []
    names = {
        Strain.WEAK_POWER: say("weak power"),
        Strain.CAPPED: say("a capped clock"),
        Strain.SLOWED: say("slowed down"),
        Strain.WARM: say("near its limit of heat"),
    }
    if not box.reading.strained:
        told.append(say("This machine does not say whether its power is enough or it is slowed down."))
    now = [names[one] for one, is_so in box.reading.strained.items() if is_so]
    told.append(say("Just now: %(what)s.", what=", ".join(now)) if now else "")
    since = [names[one] for one, was_so in box.reading.was_strained.items() if was_so]
    told.append(
        say("At some moment since it was switched on: %(what)s.", what=", ".join(since)) if since else ""
    )
    lately = [one for one in box.readings if one.at >= box.now - IN_FULL]
    weak, slow = [one.at for one in lately if one.weak_power], [one.at for one in lately if one.slowed]
    if weak:
        told.append(
            say(
                "Weak power in the last 14 days: %(times)s, last on %(when)s.",
                times=_times(weak),
                when=when(weak[-1]),
            )
        )
    if slow:
        told.append(
            say(
                "Slowed down in the last 14 days: %(times)s, last on %(when)s.",
                times=_times(slow),
                when=when(slow[-1]),
            )
        )
    if box.reading.strained and not any((now, since, weak, slow)):
        told.append(say("Its power was enough, and nothing slowed it down."))
    return [one for one in told if one]


def _times(moments: Sequence[datetime]) -> str:
    return say_many("%(num)s reading", "%(num)s readings", len(moments))


# -- the disk --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """What one kind of thing takes on the disk."""

    name: str
    size: str
    share: float
    """Of the whole disk, percent."""


def rooms(box: BoxNow) -> list[Taken]:
    """The largest first; empty where nobody has looked yet."""
    if box.usage is None or box.reading is None:
        return []
    disk = max(1, box.reading.vital.disk_total)
    every = sorted(box.usage.bytes.items(), key=lambda one: -one[1])
    found = [Taken(say(ROOMS[room]), size(taken), 100 * taken / disk) for room, taken in every if taken]
    rest = disk - box.reading.vital.disk_free - sum(box.usage.bytes.values())
    if rest > 0:
        found.append(
            Taken(say("Not of fieldbox: the system and other programs"), size(rest), 100 * rest / disk)
        )
    return found


def forecast(box: BoxNow) -> str:
    """When the disk is full, and what happens then."""
    if box.full_in is None:
        if box.days_read < 3:
            return say("When the disk is full is told after three days of readings.")
        return say("At the pace of the last month the disk does not fill.")
    then = say("Then photos of the flights that were mapped longest ago make room; maps and results stay.")
    if box.full_in.days <= 0:
        full = say("The disk is full, but for what it keeps free.")
        return f"{full} {then}"
    told = say(
        "Full in about %(time)s at the pace of the last month (%(size)s a day).",
        time=_span(box.full_in),
        size=size(box.full_in.bytes_a_day),
    )
    return f"{told} {then}"


def _span(full: FullIn) -> str:
    """ "5 weeks (3–9)": in the unit that fits, with the interval."""
    if full.days < 2 * _WEEK:
        unit, days = "day", 1.0
    elif full.days < 3 * _MONTH:
        unit, days = "week", _WEEK
    elif full.days < 2 * _YEAR:
        unit, days = "month", _MONTH
    else:
        unit, days = "year", _YEAR
    ends = [max(0, round(one / days)) if not isinf(one) else None for one in (full.low, full.high)]
    spread = f"{number(ends[0] or 0)}–{number(ends[1]) if ends[1] is not None else '∞'}"
    count = max(1, round(full.days / days))
    words = {
        "day": say_many("%(num)s day (%(spread)s)", "%(num)s days (%(spread)s)", count, spread=spread),
        "week": say_many("%(num)s week (%(spread)s)", "%(num)s weeks (%(spread)s)", count, spread=spread),
        "month": say_many("%(num)s month (%(spread)s)", "%(num)s months (%(spread)s)", count, spread=spread),
        "year": say_many("%(num)s year (%(spread)s)", "%(num)s years (%(spread)s)", count, spread=spread),
    }
    return words[unit]


# -- services --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Service:
    """A service in words."""

    name: str
    state: str
    stopped: bool
    """It should run, and does not."""
    detail: str


def services(box: BoxNow) -> list[Service]:
    """Each with how it does."""
    return [_starts(one) if one.name in box.starting else _service(one, box.now) for one in box.services]


def _starts(one: ServiceState) -> Service:
    return Service(say(SERVICES.get(one.name, one.name)), say("is starting"), stopped=False, detail="")


def _service(one: ServiceState, now: datetime) -> Service:
    name = say(SERVICES.get(one.name, one.name))
    if one.runs:
        since = say("since %(when)s", when=when(one.since)) if one.since else ""
        seen = say("last sign of life %(ago)s", ago=ago(one.seen_at, now)) if one.seen_at else ""
        return Service(name, say("runs"), stopped=False, detail=", ".join(filter(None, (since, seen))))
    if not is_wanted(one):
        return Service(name, say("not in use here"), stopped=False, detail="")
    seen = say("last seen %(ago)s", ago=ago(one.seen_at, now)) if one.seen_at else say("never seen here")
    return Service(name, say("does not run"), stopped=True, detail=seen)


# -- temperature -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and the same as a table for those who do not see it."""

    title: str
    told: str
    drawing: Markup
    rows: list[tuple[str, str]]


def charts(box: BoxNow) -> list[Chart]:
    """Of the last day and of the last two weeks; only those for which something is known."""
    day = _chart(box, LATELY, say("The last 24 hours"), timedelta(minutes=35), 24)
    weeks = _chart(box, IN_FULL, say("The last 14 days"), timedelta(hours=5), 14)
    return [one for one in (day, weeks) if one]


def _chart(box: BoxNow, span: timedelta, title: str, apart: timedelta, rows: int) -> Chart | None:
    since = box.now - span
    known = [
        (one.at, one.temperature_c)
        for one in box.readings
        if since <= one.at <= box.now and one.temperature_c is not None
    ]
    if len(known) < 2:
        return None
    degrees = [value for _at, value in known]
    low, high = 10 * (min(degrees) // 10), 10 * (max(degrees) // 10 + 1)
    if max(degrees) >= TOO_HOT_C - 10:
        high = max(high, TOO_HOT_C + 10)  # how near the limit it came is to be seen
    told = say(
        "Between %(low)s and %(high)s °C; the last reading was %(last)s °C.",
        low=number(min(degrees)),
        high=number(max(degrees)),
        last=number(degrees[-1]),
    )
    line = Line(
        _thinned(known, since, span),
        since,
        box.now,
        low,
        high,
        apart,
        limit=TOO_HOT_C,
        marked=[
            one.at for one in box.readings if since <= one.at <= box.now and (one.slowed or one.weak_power)
        ],
    )
    steps = [low + (high - low) * share for share in (0, 0.5, 1)]
    up = [Tick((one - low) / (high - low), number(one)) for one in steps]
    drawing = line.draw(f"{title}. {told}", _moments(since, span), up)
    return Chart(title, told, drawing, _table(known, since, span / rows))


def _thinned(
    known: Sequence[tuple[datetime, float]], since: datetime, span: timedelta
) -> list[tuple[datetime, float]]:
    """The hottest of each stretch that is as wide as a line is."""
    hottest: dict[int, tuple[datetime, float]] = {}
    for at, value in known:
        place = int((at - since) / span * _MOST_POINTS)
        if place not in hottest or value > hottest[place][1]:
            hottest[place] = (at, value)
    return list(hottest.values())


def _moments(since: datetime, span: timedelta) -> list[Tick]:
    """Marks of the time axis: hours of one day, days of more."""
    local = since.astimezone()
    if span <= LATELY:
        first = (local + timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)
        first -= timedelta(hours=first.hour % 6)
        marks = [first + timedelta(hours=6 * step) for step in range(5)]
        told = [(one, str(format_time(one, "HH:mm", locale=current()))) for one in marks]
    else:
        first = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        marks = [first + timedelta(days=3 * step) for step in range(6)]
        told = [(one, str(format_date(one, "d MMM", locale=current()))) for one in marks]
    shares = [((one - local) / span, label) for one, label in told]
    return [Tick(share, label) for share, label in shares if 0.03 <= share <= 0.97]


def _table(
    known: Sequence[tuple[datetime, float]], since: datetime, step: timedelta
) -> list[tuple[str, str]]:
    """Of each stretch when it begins, and its lowest and highest."""
    found: dict[int, list[float]] = {}
    for at, value in known:
        found.setdefault(int((at - since) / step), []).append(value)
    return [
        (when(since + place * step), f"{number(min(values))}–{number(max(values))}")
        for place, values in sorted(found.items(), reverse=True)
    ]
