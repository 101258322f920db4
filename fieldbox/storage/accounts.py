"""People, their one-time links, and settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Role
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.storage.rows import User
from fieldbox.storage.schema import api_tokens, login_tokens, settings, users


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


def rename_user(connection: Connection, user_id: int, name: str) -> User:
    """Give a person another name."""
    other = user_by_name(connection, name)
    if other is not None and other.id != user_id:
        raise Rejected(N_("There is a user named {name} already; choose another name."), name=name)
    _there(connection, user_id)
    return _changed(connection, user_id, name=name)


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Change a password; sessions, and links that still wait to be used, are void."""
    found = _there(connection, user_id)
    _changed(connection, user_id, password_hash=password_hash, sessions=found.sessions + 1)
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


def set_role(connection: Connection, user_id: int, role: Role) -> User:
    """Give a person another role. Raises Rejected where no owner who can log in would be left."""
    found = _there(connection, user_id)
    if role is not Role.OWNER:
        _keep_an_owner(connection, found)
    return _changed(connection, user_id, role=role.value)


def shut_out(connection: Connection, user_id: int, now: datetime) -> User:
    """End a person's sessions, links and keys. Raises Rejected where no owner who can log in would be left."""
    found = _there(connection, user_id)
    _keep_an_owner(connection, found)
    connection.execute(delete(login_tokens).where(login_tokens.c.user_id == user_id))
    of_person = (api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None))
    connection.execute(update(api_tokens).where(*of_person).values(revoked_at=now))
    return _changed(connection, user_id, active=False, sessions=found.sessions + 1)


def let_in(connection: Connection, user_id: int) -> User:
    """Let somebody who was shut out log in again."""
    _there(connection, user_id)
    return _changed(connection, user_id, active=True)


def change(
    connection: Connection, user_id: int, role: Role | None, active: bool | None, now: datetime
) -> User:
    """Set a role, shut out or let in; None leaves it. Raises Rejected as those do."""
    found = _there(connection, user_id)
    if active is False and found.active:
        found = shut_out(connection, user_id, now)
    if role is not None and role is not found.role:
        found = set_role(connection, user_id, role)
    if active is True and not found.active:
        found = let_in(connection, user_id)
    return found


def end_sessions(connection: Connection, user_id: int) -> User:
    """Log a person out wherever they are logged in."""
    found = _there(connection, user_id)
    return _changed(connection, user_id, sessions=found.sessions + 1)


def renew_password_hash(connection: Connection, user_id: int, old: str, new: str) -> None:
    """Keep another hash of the same password, unless the password was changed meanwhile."""
    same = (users.c.id == user_id, users.c.password_hash == old)
    connection.execute(update(users).where(*same).values(password_hash=new))


def note_seen(connection: Connection, user_id: int, now: datetime) -> None:
    """Write down a log-in."""
    connection.execute(update(users).where(users.c.id == user_id).values(seen_at=now))


def _keep_an_owner(connection: Connection, leaving: User) -> None:
    """Raise Rejected unless an owner who can log in is left when `leaving` is none any more.

    An owner who has not chosen a password yet counts only where no owner has one.
    """
    owners = [one for one in all_users(connection) if one.role is Role.OWNER and one.active]
    others = [one for one in owners if one.id != leaving.id]
    if leaving.id not in [one.id for one in owners]:
        return
    if not others or (leaving.password_hash and not any(one.password_hash for one in others)):
        raise Rejected(
            N_(
                "{name} is the last owner who can log in: make somebody else an owner first, who has a password."
            ),
            name=leaving.name,
        )


def _there(connection: Connection, user_id: int) -> User:
    found = user_by_id(connection, user_id)
    if found is None:
        raise Rejected(N_("There is no user number {number}; look at the list of users."), number=user_id)
    return found


def _changed(connection: Connection, user_id: int, **values: Any) -> User:
    change = update(users).where(users.c.id == user_id).values(**values)
    return _as_user(connection.execute(change.returning(users)).one())


def _user(connection: Connection, which: ColumnElement[bool]) -> User | None:
    row = connection.execute(select(users).where(which)).one_or_none()
    return None if row is None else _as_user(row)


def _as_user(row: Row[*tuple[Any, ...]]) -> User:
    return User(
        id=row.id,
        name=row.name,
        password_hash=row.password_hash,
        role=Role(row.role),
        created_at=row.created_at,
        active=row.active,
        seen_at=row.seen_at,
        sessions=row.sessions,
    )
