"""What the map of a flight depends on beside the pixels of its photos: told apart, so that it can be said what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from blake3 import blake3
from sqlalchemy import Connection, exists, func, select

from fieldbox.storage.rows import JobState, Mapped
from fieldbox.storage.schema import (
    captures,
    control_marks,
    control_points,
    fields,
    flights,
    jobs,
    memberships,
    side_files,
    side_photos,
)

PHOTOS, FIELD, BOUNDARY, CROP, ROWS, CONTROL, LISTS = (
    "photos",
    "field",
    "boundary",
    "crop",
    "rows",
    "control",
    "lists",
)
"""Names of conditions. A boundary that nobody drew follows the flights and is none."""


def of_flight(connection: Connection, flight_id: str) -> dict[str, str]:
    """The conditions of a flight as they are now, each as a word or a digest."""
    field_id = connection.execute(
        select(flights.c.field_id).where(flights.c.id == flight_id)
    ).scalar_one_or_none()
    found = {PHOTOS: _photos(connection, flight_id), LISTS: _lists(connection, flight_id)}
    field = connection.execute(select(fields).where(fields.c.id == field_id)).one_or_none()
    if field is None:
        return found
    return found | {
        FIELD: str(field.id),
        BOUNDARY: _digest(field.boundary) if field.drawn else "",
        CROP: (field.crop or "").strip().casefold(),
        ROWS: "" if field.row_deg is None else f"{field.row_deg:.2f}",
        CONTROL: _control(connection, field.id, flight_id),
    }


def mapped(connection: Connection, flight_id: str) -> Mapped | None:
    """Under what a flight was last mapped; None: it was not."""
    query = (
        select(jobs.c.release_sha, jobs.c.conditions, jobs.c.finished_at)
        .where(jobs.c.flight_id == flight_id, jobs.c.state == JobState.DONE.value)
        .order_by(jobs.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Mapped(*row)


def unmarked(connection: Connection, flight_ids: Sequence[str]) -> set[str]:
    """Those of these flights whose field has control points of which none is marked in their photos."""
    known = exists().where(control_points.c.field_id == flights.c.field_id)
    marked = (
        select(memberships.c.flight_id)
        .join(control_marks, control_marks.c.capture_id == memberships.c.capture_id)
        .where(memberships.c.flight_id.in_(flight_ids))
    )
    query = select(flights.c.id).where(flights.c.id.in_(flight_ids), known, flights.c.id.not_in(marked))
    return set(connection.scalars(query))


def _photos(connection: Connection, flight_id: str) -> str:
    query = select(captures.c.digest).join(memberships, memberships.c.capture_id == captures.c.id)
    query = query.where(memberships.c.flight_id == flight_id).order_by(captures.c.digest)
    return _digest(list(connection.scalars(query)))


def _lists(connection: Connection, flight_id: str) -> str:
    """Of those that say something of its photos."""
    rank = func.coalesce(side_files.c.rank, side_files.c.id)
    query = (
        select(side_files.c.digest, rank)
        .join(side_photos, side_photos.c.file_id == side_files.c.id)
        .join(memberships, memberships.c.capture_id == side_photos.c.capture_id)
        .where(memberships.c.flight_id == flight_id, side_photos.c.named)
        .distinct()
        .order_by(rank)
    )
    rows = [list(row) for row in connection.execute(query)]
    return _digest(rows) if rows else ""


def _control(connection: Connection, field_id: int, flight_id: str) -> str:
    """Of the points that are marked in its photos."""
    query = (
        select(
            control_points.c.name,
            control_points.c.lat,
            control_points.c.lon,
            control_points.c.height_m,
            control_points.c.error_m,
            control_marks.c.capture_id,
            control_marks.c.pixel_x,
            control_marks.c.pixel_y,
        )
        .join(control_marks, control_marks.c.point_id == control_points.c.id)
        .join(memberships, memberships.c.capture_id == control_marks.c.capture_id)
        .where(control_points.c.field_id == field_id, memberships.c.flight_id == flight_id)
        .order_by(control_points.c.name, control_marks.c.capture_id)
    )
    rows = [list(row) for row in connection.execute(query)]
    return _digest(rows) if rows else ""


def _digest(value: Any) -> str:
    return blake3(json.dumps(value).encode()).hexdigest()[:16]
