"""Messages that arrived: each once, and which of them stand.

Which messages stand does not depend on the order in which they come: a message that is told of as replaced before it came is
replaced when it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fieldbox.domain import MessageKind
from fieldbox.hub.rows import Arrival, Arriving, Received, Way
from fieldbox.hub.schema import messages, replaced
from fieldbox.wire.ids import made_at

_OF_A_RANGE: Final = frozenset({MessageKind.BOX})
"""Kinds that name the first and the last of those they replace."""


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row unless one with its key is there; whether it was inserted."""
    made: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = made.insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(added).first() is not None


def add(connection: Connection, arrival: Arrival) -> int:
    """Keep the messages of an arrival that are new; how many were."""
    return sum(_add(connection, arrival, one) for one in arrival.taken)


def _add(connection: Connection, arrival: Arrival, one: Arriving) -> bool:
    ranged = one.kind in _OF_A_RANGE and len(one.replaces) > 1
    row = {
        "box": arrival.box,
        "id": one.id,
        "kind": one.kind.value,
        "body": one.body,
        "made_at": made_at(one.id),
        "received_at": arrival.at,
        "how": arrival.how.value,
        "frame": arrival.frame,
        "carried_at": arrival.at if arrival.how is Way.COURIER else None,
        "replaced_by": _replacement(connection, arrival.box, one),
        "replaces_first": min(one.replaces) if ranged else None,
        "replaces_last": max(one.replaces) if ranged else None,
    }
    if not insert_new(connection, messages, row):
        if arrival.how is Way.COURIER:
            known = (messages.c.box == arrival.box) & (messages.c.id == one.id)
            connection.execute(update(messages).where(known).values(carried_at=arrival.at))
        return False
    _replace(connection, arrival.box, one, ranged=ranged)
    return True


def _replacement(connection: Connection, box: str, one: Arriving) -> str | None:
    """The id of a message that came before `one` and goes in its place."""
    told = select(replaced.c.by).where(
        replaced.c.box == box, replaced.c.id == one.id, replaced.c.kind == one.kind.value
    )
    over = select(func.min(messages.c.id)).where(
        messages.c.box == box,
        messages.c.kind == one.kind.value,
        messages.c.replaces_last >= one.id,
        messages.c.replaces_first <= one.id,
        messages.c.id > one.id,
    )
    named: str | None = connection.execute(told).scalar_one_or_none()
    ranged: str | None = connection.execute(over).scalar_one() if one.kind in _OF_A_RANGE else None
    return named or ranged


def _replace(connection: Connection, box: str, one: Arriving, *, ranged: bool) -> None:
    """Let those that `one` replaces stand no more. A message replaces only earlier ones of its own kind."""
    same = (messages.c.box == box) & (messages.c.kind == one.kind.value) & messages.c.replaced_by.is_(None)
    earlier = [other for other in one.replaces if other < one.id]
    if not earlier:
        return
    if ranged:
        which = messages.c.id.between(min(earlier), max(earlier))
    else:
        which = messages.c.id.in_(earlier)
        for other in earlier:
            insert_new(connection, replaced, {"box": box, "id": other, "kind": one.kind.value, "by": one.id})
    connection.execute(update(messages).where(same, which).values(replaced_by=one.id))


def listed(
    connection: Connection,
    *,
    kinds: Collection[MessageKind] | None = None,
    box: str | None = None,
    standing: bool = True,
    limit: int | None = None,
) -> list[Received]:
    """Messages, the newest first; `standing`: only those in whose place no other goes."""
    query = select(messages).order_by(messages.c.made_at.desc(), messages.c.box, messages.c.id.desc())
    if kinds is not None:
        query = query.where(messages.c.kind.in_([kind.value for kind in kinds]))
    if box is not None:
        query = query.where(messages.c.box == box)
    if standing:
        query = query.where(messages.c.replaced_by.is_(None))
    if limit is not None:
        query = query.limit(limit)
    return [_received(row) for row in connection.execute(query)]


def count(connection: Connection) -> int:
    """How many messages there are, replaced ones among them."""
    return connection.execute(select(func.count()).select_from(messages)).scalar_one()


def carried_since(connection: Connection, box: str, since: datetime, limit: int) -> Sequence[str]:
    """Ids of a box's messages that a courier brought since a moment, the newest first."""
    query = (
        select(messages.c.id)
        .where(messages.c.box == box, messages.c.carried_at >= since)
        .order_by(messages.c.carried_at.desc(), messages.c.id.desc())
        .limit(limit)
    )
    return connection.scalars(query).all()


def _received(row: Row[*tuple[Any, ...]]) -> Received:
    return Received(
        box=row.box,
        id=row.id,
        kind=MessageKind(row.kind),
        body=row.body,
        made_at=row.made_at,
        received_at=row.received_at,
        how=Way(row.how),
        frame=row.frame,
        replaced_by=row.replaced_by,
    )
