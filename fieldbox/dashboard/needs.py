"""What needs somebody: each kind a small function over plain values that says it in one sentence, with one button.

Where they get their values from is in `needsources`. Another kind is a function here and a source there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from flask import url_for

from fieldbox.dashboard.boxstate import Concern
from fieldbox.dashboard.boxstate import Urgency as OfTheBox
from fieldbox.dashboard.language import day, in_words, interval, number, say, say_many
from fieldbox.dashboard.ports import BriefLike, FlightRowLike
from fieldbox.dashboard.words import flight_name
from fieldbox.domain import Finding, LinkState, Verdict
from fieldbox.i18n import Sentence

FRESH = timedelta(days=21)
"""What a flight told is news for so long."""
WAITS_LONG = timedelta(days=2)
"""Messages that wait for longer are told of: a link is away for a day now and then."""
SAME_GROUND = 2.0
"""Factor by which the resolutions of two dates may differ for their covers to be compared."""


class Urgency(IntEnum):
    """How soon; small goes first."""

    NOW = 0
    """Something is lost or stands still until somebody does it."""
    SOON = 1
    LOOK = 2
    """There is something to see in a field."""
    SOMETIME = 3


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs somebody."""

    urgency: Urgency
    sentence: str
    link: str
    """What the button says."""
    url: str
    since: datetime | None = None


class Trend(Enum):
    """How the weeds of a field went between two dates."""

    UP = "up"
    DOWN = "down"
    LEVEL = "level"
    """No change that is larger than what both numbers leave open."""


def in_order(needs: Iterable[Need]) -> list[Need]:
    """The most urgent first; among equals as they came."""
    return sorted(needs, key=lambda one: one.urgency)


# -- fields ----------------------------------------------------------------------------------------


def trend(now: BriefLike, before: BriefLike | None) -> Trend | None:
    """How the weeds went; None: both dates must not be compared, or one is not known."""
    if before is None or not _comparable(now, before):
        return None
    late, early = now.weed_cover_pct_interval95, before.weed_cover_pct_interval95
    if late is None or early is None:
        return None
    if late.low > early.high:
        return Trend.UP
    return Trend.DOWN if late.high < early.low else Trend.LEVEL


def _comparable(now: BriefLike, before: BriefLike) -> bool:
    """Both call weeds from the same, by the same model and colours, and show the ground about as finely."""
    alike = all(
        getattr(now, name) == getattr(before, name)
        for name in ("weed_basis", "layer_label", "release", "simulated")
    )
    known = now.weed_basis is not None and now.flown_at is not None and before.flown_at is not None
    finer, coarser = sorted((now.gsd_cm, before.gsd_cm))
    return alike and known and coarser <= SAME_GROUND * finer


def weeds(name: str, now: BriefLike, before: BriefLike | None, url: str) -> Need | None:
    """What a field's newest date says of its weeds: that they grew where that is certain, else that there are spots to look at;
    None: nothing to look at, or weeds are not known."""
    if now.weed_cover_pct is None or not now.spots:
        return None
    spots = say_many("%(num)s spot", "%(num)s spots", now.spots)
    if before and before.weed_cover_pct is not None and trend(now, before) is Trend.UP:
        told = say(
            "%(field)s: weeds up from %(before)s %% to %(now)s %% since %(date)s, %(spots)s.",
            field=name,
            before=_percent(before.weed_cover_pct),
            now=_percent(now.weed_cover_pct),
            date=day(flown(before)),
            spots=spots,
        )
        return Need(Urgency.SOON, told, say("Show me"), url, now.made_at)
    told = say(
        "%(field)s: weeds %(now)s %%%(range)s, %(spots)s to look at.",
        field=name,
        now=_percent(now.weed_cover_pct),
        range=_range(now),
        spots=spots,
    )
    return Need(Urgency.LOOK, told, say("Show me"), url, now.made_at)


def trend_words(found: Trend | None, before: BriefLike | None) -> str:
    """For a card; empty: no telling."""
    if found is None or before is None:
        return ""
    date = day(flown(before))
    return {
        Trend.UP: say("More weeds than on %(date)s", date=date),
        Trend.DOWN: say("Fewer weeds than on %(date)s", date=date),
        Trend.LEVEL: say("No clear change since %(date)s", date=date),
    }[found]


def flown(brief: BriefLike) -> datetime:
    """By the camera's clock; if that is not known, when the survey was made."""
    return brief.flown_at or brief.made_at


def _percent(value: float) -> str:
    return number(value, _digits(value))


def _range(brief: BriefLike) -> str:
    known = brief.weed_cover_pct_interval95
    return f" ({interval(known, _digits(known.high))})" if known else ""


def _digits(percent: float) -> int:
    return 0 if percent >= 10 else 1


# -- flights ---------------------------------------------------------------------------------------


def not_mapped(flight: FlightRowLike, reason: str) -> Need:
    """A flight whose work stopped."""
    told = say("%(flight)s could not be mapped: %(reason)s", flight=flight_name(flight), reason=reason)
    at = flight.job.finished_at if flight.job else None
    return Need(Urgency.NOW, told, say("What to do"), _of_flight(flight), at)


