"""What the hub tells boxes. A command goes again until its box has answered it, or it is too old to be followed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from fieldbox.hub.rows import Command
from fieldbox.hub.schema import boxes, commands
from fieldbox.wire.down import VALID_FOR


def add(connection: Connection, command: Command) -> None:
    """Let a command wait for its box."""
    connection.execute(
        insert(commands).values(
            box=command.box,
            id=command.id,
            kind=command.kind,
            body=dict(command.body),
            sealed=command.sealed,
            made_at=command.made_at,
        )
    )


def waiting(
    connection: Connection, box: str, now: datetime, sent_before: datetime | None = None
) -> list[Command]:
    """Commands of a box that it has not answered, oldest first; with `sent_before`, those that were not sent since."""
    query = select(commands).where(
        commands.c.box == box, commands.c.answered_at.is_(None), commands.c.made_at > now - VALID_FOR
    )
    if sent_before is not None:
        query = query.where(or_(commands.c.sent_at.is_(None), commands.c.sent_at <= sent_before))
    return [_command(row) for row in connection.execute(query.order_by(commands.c.made_at, commands.c.id))]


def never_sent(connection: Connection, now: datetime, limit: int) -> list[Command]:
    """Commands that were handed to nobody yet, oldest first."""
    query = (
        select(commands)
        .join(boxes, boxes.c.id == commands.c.box)
        .where(commands.c.sent_at.is_(None), commands.c.answered_at.is_(None), boxes.c.revoked_at.is_(None))
        .where(commands.c.made_at > now - VALID_FOR)
        .order_by(commands.c.made_at, commands.c.id)
        .limit(limit)
    )
    return [_command(row) for row in connection.execute(query)]


def mark_sent(connection: Connection, ids: Collection[str], now: datetime) -> None:
    """They were handed to the broker or a stick."""
    connection.execute(update(commands).where(commands.c.id.in_(ids)).values(sent_at=now))


def answer(connection: Connection, box: str, answers: Mapping[str, str], now: datetime) -> None:
    """Commands (by their ids) that messages of their box answer; a box answers only its own."""
    for command, message in answers.items():
        one = (commands.c.id == command) & (commands.c.box == box) & commands.c.answered_at.is_(None)
        connection.execute(update(commands).where(one).values(answered_at=now, answer=message))


def listed(connection: Connection, box: str | None) -> Sequence[Command]:
    """Commands of a box or of all, the newest first."""
    query = select(commands).order_by(commands.c.made_at.desc(), commands.c.id)
    if box is not None:
        query = query.where(commands.c.box == box)
    return [_command(row) for row in connection.execute(query)]


def _command(row: Row[*tuple[Any, ...]]) -> Command:
    return Command(
        box=row.box,
        id=row.id,
        kind=row.kind,
        body=row.body,
        sealed=bytes(row.sealed),
        made_at=row.made_at,
        sent_at=row.sent_at,
        answered_at=row.answered_at,
        answer=row.answer,
    )
