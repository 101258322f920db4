"""Fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import fields as names_of
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from fieldbox.domain import Economics, Field, KeepOff, Product, Spraying, Strategy
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.storage.schema import control_points, fields, flights, surveys

_SPRAYING = tuple(each.name for each in names_of(Spraying))
Ring = Sequence[tuple[float, float]]


def add(connection: Connection, name: str, boundary: Ring, *, drawn: bool, crop: str | None) -> Field:
    """Add a field under the next free code."""
    _refuse_taken(connection, name, None)
    number = connection.execute(select(func.coalesce(func.max(fields.c.id), 0) + 1)).scalar_one()
    row = {"id": number, "code": f"F{number:02d}", "name": name, "drawn": drawn, "crop": crop}
    connection.execute(insert(fields).values(**row, boundary=_plain(boundary)))
    return _must(connection, number)


def change(connection: Connection, field_id: int, changes: dict[str, Any]) -> Field:
    """Change the columns named in `changes`."""
    if "name" in changes:
        _refuse_taken(connection, changes["name"], field_id)
    if "boundary" in changes:
        changes = {"drawn": True, **changes, "boundary": _plain(changes["boundary"])}
    if changes:
        connection.execute(update(fields).where(fields.c.id == field_id).values(**changes))
    return _must(connection, field_id)


def remove_empty(connection: Connection, field_id: int) -> bool:
    """Remove a field of which nothing is known but the outline that its photos told; False: it stays, for something is."""
    for table in (flights, surveys, control_points):
        if connection.execute(select(table.c.field_id).where(table.c.field_id == field_id).limit(1)).first():
            return False
    untold = [
        column.is_(None) for column in (fields.c.crop, fields.c.sown_on, fields.c.spraying, fields.c.row_deg)
    ]
    bare = (fields.c.id == field_id, fields.c.drawn.is_(False), *untold)
    return connection.execute(delete(fields).where(*bare)).rowcount > 0


def every(connection: Connection) -> list[Field]:
    """All fields by name."""
    return [_field(row) for row in connection.execute(select(fields).order_by(fields.c.name))]


def by_id(connection: Connection, field_id: int) -> Field | None:
    """One field."""
    row = connection.execute(select(fields).where(fields.c.id == field_id)).one_or_none()
    return None if row is None else _field(row)


def spraying(connection: Connection, field_id: int) -> Spraying:
    """How a field is treated; as it comes where nobody said."""
    told = connection.execute(select(fields.c.spraying).where(fields.c.id == field_id)).scalar_one_or_none()
    return _spraying(told) if told else Spraying()


def spray(connection: Connection, field_id: int, how: Spraying) -> None:
    """Keep how a field is treated."""
    _must(connection, field_id)
    connection.execute(update(fields).where(fields.c.id == field_id).values(spraying=asdict(how)))


def _spraying(told: dict[str, Any]) -> Spraying:
    # A later release may have kept more, an earlier one less.
    told = asdict(Spraying()) | {name: value for name, value in told.items() if name in _SPRAYING}
    economics, rates, strategy = told["economics"], told["vigour_rates"], told["strategy"]
    kept_off = tuple(
        KeepOff(
            one["name"],
            tuple(tuple((lon, lat) for lon, lat in ring) for ring in one["patch"]),
            one["strip_m"],
        )
        for one in told["keep_off"]
    )
    known = {
        "strategy": Strategy(strategy) if strategy else None,
        "products": tuple(Product(**one) for one in told["products"]),
        "economics": Economics(**economics) if economics else None,
        "keep_off": kept_off,
        "vigour_rates": tuple(rates) if rates else None,
    }
    return Spraying(**{**told, **known})


def _must(connection: Connection, field_id: int) -> Field:
    field = by_id(connection, field_id)
    if field is None:
        raise Rejected(N_("There is no field number {number}; look at the list of fields."), number=field_id)
    return field


def _refuse_taken(connection: Connection, name: str, own_id: int | None) -> None:
    holder = connection.execute(select(fields.c.id).where(fields.c.name == name)).scalar_one_or_none()
    if holder not in (None, own_id):
        raise Rejected(N_("There is a field named {name} already; choose another name."), name=name)


def _plain(boundary: Ring) -> list[list[float]]:
    return [[float(lon), float(lat)] for lon, lat in boundary]


def _field(row: Row[*tuple[Any, ...]]) -> Field:
    ring = tuple((lon, lat) for lon, lat in row.boundary)
    return Field(row.id, row.code, row.name, ring, row.drawn, row.crop, row.sown_on, row.row_deg)
