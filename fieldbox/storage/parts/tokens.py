"""Keys of programs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from fieldbox.domain import ApiToken, Right
from fieldbox.storage import tokens
from fieldbox.storage.parts.part import Part


class TokenPart(Part):
    """Keys of programs."""

    def add_token(
        self,
        token_hash: str,
        name: str,
        user_id: int,
        scopes: Collection[Right],
        expires_at: datetime | None = None,
    ) -> ApiToken:
        """Keep the hash of a new key of a program; None: it does not run out."""
        with self._database.write() as connection:
            return tokens.add(connection, token_hash, name, user_id, scopes, expires_at, self._now())

    def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """All keys, or those of one person, newest first; void ones too."""
        with self._database.read() as connection:
            return tokens.every(connection, user_id)

    def use_token(self, token_hash: str) -> ApiToken | None:
        """The key of that hash, if it is valid now; its use is written down, at most once an hour."""
        now = self._now()
        with self._database.read() as connection:
            found = tokens.valid(connection, token_hash, now)
        if found and (found.last_used_at is None or now - found.last_used_at > tokens.NOTED_EVERY):
            with self._database.write() as connection:
                tokens.note_use(connection, found.id, now)
        return found

    def revoke_token(self, token_id: int) -> bool:
        """Make a key void; False: there is no such one, or it is void."""
        with self._database.write() as connection:
            return tokens.revoke(connection, token_id, self._now())
