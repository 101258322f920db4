"""Accounts and settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fieldbox.domain import Role
from fieldbox.storage import accounts
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import User


class AccountPart(Part):
    """People and settings."""

    def add_user(self, name: str, password_hash: str, role: Role | str) -> User:
        """Add a person.

        Raises:
            Rejected: the name is taken (case does not matter).
        """
        with self._database.write() as connection:
            return accounts.add_user(connection, name, password_hash, Role(role), self._now())

    def user(self, user_id: int) -> User | None:
        """One person."""
        with self._database.read() as connection:
            return accounts.user_by_id(connection, user_id)

    def user_by_name(self, name: str) -> User | None:
        """One person; case does not matter."""
        with self._database.read() as connection:
            return accounts.user_by_name(connection, name)

    def users(self) -> list[User]:
        """Everybody, by name."""
        with self._database.read() as connection:
            return accounts.all_users(connection)

    def rename_user(self, user_id: int, name: str) -> User:
        """Give a person another name.

        Raises:
            Rejected: there is no such person, or the name is taken.
        """
        with self._database.write() as connection:
            return accounts.rename_user(connection, user_id, name)

    def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """Change a password; that person's sessions and unused login links become void.

        Raises:
            Rejected: there is no such person.
        """
        with self._database.write() as connection:
            accounts.set_password_hash(connection, user_id, password_hash)

    def renew_password_hash(self, user_id: int, old: str, new: str) -> None:
        """Keep another hash of the same password, unless the password was changed meanwhile. Sessions go on."""
        with self._database.write() as connection:
            accounts.renew_password_hash(connection, user_id, old, new)

    def set_role(self, user_id: int, role: Role) -> User:
        """Give a person another role.

        Raises:
            Rejected: no such person, or no owner who can log in would be left.
        """
        with self._database.write() as connection:
            return accounts.set_role(connection, user_id, role)

    def change_person(self, user_id: int, role: Role | None, active: bool | None) -> User:
        """Set a role, shut out or let in: all of it or nothing. None leaves it as it is.

        Raises:
            Rejected: no such person, or no owner who can log in would be left.
        """
        with self._database.write() as connection:
            return accounts.change(connection, user_id, role, active, self._now())

    def shut_out(self, user_id: int) -> User:
        """Let a person log in no more; sessions, links and keys are void at once.

        Raises:
            Rejected: no such person, or no owner who can log in would be left.
        """
        with self._database.write() as connection:
            return accounts.shut_out(connection, user_id, self._now())

    def let_in(self, user_id: int) -> User:
        """Let somebody who was shut out log in again; the keys stay void.

        Raises:
            Rejected: there is no such person.
        """
        with self._database.write() as connection:
            return accounts.let_in(connection, user_id)

    def end_sessions(self, user_id: int) -> User:
        """Log a person out wherever they are logged in.

        Raises:
            Rejected: there is no such person.
        """
        with self._database.write() as connection:
            return accounts.end_sessions(connection, user_id)

    def note_seen(self, user_id: int) -> None:
        """Write down that a person has logged in now."""
        with self._database.write() as connection:
            accounts.note_seen(connection, user_id, self._now())

    def setting(self, key: str) -> str | None:
        """A setting that people change on the pages."""
        with self._database.read() as connection:
            return accounts.setting(connection, key)

    def set_setting(self, key: str, value: str) -> None:
        """Change a setting."""
        with self._database.write() as connection:
            accounts.set_setting(connection, key, value)

    def change_setting(self, key: str, change: Callable[[str | None], str]) -> None:
        """Change a setting by what it was: nobody else writes in between. What `change` raises leaves it as it was."""
        with self._database.write() as connection:
            accounts.set_setting(connection, key, change(accounts.setting(connection, key)))

    def add_login_token(self, token_hash: str, user_id: int, expires_at: datetime) -> None:
        """Keep the hash of a link that logs a person in once."""
        with self._database.write() as connection:
            accounts.add_login_token(connection, token_hash, user_id, expires_at, self._now())

    def use_login_token(self, token_hash: str, now: datetime) -> int | None:
        """Use a link up: the id of its person; None if it is unknown, used, or ran out before `now`."""
        with self._database.write() as connection:
            return accounts.use_login_token(connection, token_hash, now)
