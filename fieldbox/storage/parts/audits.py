"""Who did what."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fieldbox.domain import AuditFilter
from fieldbox.storage import audits
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import AuditEntry

KEPT_FOR: Final = timedelta(days=2 * 365)
MOST_KEPT: Final = 100_000
_ALL: Final = AuditFilter()


class AuditPart(Part):
    """Who did what."""

    def audit(self, actor: str, action: str, detail: str) -> None:
        """Write down who did what."""
        with self._database.write() as connection:
            audits.note(connection, actor, action, detail, self._now())

    def audits(self, limit: int = 100, wanted: AuditFilter = _ALL) -> list[AuditEntry]:
        """The last entries of who did what, newest first."""
        with self._database.read() as connection:
            return audits.page(connection, limit, wanted)

    def audit_actors(self) -> list[str]:
        """Everybody who stands in the record of who did what, by name."""
        with self._database.read() as connection:
            return audits.actors(connection)

    def trim_audit(self, most: int = MOST_KEPT) -> int:
        """Remove entries of more than two years ago, and the oldest beyond `most`; how many went."""
        with self._database.write() as connection:
            return audits.trim(connection, self._now() - KEPT_FOR, most)
