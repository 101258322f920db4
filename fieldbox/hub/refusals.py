"""What was sent to the hub and not taken: each once, with how often it came, and no more of them than fit on a page or two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select, update

from fieldbox.hub.messages import insert_new
from fieldbox.hub.rows import Refused
from fieldbox.hub.schema import messages, refused

MOST: Final = 10_000
"""Rows that are kept: nobody fills the hub's disk with what it does not take."""


def add(connection: Connection, what: Refused) -> None:
    """Note something that was refused, or that it came again."""
    row = {
        "digest": what.digest,
        "message": what.message,
        "box": what.box,
        "why": what.why,
        "how": what.how,
        "at": what.at,
    }
    if insert_new(connection, refused, row):
        _trim(connection)
        return
    same = (refused.c.digest == what.digest) & (refused.c.message == what.message)
    connection.execute(update(refused).where(same).values(at=what.at, times=refused.c.times + 1))


def _trim(connection: Connection) -> None:
    newest = select(refused.c.id).order_by(refused.c.id.desc()).offset(MOST).limit(1)
    last = connection.execute(newest).scalar_one_or_none()
    if last is not None:
        connection.execute(delete(refused).where(refused.c.id <= last))


def listed(connection: Connection, limit: int) -> list[Refused]:
    """What was refused last, the newest first."""
    query = select(refused).order_by(refused.c.at.desc(), refused.c.id.desc()).limit(limit)
    return [
        Refused(row.digest, row.message, row.box, row.why, row.how, row.at, row.times)
        for row in connection.execute(query)
    ]


def of_box(connection: Connection, box: str, how: str, since: datetime) -> Mapping[str, str]:
    """Why messages of a box that came over `how` since a moment cannot be read, by their ids; not of those that could later."""
    kept = select(messages.c.id).where(messages.c.box == box)
    query = select(refused.c.message, refused.c.why).where(
        refused.c.box == box,
        refused.c.how == how,
        refused.c.at >= since,
        refused.c.message != "",
        refused.c.message.not_in(kept),
    )
    return {row.message: row.why for row in connection.execute(query)}


def noted(digest: str, why: str, how: str, at: datetime, *, box: str = "", message: str = "") -> Refused:
    """Something to be noted as refused once."""
    return Refused(digest, message, box, why, how, at, 1)
