"""Keys of programs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from fieldbox.domain import ApiToken, Right
from fieldbox.storage.schema import api_tokens

NOTED_EVERY: Final = timedelta(hours=1)
"""The last use is written down at most so often."""


def add(
    connection: Connection,
    token_hash: str,
    name: str,
    user_id: int,
    scopes: Collection[Right],
    expires_at: datetime | None,
    now: datetime,
) -> ApiToken:
    """Keep the hash of a new key."""
    row = {"token_hash": token_hash, "name": name, "user_id": user_id, "scopes": sorted(scopes)}
    made = insert(api_tokens).values(**row, created_at=now, expires_at=expires_at).returning(api_tokens)
    return _token(connection.execute(made).one())


def every(connection: Connection, user_id: int | None = None) -> list[ApiToken]:
    """All keys, or those of one person, newest first."""
    query = select(api_tokens).order_by(api_tokens.c.id.desc())
    if user_id is not None:
        query = query.where(api_tokens.c.user_id == user_id)
    return [_token(row) for row in connection.execute(query)]


def valid(connection: Connection, token_hash: str, now: datetime) -> ApiToken | None:
    """The key of that hash, unless it was revoked or has run out."""
    row = connection.execute(
        select(api_tokens).where(
            api_tokens.c.token_hash == token_hash,
            api_tokens.c.revoked_at.is_(None),
            or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now),
        )
    ).one_or_none()
    return None if row is None else _token(row)


def note_use(connection: Connection, token_id: int, now: datetime) -> None:
    """Write down that a key was used."""
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(last_used_at=now))


def revoke(connection: Connection, token_id: int, now: datetime) -> bool:
    """Make a key void; False: there is no such one, or it is void."""
    still = update(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
    return connection.execute(still.values(revoked_at=now)).rowcount > 0


def _token(row: Row[*tuple[Any, ...]]) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        user_id=row.user_id,
        scopes=frozenset(Right(one) for one in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