def fly_again(flight: FlightRowLike, field: str | None, findings: Sequence[Finding]) -> Need | None:
    """A flight that is of little use; None: it is good enough."""
    worst = next((one for one in findings if one.verdict is Verdict.AGAIN), None)
    if worst is None:
        return None
    what = (
        say("%(field)s, %(flight)s", field=field, flight=flight_name(flight))
        if field
        else flight_name(flight)
    )
    told = say("%(what)s should be flown again: %(reason)s", what=what, reason=in_words(worst.sentence))
    return Need(Urgency.NOW, told, say("See why"), _of_flight(flight), flight.saved_at)


def nowhere(flight: FlightRowLike) -> Need | None:
    """A flight of which no photo has a place; None: some have."""
    if flight.placed or not flight.captures:
        return None
    told = say_many(
        "%(flight)s: its only photo has no place.",
        "%(flight)s: none of its %(num)s photos has a place.",
        flight.captures,
        flight=flight_name(flight),
    )
    return Need(Urgency.SOON, told, say("What to do"), _of_flight(flight), flight.saved_at)


def without_place(flights: Sequence[FlightRowLike]) -> Need | None:
    """Photos that are not on the map, of flights of which others are; None: there are none."""
    some = [one for one in flights if 0 < one.placed < one.captures]
    if not some:
        return None
    missing = sum(one.captures - one.placed for one in some)
    if len(some) == 1:
        told = say_many(
            "%(flight)s: %(num)s photo has no place on the map.",
            "%(flight)s: %(num)s photos have no place on the map.",
            missing,
            flight=flight_name(some[0]),
        )
        return Need(Urgency.SOMETIME, told, say("What to do"), _of_flight(some[0]), some[0].saved_at)
    told = say_many(
        "%(num)s photo of the last flights has no place on the map.",
        "%(num)s photos of the last flights have no place on the map.",
        missing,
    )
    return Need(Urgency.SOMETIME, told, say("See the flights"), url_for("flights.all"), some[0].saved_at)


def control_points(flight: FlightRowLike, field: str) -> Need:
    """The field has control points, and nobody has marked them in the flight's photos."""
    told = say(
        "%(field)s has control points, and none is marked in the photos of %(flight)s yet.",
        field=field,
        flight=flight_name(flight),
    )
    return Need(Urgency.SOON, told, say("See the flight"), _of_flight(flight), flight.saved_at)


def review(count: int, most: int, url: str) -> Need | None:
    """Plants that somebody should look at; they are counted up to `most`."""
    if count <= 0:
        return None
    if count >= most:
        told = say(
            "More than %(count)s plants wait for your eyes: that tells how often the box is right.",
            count=number(most),
        )
        return Need(Urgency.SOMETIME, told, say("Look through them"), url)
    told = say_many(
        "%(num)s plant waits for your eyes: that tells how often the box is right.",
        "%(num)s plants wait for your eyes: that tells how often the box is right.",
        count,
    )
    return Need(Urgency.SOMETIME, told, say("Look through them"), url)


def _of_flight(flight: FlightRowLike) -> str:
    return url_for("flights.show", flight_id=flight.id)


# -- the box and its link --------------------------------------------------------------------------


def of_the_box(concerns: Sequence[Concern], url: str, log: str | None = None) -> Need | None:
    """Heat, power, room, clock, services: one row for all, for the box's page tells of each what to do. `log`: where the log
    is that knows more, of a single one that has one."""
    if not concerns:
        return None
    urgency = Urgency.NOW if any(one.urgency is OfTheBox.NOW for one in concerns) else Urgency.SOON
    what = " ".join(in_words(one.what) for one in concerns)
    todo = in_words(concerns[0].todo) if len(concerns) == 1 else ""
    told = say("The box: %(what)s %(todo)s", what=what, todo=todo).rstrip()
    if log:
        return Need(urgency, told, say("Look at its log"), log)
    return Need(urgency, told, say("Look at the box"), url)


def messages_wait(waiting: int, since: datetime | None, now: datetime, url: str) -> Need | None:
    """What is to be sent and could not be for days."""
    if not waiting or since is None or now - since < WAITS_LONG:
        return None
    told = say_many(
        "%(num)s message waits to be sent, since %(date)s.",
        "%(num)s messages wait to be sent, the first since %(date)s.",
        waiting,
        date=day(since),
    )
    return Need(Urgency.SOMETIME, told, say("See why"), url, since)


def link_notes(state: LinkState | None, url: str) -> list[Need]:
    """What the sending process wants known: the hub refuses the certificate, a budget is used up, the clock is wrong."""
    if state is None:
        return []
    return [_noted(one, url, state.at) for one in state.notes]


def _noted(note: Sentence, url: str, at: datetime) -> Need:
    return Need(Urgency.SOON, say("Sending: %(what)s", what=in_words(note)), say("See the link"), url, at)


def hub_changed(at: datetime | None, now: datetime, url: str) -> Need | None:
    """The hub changed a setting lately."""
    if at is None or now - at > FRESH / 3:
        return None
    told = say("The hub changed settings of this box on %(date)s.", date=day(at))
    return Need(Urgency.SOMETIME, told, say("See the settings"), url, at)


def set_up(left: int, url: str) -> Need | None:
    """Steps of setting the box up that nobody has done yet."""
    if left <= 0:
        return None
    told = say_many(
        "The box is not set up yet: %(num)s step is left.",
        "The box is not set up yet: %(num)s steps are left.",
        left,
    )
    return Need(Urgency.SOON, told, say("Go on"), url)
