"""Messages that arrived: each once, and which of them stand.

Which messages stand does not depend on the order in which they come: a message that is told of as replaced before it came is
replaced when it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fieldbox.domain import MessageKind
from fieldbox.hub.rows import Arrival, Arriving, Received, Way
from fieldbox.hub.schema import messages, replaced
from fieldbox.storage.portions import portions
from fieldbox.wire.ids import TIME_DIGITS, made_at

_OF_A_RANGE: Final = frozenset({MessageKind.BOX})
"""Kinds that name the first and the last of those they replace."""


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row unless one with its key is there; whether it was inserted."""
    made: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = made.insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(added).first() is not None


def add(connection: Connection, arrival: Arrival) -> int:
    """Keep the messages of an arrival that are new; how many were. The caller has locked the box."""
    known = _known(connection, arrival)
    new = [one for one in arrival.taken if one.id not in known]
    if arrival.how is Way.COURIER:
        _carried(connection, arrival, known)
    if new:
        connection.execute(insert(messages), [_row(arrival, one) for one in new])
    for one in new:
        _replace(connection, arrival.box, one)
    _told_again(connection, arrival.box, new)
    _replaced_before(connection, arrival.box, new)
    return len(new)


def _known(connection: Connection, arrival: Arrival) -> set[str]:
    known: set[str] = set()
    for some in portions([one.id for one in arrival.taken]):
        query = select(messages.c.id).where(messages.c.box == arrival.box, messages.c.id.in_(some))
        known.update(connection.scalars(query))
    return known


def _carried(connection: Connection, arrival: Arrival, known: Collection[str]) -> None:
    for some in portions(sorted(known)):
        those = (messages.c.box == arrival.box) & messages.c.id.in_(some)
        connection.execute(update(messages).where(those).values(carried_at=arrival.at))


def _row(arrival: Arrival, one: Arriving) -> dict[str, Any]:
    first, last = (min(one.replaces), max(one.replaces)) if _is_range(one) else (None, None)
    return {
        "box": arrival.box,
        "id": one.id,
        "kind": one.kind.value,
        "body": one.body,
        "made_at": made_at(one.id),
        "received_at": arrival.at,
        "how": arrival.how.value,
        "frame": arrival.frame,
        "carried_at": arrival.at if arrival.how is Way.COURIER else None,
        "replaces_first": first,
        "replaces_last": last,
    }


def _is_range(one: Arriving) -> bool:
    return one.kind in _OF_A_RANGE and len(one.replaces) > 1


def _replace(connection: Connection, box: str, one: Arriving) -> None:
    """Let those that `one` replaces stand no more. A message replaces only earlier ones of its own kind."""
    earlier = [other for other in one.replaces if other < one.id]
    if not earlier:
        return
    same = (messages.c.box == box) & (messages.c.kind == one.kind.value) & messages.c.replaced_by.is_(None)
    which = messages.c.id.in_(earlier)
    if _is_range(one):
        which = messages.c.id.between(min(earlier), max(earlier))
    else:
        for other in earlier:
            row = {"box": box, "id": other, "kind": one.kind.value, "by": one.id}
            insert_new(connection, replaced, row)
    connection.execute(update(messages).where(same, which).values(replaced_by=one.id))


def _told_again(connection: Connection, box: str, new: Collection[Arriving]) -> None:
    """The same content under a later id, as of a box whose disk was restored from a copy and that made a survey once more: the
    last one stands. Such a box does not know what it said before, and names none of it as replaced."""
    key = func.substr(messages.c.id, TIME_DIGITS + 1)
    last: dict[tuple[str, str], str] = {}
    for some in portions([one.id[TIME_DIGITS:] for one in new]):
        same = (messages.c.box == box) & messages.c.replaced_by.is_(None) & key.in_(some)
        for row in connection.execute(
            select(messages.c.id, messages.c.kind).where(same).order_by(messages.c.id.desc())
        ):
            content = (row.kind, row.id[TIME_DIGITS:])
            if content in last:
                earlier = (messages.c.box == box) & (messages.c.id == row.id)
                connection.execute(update(messages).where(earlier).values(replaced_by=last[content]))
            last.setdefault(content, row.id)


def _replaced_before(connection: Connection, box: str, new: Collection[Arriving]) -> None:
    """Let those of `new` not stand in whose place one goes that came before them."""
    found = [
        (one.id, by) for one in new if one.kind in _OF_A_RANGE and (by := _range_over(connection, box, one))
    ]
    kinds = {one.id: one.kind.value for one in new}
    for some in portions(list(kinds)):
        told = select(replaced).where(replaced.c.box == box, replaced.c.id.in_(some))
        found += [(row.id, row.by) for row in connection.execute(told) if row.kind == kinds[row.id]]
    for identity, by in found:
        one = (messages.c.box == box) & (messages.c.id == identity) & messages.c.replaced_by.is_(None)
        connection.execute(update(messages).where(one).values(replaced_by=by))


def _range_over(connection: Connection, box: str, one: Arriving) -> str | None:
    query = select(func.min(messages.c.id)).where(
        messages.c.box == box,
        messages.c.kind == one.kind.value,
        messages.c.replaces_last >= one.id,
        messages.c.replaces_first <= one.id,
        messages.c.id > one.id,
    )
    over: str | None = connection.execute(query).scalar_one()
    return over


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
