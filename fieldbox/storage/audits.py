"""The record of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select

from fieldbox.domain import AuditFilter
from fieldbox.storage.rows import AuditEntry
from fieldbox.storage.schema import audit

ALWAYS_KEPT: Final = 1000
"""Of the newest rows none goes for its age: a clock that runs years ahead would take all of them."""


def note(connection: Connection, actor: str, action: str, detail: str, now: datetime) -> None:
    """Write down who did what."""
    connection.execute(insert(audit).values(at=now, actor=actor, action=action, detail=detail))


def page(connection: Connection, limit: int, wanted: AuditFilter) -> list[AuditEntry]:
    """The last entries of those that are wanted, newest first."""
    query = select(audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.detail)
    query = query.where(*_conditions(wanted)).order_by(audit.c.id.desc()).limit(limit)
    return [AuditEntry(*row) for row in connection.execute(query)]


def actors(connection: Connection) -> list[str]:
    """Everybody who stands in the record, by name."""
    query = select(audit.c.actor).distinct().order_by(audit.c.actor)
    return list(connection.execute(query).scalars())


def trim(connection: Connection, before: datetime, most: int) -> int:
    """Remove what is older than `before`, and the oldest beyond `most` rows; how many went."""
    ids = select(audit.c.id).order_by(audit.c.id.desc())
    floor, ceiling = (connection.execute(ids.offset(many).limit(1)).scalar() for many in (ALWAYS_KEPT, most))
    if floor is None:
        return 0
    old = and_(audit.c.id <= floor, audit.c.at < before)
    gone = old if ceiling is None else or_(old, audit.c.id <= ceiling)
    return connection.execute(delete(audit).where(gone)).rowcount


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.actors is not None:
        found.append(audit.c.actor.in_(wanted.actors))
    if wanted.actions is not None:
        there = audit.c.action.in_(wanted.actions)
        found.append(~there if wanted.other_than else there)
    if wanted.before is not None:
        found.append(audit.c.id < wanted.before)
    return found
