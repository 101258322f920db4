"""Flights and which captures belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Flight
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.storage import captures as capture_rows
from fieldbox.storage import jobs as job_rows
from fieldbox.storage.portions import portions
from fieldbox.storage.rows import FlightFilter, FlightRow, Job, JobState
from fieldbox.storage.schema import captures, flights, jobs, memberships, placements, surveys
from fieldbox.storage.surveys import NEWEST_FIRST


def save(connection: Connection, flight: Flight, now: datetime) -> None:
    """Insert a flight, or replace what is known of it; `saved_at` stays that of the first time."""
    values = {
        "field_id": flight.field_id,
        "started_at": flight.started_at,
        "ended_at": flight.ended_at,
        "simulated": flight.simulated,
    }
    row = upsert(flights).values(id=flight.id, saved_at=now, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
    connection.execute(delete(memberships).where(memberships.c.flight_id == flight.id))
    members = _members(connection, flight)
    if members:
        connection.execute(insert(memberships), members)


def by_id(connection: Connection, flight_id: str) -> Flight | None:
    """One flight with its captures in the order in which they were saved."""
    row = connection.execute(select(flights).where(flights.c.id == flight_id)).one_or_none()
    if row is None:
        return None
    members = (
        select(captures)
        .join(memberships, memberships.c.capture_id == captures.c.id)
        .where(memberships.c.flight_id == flight_id)
        .order_by(memberships.c.position)
    )
    found = tuple(capture_rows.read(connection, members))
    return Flight(row.id, row.field_id, row.started_at, row.ended_at, found, row.simulated)


_THAT_COUNTS = (
    select(surveys.c.number)
    .where(surveys.c.flight_id == memberships.c.flight_id)
    .order_by(*NEWEST_FIRST)
    .limit(1)
    .correlate(memberships)
    .scalar_subquery()
)
_PLACED_BY_A_LIST = exists().where(
    placements.c.capture_id == captures.c.id, placements.c.survey_number == _THAT_COUNTS
)
"""The flight's survey has it in a place, though its own tags tell none."""


_NEWEST_FIRST = (flights.c.saved_at.desc(), flights.c.started_at.desc(), flights.c.id)
_FLOWN = func.coalesce(type_coerce(flights.c.started_at, Text), type_coerce(flights.c.saved_at, Text))
"""When a flight was flown, by the camera's clock; if that is not known, when it came."""
_FLOWN_LAST_FIRST = (_FLOWN.desc(), flights.c.saved_at.desc(), flights.c.id)


def listed(connection: Connection, field_id: int | None) -> list[FlightRow]:
    """Flights without their captures, the one saved last first."""
    query = select(flights).order_by(*_NEWEST_FIRST)
    if field_id is not None:
        query = query.where(flights.c.field_id == field_id)
    newest = job_rows.newest_by_flight(connection)
    return _counted(connection, connection.execute(query).all(), newest, None)


def rows(connection: Connection, flight_ids: Sequence[str]) -> list[FlightRow]:
    """Some flights, in this order; what there is not is left out."""
    found: dict[str, FlightRow] = {}
    for portion in portions(list(dict.fromkeys(flight_ids))):
        mine = connection.execute(select(flights).where(flights.c.id.in_(portion))).all()
        newest = job_rows.newest_by_flight(connection, portion)
        found |= {one.id: one for one in _counted(connection, mine, newest, portion)}
    return [found[one] for one in dict.fromkeys(flight_ids) if one in found]


def page(
    connection: Connection, wanted: FlightFilter, *, limit: int, offset: int, by_flown: bool = False
) -> tuple[list[FlightRow], int]:
    """A part of the flights that are wanted, the one saved last first (`by_flown`: the one flown last), and how many there are
    in all."""
    query = select(flights.c.id)
    if wanted.field_id is not None:
        query = query.where(flights.c.field_id == wanted.field_id)
    if wanted.placed is not None:
        query = query.where(
            flights.c.field_id.is_not(None) if wanted.placed else flights.c.field_id.is_(None)
        )
    if wanted.states is not None:
        query = query.where(flights.c.id.in_(_whose_newest_job_is(wanted.states)))
    total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    order = _FLOWN_LAST_FIRST if by_flown else _NEWEST_FIRST
    ids = connection.scalars(query.order_by(*order).limit(limit).offset(offset)).all()
    return rows(connection, ids), total


def _whose_newest_job_is(states: Sequence[JobState]) -> Select[str]:
    later = jobs.alias()
    newer = exists().where(later.c.flight_id == jobs.c.flight_id, later.c.id > jobs.c.id)
    return select(jobs.c.flight_id).where(jobs.c.state.in_([state.value for state in states]), ~newer)


def in_work(connection: Connection) -> list[FlightRow]:
    """Flights whose newest job runs or waits, in the order in which they are worked on."""
    running = case((jobs.c.state == JobState.RUNNING.value, 0), else_=1)
    live = select(jobs.c.flight_id).where(jobs.c.state.in_([JobState.RUNNING.value, JobState.WAITING.value]))
    return rows(connection, connection.scalars(live.order_by(running, jobs.c.due_at, jobs.c.id)).all())


def _counted(
    connection: Connection,
    found: Sequence[Row[*tuple[Any, ...]]],
    newest: Mapping[str, Job],
    only: Sequence[str] | None,
) -> list[FlightRow]:
    """Rows of flights with their photos counted; `only` these, None: of all flights."""
    query = (
        select(
            memberships.c.flight_id,
            func.count().label("captures"),
            func.count(case((or_(captures.c.pose.is_not(None), _PLACED_BY_A_LIST), 1))).label("placed"),
        )
        .join(captures, captures.c.id == memberships.c.capture_id)
        .group_by(memberships.c.flight_id)
    )
    if only is not None:
        query = query.where(memberships.c.flight_id.in_(only))
    counts = {row.flight_id: (row.captures, row.placed) for row in connection.execute(query)}
    return [_flight_row(row, counts.get(row.id, (0, 0)), newest.get(row.id)) for row in found]


def ids(connection: Connection) -> set[str]:
    """Of all flights."""
    return set(connection.scalars(select(flights.c.id)))


def of_capture(connection: Connection, digest: str) -> str | None:
    """The id of the flight that a capture belongs to; the one saved last, if there are several."""
    query = (
        select(memberships.c.flight_id)
        .join(captures, captures.c.id == memberships.c.capture_id)
        .join(flights, flights.c.id == memberships.c.flight_id)
        .where(captures.c.digest == digest)
        .order_by(flights.c.saved_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def _members(connection: Connection, flight: Flight) -> list[dict[str, Any]]:
    ids = capture_rows.ids(connection, [capture.digest for capture in flight.captures])
    missing = next((capture.name for capture in flight.captures if capture.digest not in ids), None)
    if missing is not None:
        raise Rejected(N_("The photo {name} is not in the box; bring the flight in again."), name=missing)
    return [
        {"flight_id": flight.id, "position": position, "capture_id": ids[capture.digest]}
        for position, capture in enumerate(flight.captures)
    ]


def _flight_row(row: Row[*tuple[Any, ...]], counts: tuple[int, int], job: Job | None) -> FlightRow:
    return FlightRow(
        id=row.id,
        field_id=row.field_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        simulated=row.simulated,
        saved_at=row.saved_at,
        captures=counts[0],
        placed=counts[1],
        job=job,
    )
