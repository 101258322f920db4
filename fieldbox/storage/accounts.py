"""People, their one-time links, settings, and the record of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Role
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.storage.rows import AuditEntry, User
from fieldbox.storage.schema import audit, login_tokens, settings, users


def add_user(connection: Connection, name: str, password_hash: str, role: Role, now: datetime) -> User:
    """Add a person."""
    if user_by_name(connection, name) is not None:
        raise Rejected(N_("There is a user named {name} already; choose another name."), name=name)
    row = {"name": name, "password_hash": password_hash, "role": role.value}
    return _as_user(connection.execute(insert(users).values(**row, created_at=now).returning(users)).one())


def user_by_id(connection: Connection, user_id: int) -> User | None:
    """One person."""
    return _user(connection, users.c.id == user_id)


def user_by_name(connection: Connection, name: str) -> User | None:
    """One person; case does not matter."""
    return _user(connection, users.c.name == name)


def all_users(connection: Connection) -> list[User]:
    """Everybody, by name."""
    return [_as_user(row) for row in connection.execute(select(users).order_by(users.c.name))]


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Change a password; links that still wait to be used are void."""
    changed = update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    if connection.execute(changed).rowcount == 0:
        raise Rejected(N_("There is no user number {number}; look at the list of users."), number=user_id)
    connection.execute(delete(login_tokens).where(login_tokens.c.user_id == user_id))


def add_login_token(
    connection: Connection, token_hash: str, user_id: int, expires_at: datetime, now: datetime
) -> None:
    """Keep a one-time link, and clear away those that ran out."""
    connection.execute(delete(login_tokens).where(login_tokens.c.expires_at < now))
    row = {"token_hash": token_hash, "user_id": user_id, "expires_at": expires_at}
    connection.execute(insert(login_tokens).values(**row))


def use_login_token(connection: Connection, token_hash: str, now: datetime) -> int | None:
    """Use a link up; whose it was, None if it is unknown, used or too old."""
    used = delete(login_tokens).where(login_tokens.c.token_hash == token_hash)
    row = connection.execute(used.returning(login_tokens.c.user_id, login_tokens.c.expires_at)).one_or_none()
    return row.user_id if row is not None and now <= row.expires_at else None


def setting(connection: Connection, key: str) -> str | None:
    """One setting."""
    return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar_one_or_none()


def set_setting(connection: Connection, key: str, value: str) -> None:
    """Change a setting."""
    row = upsert(settings).values(key=key, value=value)
    connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def note(connection: Connection, actor: str, action: str, detail: str, now: datetime) -> None:
    """Write down who did what."""
    connection.execute(insert(audit).values(at=now, actor=actor, action=action, detail=detail))


def notes(connection: Connection, limit: int) -> list[AuditEntry]:
    """The last entries, newest first."""
    query = select(audit.c.at, audit.c.actor, audit.c.action, audit.c.detail).order_by(audit.c.id.desc())
    return [AuditEntry(*row) for row in connection.execute(query.limit(limit))]


def _user(connection: Connection, which: ColumnElement[bool]) -> User | None:
    row = connection.execute(select(users).where(which)).one_or_none()
    return None if row is None else _as_user(row)


def _as_user(row: Row[*tuple[Any, ...]]) -> User:
    return User(row.id, row.name, row.password_hash, Role(row.role), row.created_at, row.active, row.seen_at)
