"""Control points of fields, and where photos show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import ControlMark, MarkedPoint
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.storage.schema import captures, control_marks, control_points


def add(connection: Connection, point: MarkedPoint, now: datetime) -> MarkedPoint:
    """Add a point, without its marks; its number is given here. Raises Rejected where the field has one by its name."""
    same = (control_points.c.field_id == point.field_id) & (control_points.c.name == point.name)
    if connection.execute(select(control_points.c.id).where(same)).first():
        raise Rejected(
            N_("This field has a control point {name} already; choose another name."), name=point.name
        )
    row = {
        "field_id": point.field_id,
        "name": point.name,
        "lat": point.lat,
        "lon": point.lon,
        "height_m": point.height_m,
        "error_m": point.error_m,
        "made_by": point.made_by,
        "made_at": now,
    }
    number = connection.execute(
        insert(control_points).values(row).returning(control_points.c.id)
    ).scalar_one()
    return _must(by_id(connection, number), number)


def remove(connection: Connection, point_id: int) -> bool:
    """Remove a point with its marks; False: there is none."""
    connection.execute(delete(control_marks).where(control_marks.c.point_id == point_id))
    gone = connection.execute(delete(control_points).where(control_points.c.id == point_id))
    return gone.rowcount > 0


def of_field(connection: Connection, field_id: int) -> list[MarkedPoint]:
    """The points of a field by name, with their marks."""
    return _points(connection, select(control_points).where(control_points.c.field_id == field_id))


def by_id(connection: Connection, point_id: int) -> MarkedPoint | None:
    """One point with its marks."""
    found = _points(connection, select(control_points).where(control_points.c.id == point_id))
    return found[0] if found else None


def put(connection: Connection, point_id: int, mark: ControlMark) -> MarkedPoint:
    """Keep where a photo shows a point, instead of what was kept before. Raises Rejected where there is no such point or
    photo."""
    _must(by_id(connection, point_id), point_id)
    row = {
        "point_id": point_id,
        "capture_id": _capture(connection, mark.digest),
        "pixel_x": mark.pixel_x,
        "pixel_y": mark.pixel_y,
    }
    same = ["point_id", "capture_id"]
    changed = {"pixel_x": mark.pixel_x, "pixel_y": mark.pixel_y}
    connection.execute(
        upsert(control_marks).values(row).on_conflict_do_update(index_elements=same, set_=changed)
    )
    return _must(by_id(connection, point_id), point_id)


def take_back(connection: Connection, point_id: int, digest: str) -> bool:
    """Forget where a photo shows a point; False: it was not marked."""
    photo = select(captures.c.id).where(captures.c.digest == digest).scalar_subquery()
    gone = connection.execute(
        delete(control_marks).where(control_marks.c.point_id == point_id, control_marks.c.capture_id == photo)
    )
    return gone.rowcount > 0


def _points(connection: Connection, query: Select[Any]) -> list[MarkedPoint]:
    rows = connection.execute(query.order_by(control_points.c.name)).all()
    marks = _marks(connection, [row.id for row in rows])
    return [_point(row, marks.get(row.id, ())) for row in rows]


def _marks(connection: Connection, points: Sequence[int]) -> dict[int, tuple[ControlMark, ...]]:
    query = (
        select(control_marks.c.point_id, captures.c.digest, control_marks.c.pixel_x, control_marks.c.pixel_y)
        .join(captures, captures.c.id == control_marks.c.capture_id)
        .where(control_marks.c.point_id.in_(points))
        .order_by(captures.c.id)
    )
    found: dict[int, tuple[ControlMark, ...]] = {}
    for point, digest, x, y in connection.execute(query):
        found[point] = (*found.get(point, ()), ControlMark(digest, x, y))
    return found


def _point(row: Row[*tuple[Any, ...]], marks: tuple[ControlMark, ...]) -> MarkedPoint:
    return MarkedPoint(
        row.id, row.field_id, row.name, row.lat, row.lon, row.height_m, row.error_m, row.made_by, marks
    )


def _capture(connection: Connection, digest: str) -> int:
    found = connection.execute(select(captures.c.id).where(captures.c.digest == digest)).scalar_one_or_none()
    if found is None:
        raise Rejected(N_("There is no such photo on the box."))
    return int(found)


def _must(found: MarkedPoint | None, number: int) -> MarkedPoint:
    if found is None:
        raise Rejected(N_("There is no control point number {number}: load the page anew."), number=number)
    return found
