"""How the box did: readings of the last days in full, and one a day of those before."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Vital
from fieldbox.storage.schema import vitals

IN_FULL: Final = timedelta(days=14)
KEPT: Final = timedelta(days=730)
ALWAYS_KEPT: Final = 1000
"""Of the newest readings none goes for its age: a clock that runs years ahead would take all of them."""
_DAY: Final = timedelta(days=1)


def add(connection: Connection, vital: Vital) -> None:
    """Keep a reading; one of the very same moment is replaced. Once a day older ones are drawn together."""
    before = connection.scalar(select(func.max(vitals.c.at)).where(vitals.c.at <= vital.at))
    row = asdict(vital)
    connection.execute(upsert(vitals).values(**row).on_conflict_do_update(index_elements=["at"], set_=row))
    if before is None or _day_of(before) != _day_of(vital.at):
        condense(connection, vital.at)


def condense(connection: Connection, now: datetime) -> None:
    """Of each day that is more than IN_FULL ago only its worst is kept, and beyond ALWAYS_KEPT nothing for longer than KEPT."""
    old = _day_of(now - IN_FULL)
    query = select(vitals).where(vitals.c.at < old).order_by(vitals.c.at)
    days: dict[datetime, list[Vital]] = {}
    for row in connection.execute(query):
        days.setdefault(_day_of(row.at), []).append(_vital(row))
    for day, found in days.items():
        if len(found) > 1 or found[0].at != day:
            connection.execute(delete(vitals).where(vitals.c.at >= day, vitals.c.at < day + _DAY))
            connection.execute(insert(vitals).values(**asdict(worst_of(day, found))))
    floor = connection.scalar(
        select(vitals.c.at).order_by(vitals.c.at.desc()).offset(ALWAYS_KEPT - 1).limit(1)
    )
    if floor is not None:
        connection.execute(delete(vitals).where(vitals.c.at < min(floor, _day_of(now - KEPT))))


def worst_of(day: datetime, found: list[Vital]) -> Vital:
    """The hottest, the fullest, the busiest of a day's readings, dated by its begin (UTC)."""
    fullest = min(found, key=lambda one: one.disk_free)
    return Vital(
        at=day,
        temperature_c=max(
            (one.temperature_c for one in found if one.temperature_c is not None), default=None
        ),
        slowed=_any(one.slowed for one in found),
        weak_power=_any(one.weak_power for one in found),
        disk_free=fullest.disk_free,
        disk_total=fullest.disk_total,
        memory_free=min((one.memory_free for one in found if one.memory_free is not None), default=None),
        load=max((one.load for one in found if one.load is not None), default=None),
    )


def since(connection: Connection, moment: datetime) -> list[Vital]:
    """Readings from a moment on, oldest first."""
    query = select(vitals).where(vitals.c.at >= moment).order_by(vitals.c.at)
    return [_vital(row) for row in connection.execute(query)]


def _any(told: Any) -> bool | None:
    """True if one is, False if all that is known is not, None if nothing is known."""
    known = [one for one in told if one is not None]
    return any(known) if known else None


def _day_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _vital(row: Row[*tuple[Any, ...]]) -> Vital:
    return Vital(**row._mapping)
