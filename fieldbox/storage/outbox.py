"""Messages on their way out of the box.

What is settled is kept for people to look at, the newest of each kind; what tells of a survey is kept with it. How many are
kept is counted and not a matter of age: the clock of a box without a link may be years off.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from fieldbox.domain import LEFT, OPEN, PRIORITY, Message, MessageKind, MessageState, Outgoing
from fieldbox.domain.messages import MOST_REPLACED, OVER, TRIES_AT_ONCE, UNREADABLE, shares
from fieldbox.i18n import Sentence
from fieldbox.retrying import furthest, pause
from fieldbox.storage.portions import portions
from fieldbox.storage.schema import messages, surveys
from fieldbox.wire.ids import TIME_DIGITS, message_id

KEPT: Final = {
    MessageKind.ALERT: 400,
    MessageKind.ANSWER: 400,
    MessageKind.BOX: 400,
    MessageKind.PICTURE: 20,
}
"""How many settled messages of a kind are kept: a year of daily health reports; pictures are large."""
_OF_A_RANGE = frozenset({MessageKind.BOX})
"""Kinds that name the first and the last of those they replace, since there may be hundreds."""

# Literal, as SQLite uses an index of a part of a table only for a condition that reads as the index's own.
_LITERALLY_OPEN: BindParameter[Any] = bindparam(
    "open", [state.value for state in OPEN], expanding=True, literal_execute=True
)


def add(connection: Connection, outgoing: Outgoing, survey_number: int | None, now: datetime) -> str:
    """Put a message into the outbox in place of what still waits of its subject; its id. Raises ValueError for a wrong key."""
    last = connection.execute(select(func.max(messages.c.id))).scalar_one()
    identity = message_id(now, outgoing.key, last)
    connection.execute(
        insert(messages).values(
            id=identity,
            kind=outgoing.kind.value,
            priority=PRIORITY[outgoing.kind],
            body=outgoing.body,
            state=MessageState.WAITING.value,
            attempts=0,
            created_at=now,
            survey_number=survey_number,
            subject=outgoing.subject,
            replaces=list(_supersede(connection, outgoing)) or None,
            expires_at=outgoing.expires_at,
        )
    )
    _prune(connection, outgoing.kind)
    return identity


def tell(connection: Connection, told: Iterable[Outgoing], survey_number: int | None, now: datetime) -> None:
    """Put what is told of a survey into the outbox; of what only withdraws, as much as somebody may have heard of."""
    for one in told:
        if not one.withdraws or withdraw(connection, one):
            add(connection, one, survey_number, now)


def withdraw(connection: Connection, outgoing: Outgoing) -> bool:
    """Let no earlier message of its subject go any more; whether `outgoing` has to say it: one has left the box, and the hub has
    not said yet that it has another one which says the same."""
    same = and_(messages.c.subject == outgoing.subject, messages.c.kind == outgoing.kind.value)
    connection.execute(
        update(messages).where(same, is_open()).values(state=MessageState.SUPERSEDED.value, next_try=None)
    )
    left = and_(same, messages.c.sent_at.is_not(None), messages.c.state != MessageState.REFUSED.value)
    said = select(messages.c.body, messages.c.state).where(left).order_by(messages.c.id.desc()).limit(1)
    newest = connection.execute(said).first()
    if newest is None:
        return False
    known = newest.state == MessageState.ACKNOWLEDGED.value and _reasons(newest.body) == _reasons(
        outgoing.body
    )
    return not known


def _reasons(body: str) -> Any:
    """Of an alert; one without any withdraws those before it."""
    return json.loads(body).get("why")


def _supersede(connection: Connection, outgoing: Outgoing) -> Sequence[str]:
    """Let no earlier message of its subject go any more; the ids that the hub is told."""
    if outgoing.subject is None:
        return ()
    same = and_(messages.c.subject == outgoing.subject, messages.c.kind == outgoing.kind.value)
    replaced = _range(connection, same) if outgoing.kind in _OF_A_RANGE else _earlier(connection, same)
    connection.execute(
        update(messages).where(same, is_open()).values(state=MessageState.SUPERSEDED.value, next_try=None)
    )
    return replaced


def _earlier(connection: Connection, same: ColumnElement[bool]) -> Sequence[str]:
    known = same & (messages.c.state != MessageState.REFUSED.value)
    newest = connection.scalars(
        select(messages.c.id).where(known).order_by(messages.c.id.desc()).limit(MOST_REPLACED)
    )
    return newest.all()[::-1]


def _range(connection: Connection, same: ColumnElement[bool]) -> Sequence[str]:
    """The first that the hub was not told to be replaced, and the last. Each one carries on what those before it had to tell."""
    last = connection.execute(select(messages).where(same).order_by(messages.c.id.desc()).limit(1)).first()
    if last is None:
        return ()
    told = last.state == MessageState.ACKNOWLEDGED.value or not last.replaces
    return (last.id if told else last.replaces[0], last.id)


def _prune(connection: Connection, kind: MessageKind) -> None:
    """Forget the oldest settled messages of a kind, but for those that tell of a survey (a picture is only of its ground)."""
    if kind not in KEPT:
        return
    mine = messages.c.kind == kind.value
    if kind is not MessageKind.PICTURE:
        mine &= messages.c.survey_number.is_(None)
    settled = mine & _settled()
    last = select(messages.c.id).where(settled).order_by(messages.c.id.desc()).limit(1).offset(KEPT[kind])
    connection.execute(delete(messages).where(settled, messages.c.id <= last.scalar_subquery()))


def due(
    connection: Connection, now: datetime, limit: int, kinds: Collection[MessageKind] | None
) -> list[Message]:
    """Open messages that may go: the most urgent first, then the newest."""
    again, over = messages.c.next_try, messages.c.expires_at
    query = (
        select(messages)
        .where(
            is_open(),
            or_(again.is_(None), again <= now, again > furthest(now)),  # as `retrying.is_due`
            or_(over.is_(None), over > now),
        )
        .order_by(messages.c.priority, messages.c.id.desc())
        .limit(limit)
    )
    if kinds is not None:
        query = query.where(messages.c.priority.in_([PRIORITY[kind] for kind in kinds]))
    return [_message(row) for row in connection.execute(query)]


def mark_sent(
    connection: Connection, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime
) -> None:
    """They were handed to a link in one frame of `size` bytes. What is open no more stays as it is."""
    share = dict(zip(ids, shares(size, len(ids)), strict=True)) if ids else {}
    rows = [
        {
            "one": row.id,
            "attempt": row.attempts + 1,
            "again": now + pause(row.attempts + 1, row.id),
            "more": share[row.id],
        }
        for part in portions(list(share))
        for row in connection.execute(
            select(messages.c.id, messages.c.attempts).where(_among(part), is_open())
        )
    ]
    if rows:
        connection.execute(
            update(messages)
            .where(messages.c.id == bindparam("one"))
            .values(
                state=MessageState.SENT.value,
                attempts=bindparam("attempt"),
                next_try=bindparam("again"),
                sent_at=now,
                carrier=carrier,
                batch=batch,
                bytes_sent=messages.c.bytes_sent + bindparam("more"),
            ),
            rows,
        )


def lost(connection: Connection, carrier: str, ids: Collection[str] | None) -> int:
    """The connection broke in which these (None: all) were handed over; how many may go again at once."""
    handed = (messages.c.state == MessageState.SENT.value) & (messages.c.carrier == carrier)
    handed &= messages.c.attempts < TRIES_AT_ONCE
    parts = [handed] if ids is None else [handed & _among(part) for part in portions(list(ids))]
    return sum(
        connection.execute(update(messages).where(those).values(next_try=None)).rowcount for those in parts
    )


def acknowledge(
    connection: Connection,
    now: datetime,
    *,
    batches: Collection[str],
    ids: Collection[str],
    refused: Mapping[str, str],
) -> int:
    """The hub has committed these, but for those it refused; how many rows changed."""
    changed = 0
    for why in set(refused.values()):
        unreadable = [one for one, told in refused.items() if told == why]
        for part in portions(unreadable):
            changed += _refuse(connection, _among(part) & _left(), Sentence(UNREADABLE, {"why": why}))
    arrived: list[ColumnElement[bool]] = [messages.c.batch.in_(part) for part in portions(list(batches))]
    arrived += [_among(part) for part in portions(list(ids))]
    for those in arrived:
        changed += connection.execute(
            update(messages)
            .where(those, _left())
            .values(state=MessageState.ACKNOWLEDGED.value, acknowledged_at=now, next_try=None)
        ).rowcount
    return changed


def expire(connection: Connection, now: datetime) -> int:
    """Give up what came to the end of its time; how many."""
    return _refuse(connection, is_open() & (messages.c.expires_at <= now), Sentence(OVER))


def _refuse(connection: Connection, those: ColumnElement[bool], why: Sentence) -> int:
    return connection.execute(
        update(messages).where(those).values(state=MessageState.REFUSED.value, why=why, next_try=None)
    ).rowcount


def send_again(connection: Connection, ids: Collection[str]) -> int:
    """Let messages go once more, whatever became of them, and without an end to their time; how many there are.

    A late confirmation of the frame in which one left before does not count.
    """
    return sum(
        connection.execute(
            update(messages)
            .where(_among(part))
            .values(
                state=MessageState.WAITING.value,
                attempts=0,
                next_try=None,
                expires_at=None,
                batch=None,
                acknowledged_at=None,
                why=None,
            )
        ).rowcount
        for part in portions(list(set(ids)))
    )


def of_survey(connection: Connection, survey_number: int) -> list[Message]:
    """The messages that tell of a survey, oldest first."""
    query = select(messages).where(messages.c.survey_number == survey_number).order_by(messages.c.id)
    return [_message(row) for row in connection.execute(query)]


def survey_of(connection: Connection, identity: str) -> str | None:
    """The id of the survey that a message tells of."""
    query = select(surveys.c.id).join(messages, messages.c.survey_number == surveys.c.number)
    return connection.execute(query.where(messages.c.id == identity)).scalar_one_or_none()


def told_of(connection: Connection, survey_number: int) -> list[Outgoing]:
    """What was told of a survey, to be told again."""
    last = {
        one.kind: one for one in of_survey(connection, survey_number) if one.kind is not MessageKind.PICTURE
    }
    return [
        Outgoing(one.kind, one.body, one.id[TIME_DIGITS:], one.subject, one.expires_at)
        for one in last.values()
    ]


def listed(connection: Connection, state: MessageState | None) -> list[Message]:
    """Messages in a state, or all: the most urgent first, then the newest."""
    query = select(messages).order_by(messages.c.priority, messages.c.id.desc())
    if state is not None:
        query = query.where(messages.c.state == state.value, is_open() if state in OPEN else _settled())
    return [_message(row) for row in connection.execute(query)]


def page(connection: Connection, limit: int, before: str | None) -> list[Message]:
    """The newest messages, or the next older than `before`."""
    query = select(messages).order_by(messages.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(messages.c.id < before)
    return [_message(row) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[MessageState, int]:
    """How many messages there are in each state."""
    asked = select(messages.c.state, func.count().label("number")).group_by(messages.c.state)
    rows = [row for part in (is_open(), _settled()) for row in connection.execute(asked.where(part))]
    found = {row.state: row.number for row in rows}
    return {state: found.get(state.value, 0) for state in MessageState}


def waits_since(connection: Connection) -> datetime | None:
    """When the first of the messages was made that must still go; None: there are none."""
    return connection.execute(select(func.min(messages.c.created_at)).where(is_open())).scalar_one()


def newest(connection: Connection, kind: MessageKind) -> Message | None:
    """The last message of a kind."""
    query = select(messages).where(messages.c.kind == kind.value).order_by(messages.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _message(row)


def by_id(connection: Connection, identity: str) -> Message | None:
    """One message."""
    row = connection.execute(select(messages).where(messages.c.id == identity)).one_or_none()
    return None if row is None else _message(row)


def is_open() -> ColumnElement[bool]:
    """Whether a message must still go; found by an index of its own."""
    return messages.c.state.in_(_LITERALLY_OPEN)


def _settled() -> ColumnElement[bool]:
    return messages.c.state.not_in(_LITERALLY_OPEN)


def _left() -> ColumnElement[bool]:
    return messages.c.state.in_([state.value for state in LEFT])


def _among(ids: Collection[str]) -> ColumnElement[bool]:
    return messages.c.id.in_(ids)


def _message(row: Row[*tuple[Any, ...]]) -> Message:
    return Message(
        id=row.id,
        kind=MessageKind(row.kind),
        body=row.body,
        state=MessageState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_try=row.next_try,
        subject=row.subject,
        replaces=tuple(row.replaces or ()),
        expires_at=row.expires_at,
        sent_at=row.sent_at,
        carrier=row.carrier,
        batch=row.batch,
        acknowledged_at=row.acknowledged_at,
        bytes_sent=row.bytes_sent,
        why=row.why,
    )
