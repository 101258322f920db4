"""The home page: what needs me now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template

from fieldbox.dashboard import words
from fieldbox.dashboard.checks import Checked, checked
from fieldbox.dashboard.dates import flown_on
from fieldbox.dashboard.ports import FlightRowLike, IngestLike, box
from fieldbox.domain import Field, IntakeStatus, Survey

home = Blueprint("home", __name__)
FLIGHTS_SHOWN = 30
LATEST_SHOWN = 3
"""Things that were brought lately."""
_STALE = timedelta(minutes=30)
_LATELY = timedelta(hours=12)
_ACTIVE = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class FieldNow:
    """A field with its newest survey, if it has one."""

    field: Field
    survey: Survey | None
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Now:
    """Everything on the home page."""

    copying: IngestLike | None
    useless: list[words.Group]
    """Files that came last and brought nothing: there is no flight whose page could tell of them."""
    arriving: list[FlightRowLike]
    stopped: list[FlightRowLike]
    settled: list[FlightRowLike]
    fields: list[FieldNow]
    names: dict[int, str]
    """Of the fields."""
    incoming: IntakeStatus | None
    """What is being taken in by itself, and what was lately; None: nothing."""
    can_send: bool
    checks: dict[str, Checked]
    """Of the flights that wait or could not be mapped: their pilot may still be there."""


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
    every = store.flights()
    flights = every[:FLIGHTS_SHOWN]
    flown = {flight.id: flight.started_at for flight in every}
    fields = [_field_now(field, flown) for field in store.fields()]
    fields.sort(
        key=lambda each: (each.survey is None, -(each.survey.made_at.timestamp() if each.survey else 0.0))
    )
    ingests, incoming = store.ingests(), _incoming()
    unmapped = [flight.id for flight in flights if not flight.job or flight.job.state != "done"]
    return Now(
        copying=None if incoming and incoming.now else _copying(ingests),
        useless=_useless(ingests),
        arriving=[flight for flight in flights if flight.job and flight.job.state in _ACTIVE],
        stopped=[flight for flight in flights if flight.job and flight.job.state == "failed"],
        settled=[flight for flight in flights if not flight.job or flight.job.state == "done"],
        fields=fields,
        names={each.field.id: each.field.name for each in fields},
        incoming=incoming,
        can_send=box().beyond.intake is not None,
        checks={flight_id: checked(one) for flight_id, one in store.checks(unmapped).items()},
    )


def _field_now(field_: Field, flown: Mapping[str, datetime | None]) -> FieldNow:
    survey = _newest(box().store.surveys(field_id=field_.id))
    return FieldNow(field_, survey, flown_on(survey, flown) if survey else None)


def _newest(surveys: Sequence[Survey]) -> Survey | None:
    return surveys[0] if surveys else None


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
