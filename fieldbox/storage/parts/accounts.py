"""Accounts, settings, and who did what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fieldbox.domain import Role
from fieldbox.storage import accounts
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import AuditEntry, User


class AccountPart(Part):
    """People, settings, and who did what."""

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

    def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """Change a password; unused login links of that person become void.

        Raises:
            Rejected: there is no such person.
        """
        with self._database.write() as connection:
            accounts.set_password_hash(connection, user_id, password_hash)

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

    def audit(self, actor: str, action: str, detail: str) -> None:
        """Write down who did what."""
        with self._database.write() as connection:
            accounts.note(connection, actor, action, detail, self._now())

    def audits(self, limit: int = 100) -> list[AuditEntry]:
        """The last entries of who did what, newest first."""
        with self._database.read() as connection:
            return accounts.notes(connection, limit)
