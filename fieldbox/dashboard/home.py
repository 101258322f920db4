"""The home page: what needs me now, what arrives, the fields, how link and box stand.

Its queries are the same however many fields, flights and surveys the box holds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from flask import Blueprint, current_app, render_template
from flask_login import current_user

from fieldbox.dashboard import asking, needs, standing, words
from fieldbox.dashboard.beginning import Beginning, beginning
from fieldbox.dashboard.boxstate import BoxNow, concerns, look
from fieldbox.dashboard.checks import Checked, checked
from fieldbox.dashboard.deeds import starting
from fieldbox.dashboard.language import in_words, say, say_many, when
from fieldbox.dashboard.needs import Need, Trend
from fieldbox.dashboard.needsources import Looked, needs_of
from fieldbox.dashboard.ports import BriefLike, FlightRowLike, IngestLike, box
from fieldbox.domain import OPEN, Field, IntakeStatus, LinkState, Right

home = Blueprint("home", __name__)
RECENT, STOPPED = 6, 8
"""Flights that are looked at for what needs somebody."""
NEEDS_SHOWN = 8
CARDS = 24
"""Fields with a picture; the others are a list."""
LATEST_SHOWN = 3
"""Things that were brought lately."""
SLOW_S = 30.0
"""So long it is not looked at again how the box does, and what there is to check."""
_STALE = timedelta(minutes=30)
_LATELY = timedelta(hours=12)
_KEPT = "fieldbox.home"


@dataclass(frozen=True, slots=True)
class FieldNow:
    """A field with its newest date, if it has one."""

    field: Field
    brief: BriefLike | None
    before: BriefLike | None = None

    @property
    def trend(self) -> Trend | None:
        """How its weeds went; None: no telling."""
        return needs.trend(self.brief, self.before) if self.brief else None

    @property
    def trend_words(self) -> str:
        """The same in words."""
        return needs.trend_words(self.trend, self.before)

    @property
    def warning(self) -> str:
        """The first thing to know of its map."""
        told = self.brief.warning if self.brief else None
        return in_words(told) if told and not words.tells_poor_plants(told) else ""

    @property
    def date(self) -> datetime | None:
        """When it was flown."""
        return needs.flown(self.brief) if self.brief else None


@dataclass(frozen=True, slots=True)
class Now:
    """Everything on the home page."""

    needs: list[Need]
    more_needs: int
    calm: str
    """What is said where nothing needs anybody."""
    copying: IngestLike | None
    useless: list[words.Group]
    """Files that came last and brought nothing: there is no flight whose page could tell of them."""
    arriving: Sequence[FlightRowLike]
    left: Mapping[str, str]
    """How long the work on each flight still takes, in words."""
    checks: dict[str, Checked]
    """Of the flights that arrive: their pilot may still be there."""
    incoming: IntakeStatus | None
    """What is being taken in by itself, and what was lately; None: nothing."""
    fields: list[FieldNow]
    others: list[FieldNow]
    """Fields that are a line in a list."""
    link: str
    box: str
    empty: bool
    begin: Beginning


@home.get("/")
def show() -> str:
    """What needs me now."""
    return render_template("home.html", now=look_now())


@home.get("/now")
def part() -> str:
    """The moving part of the home page."""
    return render_template("parts/now.html", now=look_now())


def look_now() -> Now:
    """Gather the home page."""
    store = box().store
    every = store.fields()
    briefs = store.briefs_by_field()
    arriving = store.flights_in_work()
    recent, total = store.flight_page(limit=RECENT)
    ingests, incoming = store.ingests(1), _incoming()
    looked = _looked({one.id: one.name for one in every}, briefs, recent)
    found = needs_of(looked)
    fields = sorted((_field_now(one, briefs.get(one.id, ())) for one in every), key=_newest_first)
    copying = None if incoming and incoming.now else _copying(ingests)
    return Now(
        needs=found[:NEEDS_SHOWN],
        more_needs=max(0, len(found) - NEEDS_SHOWN),
        calm=_calm(recent),
        copying=copying,
        useless=_useless(ingests),
        arriving=arriving,
        left=standing.times_left() if arriving else {},
        checks={key: checked(one) for key, one in store.checks([one.id for one in arriving]).items()},
        incoming=incoming,
        fields=fields[:CARDS],
        others=fields[CARDS:],
        link=_link_line(looked.link, looked.waiting),
        box=_box_line(looked),
        empty=not total and not every and not copying,
        begin=beginning(),
    )


def _looked(
    names: Mapping[int, str],
    briefs: Mapping[int, Sequence[BriefLike]],
    recent: Sequence[FlightRowLike],
) -> Looked:
    store = box().store
    ids = [one.id for one in recent]
    changed = [one for one in store.commands(20) if one.kind == "settings" and one.done]
    counts, slow = store.message_counts(), _slow()
    how = _how_it_does(slow)
    return Looked(
        now=datetime.now(UTC),
        names=names,
        briefs=briefs,
        stopped=store.flight_page(limit=STOPPED, states=("failed",))[0],
        recent=recent,
        checks=store.checks(ids),
        unmarked=store.without_marks(ids),
        concerns=concerns(how) if how else [],
        starting=bool(how and how.starting),
        unchecked=slow.unchecked,
        link=store.link_state(),
        waiting=sum(counts.get(state, 0) for state in OPEN),
        waits_since=store.waits_since(),
        set_up_left=_set_up_left(),
        hub_changed=changed[0].received_at if changed else None,
    )


def _set_up_left() -> int:
    """Steps of a set-up that its owner began."""
    over = starting.done() if current_user.may(Right.OWN) else {}
    return len(starting.STEPS) - len(over) if over else 0


@dataclass(frozen=True, slots=True)
class _Slow:
    """What changes slowly and costs more than the page."""

    at: float
    """By the monotonic clock."""
    box: BoxNow | None
    unchecked: int


def _slow() -> _Slow:
    """How the box does, and what there is to check: not looked at anew for each phone."""
    kept: _Slow | None = current_app.extensions.get(_KEPT)
    if kept is None or time.monotonic() - kept.at > SLOW_S:
        machine = box().beyond.machine
        found = look(box().store, machine) if machine else None
        kept = _Slow(time.monotonic(), found, asking.left(asking.scope()))
        current_app.extensions[_KEPT] = kept
    return kept


def _how_it_does(slow: _Slow) -> BoxNow | None:
    """With the services as they are: whether they run is known at once, and asked for at once."""
    machine = box().beyond.machine
    if slow.box is None or machine is None:
        return None
    return replace(slow.box, now=datetime.now(UTC), services=machine.services())


def _field_now(field_: Field, dates: Sequence[BriefLike]) -> FieldNow:
    now, before = [*dates, None, None][:2]
    return FieldNow(field_, now, before)


def _newest_first(one: FieldNow) -> tuple[bool, float, str]:
    return (one.date is None, -(one.date.timestamp() if one.date else 0.0), one.field.name)


def _calm(recent: Sequence[FlightRowLike]) -> str:
    if not recent:
        return ""
    newest = max(recent, key=lambda one: one.saved_at)
    at = newest.started_at or newest.saved_at
    return say("Nothing needs you now. The last flight was on %(when)s.", when=when(at))


def _link_line(state: LinkState | None, waiting: int) -> str:
    waits = (
        say_many("%(num)s message waits.", "%(num)s messages wait.", waiting)
        if waiting
        else say("No message waits.")
    )
    if state is None:
        return say("Nothing is sent from this box yet.") + " " + waits
    reached = (
        say("The hub was last reached on %(when)s.", when=when(state.last_success))
        if state.last_success
        else say("The hub has not been reached yet.")
    )
    return f"{reached} {waits}"


def _box_line(looked: Looked) -> str:
    if box().beyond.machine is None:
        return ""
    if looked.concerns:
        return in_words(looked.concerns[0].what)
    return say("The box is starting: not all of it runs yet.") if looked.starting else say("The box is well.")


def _incoming() -> IntakeStatus | None:
    """What the intake does, and what it did in the last hours; what came to a flight without trouble is shown there."""
    intake = box().beyond.intake
    status = intake.status() if intake else None
    if status is None:
        return None
    since = datetime.now(UTC) - _LATELY
    last = tuple(one for one in status.last if one.ended_at >= since)[:LATEST_SHOWN]
    return replace(status, last=last) if status.now or last else None


def _copying(ingests: Sequence[IngestLike]) -> IngestLike | None:
    """The copying that goes on; one that was cut off long ago is not shown."""
    newest = ingests[0] if ingests else None
    if newest is None or newest.ended_at is not None or datetime.now(UTC) - newest.started_at > _STALE:
        return None
    return newest


def _useless(ingests: Sequence[IngestLike]) -> list[words.Group]:
    """What the last ingest could not use, if nothing of it was a photo: a list without its photos, say."""
    newest = ingests[0] if ingests else None
    if newest is None or newest.ended_at is None or newest.accepted or newest.duplicates:
        return []
    return words.by_reason(box().store.rejections(ingest_id=newest.id))
