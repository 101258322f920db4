"""Messages on their way out of the box."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from fieldbox.domain import OPEN, PRIORITY, Message, MessageKind, MessageState, Outgoing
from fieldbox.i18n import N_, Sentence
from fieldbox.retrying import is_due, pause
from fieldbox.storage.schema import messages, surveys
from fieldbox.wire.ids import TIME_DIGITS, message_id

MOST_REPLACED: Final = 16
"""Ids of earlier analyses that a message names; nobody analyses a flight that often."""
_OPEN = [state.value for state in OPEN]
_OF_A_RANGE = frozenset({MessageKind.BOX})
"""Kinds that name the first and the last of those they replace, since there may be hundreds."""


def add(connection: Connection, outgoing: Outgoing, survey_number: int | None, now: datetime) -> str:
    """Put a message into the outbox in place of what still waits of its subject; its id."""
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
    return identity


def _supersede(connection: Connection, outgoing: Outgoing) -> Sequence[str]:
    """Let no earlier message of its subject go any more; the ids that the hub is told."""
    if outgoing.subject is None:
        return ()
    same = and_(messages.c.subject == outgoing.subject, messages.c.kind == outgoing.kind.value)
    known = same & (messages.c.state != MessageState.REFUSED.value)
    earlier = connection.scalars(select(messages.c.id).where(known).order_by(messages.c.id)).all()
    connection.execute(
        update(messages)
        .where(same, messages.c.state.in_(_OPEN))
        .values(state=MessageState.SUPERSEDED.value, next_try=None)
    )
    if outgoing.kind in _OF_A_RANGE:
        return (earlier[0], earlier[-1]) if earlier else ()
    return earlier[-MOST_REPLACED:]


def due(
    connection: Connection, now: datetime, limit: int, kinds: Collection[MessageKind] | None
) -> list[Message]:
    """Open messages that may go: the most urgent first, then the newest."""
    query = (
        select(messages)
        .where(messages.c.state.in_(_OPEN), or_(messages.c.expires_at.is_(None), messages.c.expires_at > now))
        .order_by(messages.c.priority, messages.c.id.desc())
    )
    if kinds is not None:
        query = query.where(messages.c.kind.in_([kind.value for kind in kinds]))
    found: list[Message] = []
    for row in connection.execute(query):
        if is_due(row.next_try, now):
            found.append(_message(row))
        if len(found) == limit:
            break
    return found


def mark_sent(
    connection: Connection, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime
) -> None:
    """They were handed to a link in one frame of `size` bytes."""
    share = -(-size // max(1, len(ids)))
    for row in connection.execute(select(messages).where(messages.c.id.in_(ids), _open())).all():
        attempts = row.attempts + 1
        connection.execute(
            update(messages)
            .where(messages.c.id == row.id)
            .values(
                state=MessageState.SENT.value,
                attempts=attempts,
                next_try=now + pause(attempts, row.id),
                sent_at=now,
                carrier=carrier,
                batch=batch,
                bytes_sent=row.bytes_sent + share,
            )
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
    for one, why in refused.items():
        changed += _refuse(connection, [one], N_("The hub cannot read it ({why})."), why=why)
    arrived = or_(messages.c.batch.in_(batches), messages.c.id.in_(ids))
    left = messages.c.state.in_([*_OPEN, MessageState.SUPERSEDED.value])
    done = connection.execute(
        update(messages)
        .where(arrived, left, messages.c.id.not_in(list(refused)))
        .values(state=MessageState.ACKNOWLEDGED.value, acknowledged_at=now, next_try=None)
    )
    return changed + done.rowcount


def expire(connection: Connection, now: datetime) -> int:
    """Give up what came to the end of its time; how many."""
    over = connection.scalars(select(messages.c.id).where(_open(), messages.c.expires_at <= now)).all()
    return _refuse(connection, over, N_("It came to the end of its time before a link carried it."))


def _refuse(connection: Connection, ids: Iterable[str], template: str, **params: str) -> int:
    return connection.execute(
        update(messages)
        .where(messages.c.id.in_(list(ids)), _open())
        .values(state=MessageState.REFUSED.value, why=Sentence(template, params), next_try=None)
    ).rowcount


def send_again(connection: Connection, ids: Collection[str]) -> int:
    """Let messages wait for a link once more, whatever became of them; how many there are."""
    return connection.execute(
        update(messages)
        .where(messages.c.id.in_(list(ids)))
        .values(state=MessageState.WAITING.value, attempts=0, next_try=None, why=None)
    ).rowcount


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
        query = query.where(messages.c.state == state.value)
    return [_message(row) for row in connection.execute(query)]


def page(connection: Connection, limit: int, before: str | None) -> list[Message]:
    """The newest messages, or the next older than `before`."""
    query = select(messages).order_by(messages.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(messages.c.id < before)
    return [_message(row) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[MessageState, int]:
    """How many messages there are in each state."""
    query = select(messages.c.state, func.count()).group_by(messages.c.state)
    found = {MessageState(state): number for state, number in connection.execute(query)}
    return {state: found.get(state, 0) for state in MessageState}


def by_id(connection: Connection, identity: str) -> Message | None:
    """One message."""
    row = connection.execute(select(messages).where(messages.c.id == identity)).one_or_none()
    return None if row is None else _message(row)


def _open() -> ColumnElement[bool]:
    return messages.c.state.in_(_OPEN)


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
