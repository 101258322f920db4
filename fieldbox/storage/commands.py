"""What the hub told the box to do: each command is followed once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, Integer, delete, insert, literal_column, select

from fieldbox.storage.rows import Command
from fieldbox.storage.schema import commands

KEPT: Final = 4000
"""Commands that are remembered, the last that came: ten a day for as long as one is followed. Counted, and not a matter of age: a
clock that is years ahead for a while must not make the box forget what it did, and do it again."""
_CAME: ColumnElement[int] = literal_column("rowid", Integer)
"""SQLite's own count of the rows: their order, whatever the clock said."""


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
    last = select(_CAME).select_from(commands).order_by(_CAME.desc()).limit(1).offset(KEPT)
    connection.execute(delete(commands).where(last.scalar_subquery() >= _CAME))


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
