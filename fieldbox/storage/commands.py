"""What the hub told the box to do: each command is followed once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from fieldbox.storage.rows import Command
from fieldbox.storage.schema import commands
from fieldbox.wire.down import VALID_FOR

_LONGER = timedelta(days=30)
"""Than it is followed is a command remembered: clocks differ."""


def is_known(connection: Connection, identity: str) -> bool:
    """Whether a command came before."""
    query = select(commands.c.id).where(commands.c.id == identity)
    return connection.execute(query).scalar_one_or_none() is not None


def add(connection: Connection, command: Command) -> None:
    """Keep what came of a command, and forget those that are too old to be followed again."""
    connection.execute(
        insert(commands).values(
            id=command.id,
            kind=command.kind,
            body=dict(command.body),
            issued_at=command.issued_at,
            received_at=command.received_at,
            state="done" if command.done else "refused",
            why=command.why,
        )
    )
    old = command.received_at - VALID_FOR - _LONGER
    connection.execute(delete(commands).where(commands.c.issued_at < old, commands.c.id != command.id))


def listed(connection: Connection, limit: int) -> list[Command]:
    """The last ones, newest first."""
    query = select(commands).order_by(commands.c.received_at.desc(), commands.c.id).limit(limit)
    return [
        Command(
            id=row.id,
            kind=row.kind,
            body=row.body,
            issued_at=row.issued_at,
            received_at=row.received_at,
            done=row.state == "done",
            why=row.why,
        )
        for row in connection.execute(query)
    ]


__all__ = ["add", "is_known", "listed"]
