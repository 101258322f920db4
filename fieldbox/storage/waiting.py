"""What waits in the outbox, counted: for whoever decides when to connect."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    cast,
    func,
    or_,
    select,
)

from fieldbox.domain import MessageKind, Waiting
from fieldbox.retrying import furthest
from fieldbox.storage.outbox import is_open
from fieldbox.storage.schema import messages


def now_due(connection: Connection, now: datetime) -> list[Waiting]:
    """What may go now, by kind."""
    size = func.sum(func.length(cast(messages.c.body, LargeBinary)))
    query = (
        select(
            messages.c.kind,
            func.count(),
            size,
            func.min(messages.c.created_at),
            func.max(messages.c.created_at),
        )
        .where(_open(now), or_(messages.c.next_try.is_(None), ~_held(now)))
        .group_by(messages.c.kind)
    )
    return [
        Waiting(MessageKind(kind), count, size, oldest, newest)
        for kind, count, size, oldest, newest in connection.execute(query)
    ]


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When the first of those may go that may not yet; None: there are none."""
    query = select(func.min(messages.c.next_try)).where(_open(now), _held(now))
    return connection.execute(query).scalar_one()


def since(connection: Connection, moment: datetime) -> list[str]:
    """Ids of messages that were made since, whatever became of them but for superseded ones."""
    query = select(messages.c.id).where(messages.c.created_at >= moment, messages.c.state != "superseded")
    return list(connection.scalars(query.order_by(messages.c.id)))


def _open(now: datetime) -> ColumnElement[bool]:
    lasting = or_(messages.c.expires_at.is_(None), messages.c.expires_at > now)
    return is_open() & lasting


def _held(now: datetime) -> ColumnElement[bool]:
    """Not yet, as `retrying.is_due` has it: no pause ends later than the longest."""
    return (messages.c.next_try > now) & (messages.c.next_try <= furthest(now))
