"""Messages on their way out of the box."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from fieldbox.domain import Message
from fieldbox.storage.schema import messages

DELIVERED: Final = "done"
"""The state of a message that has arrived."""


def add(connection: Connection, message: Message, survey_number: int | None) -> None:
    """Put a message into the outbox."""
    connection.execute(
        insert(messages).values(
            id=message.id,
            kind=message.kind,
            body=message.body,
            state=message.state,
            attempts=message.attempts,
            created_at=message.created_at,
            survey_number=survey_number,
        )
    )


def deliver(connection: Connection, message_id: str) -> None:
    """A message has arrived."""
    connection.execute(
        update(messages).where(messages.c.id == message_id).values(state=DELIVERED, next_try=None)
    )


def send_again(connection: Connection, message_id: str) -> None:
    """Let a message wait for a link once more."""
    connection.execute(
        update(messages).where(messages.c.id == message_id).values(state="waiting", attempts=0, next_try=None)
    )


def listed(connection: Connection, state: str | None) -> list[Message]:
    """Messages in a state, or all: the most urgent first, then the oldest."""
    query = select(messages).order_by(messages.c.priority, messages.c.id)
    if state is not None:
        query = query.where(messages.c.state == state)
    return [_message(row) for row in connection.execute(query)]


def by_id(connection: Connection, message_id: str) -> Message | None:
    """One message."""
    row = connection.execute(select(messages).where(messages.c.id == message_id)).one_or_none()
    return None if row is None else _message(row)


def _message(row: Row[*tuple[Any, ...]]) -> Message:
    return Message(row.id, row.kind, row.body, row.state, row.attempts, row.created_at)
