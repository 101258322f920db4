"""How the box did, and what its database holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fieldbox.domain import Vital
from fieldbox.storage import census, vitals
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Contents, Released


class VitalPart(Part):
    """How the box did."""

    def keep_vital(self, vital: Vital) -> None:
        """Keep a reading; those of more than 14 days ago are drawn together to one a day, and go after two years."""
        with self._database.write() as connection:
            vitals.add(connection, vital)

    def vitals(self, since: datetime) -> Sequence[Vital]:
        """Readings from a moment on, oldest first."""
        with self._database.read() as connection:
            return vitals.since(connection, since)

    def contents(self) -> Contents:
        """What the database holds: its revision and the rows of each table."""
        with self._database.read() as connection:
            return census.contents(connection)

    def releases(self) -> Sequence[Released]:
        """The models that surveys were made with, the one used last first."""
        with self._database.read() as connection:
            return census.releases(connection)
