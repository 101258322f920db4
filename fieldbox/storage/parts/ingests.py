"""Ingests: what came in one go, and what of it was not taken."""

from __future__ import annotations

from collections.abc import Sequence

from fieldbox.domain import Rejection
from fieldbox.storage import captures
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Ingest


class IngestPart(Part):
    """Ingests of photos."""

    def begin_ingest(self, source: str) -> int:
        """Open an ingest of photos from `source` (a folder, a card, an upload); its id."""
        with self._database.write() as connection:
            return captures.begin_ingest(connection, source, self._now())

    def reopen_ingest(self, ingest_id: int) -> None:
        """Go on with an ingest that may have ended: it is open again, as a new one is."""
        with self._database.write() as connection:
            captures.reopen_ingest(connection, ingest_id)

    def end_ingest(self, ingest_id: int, duplicates: int) -> None:
        """Close an ingest that met `duplicates` files whose captures were known."""
        with self._database.write() as connection:
            captures.end_ingest(connection, ingest_id, duplicates, self._now())

    def ingests(self, limit: int | None = None) -> list[Ingest]:
        """Every ingest, or the last so many, newest first."""
        with self._database.read() as connection:
            return captures.all_ingests(connection, limit)

    def tell_bands(self, ingest_id: int, bands: Sequence[str]) -> None:
        """Keep what somebody said the bands of an ingest's orthomosaics are."""
        with self._database.write() as connection:
            captures.tell_bands(connection, ingest_id, bands)

    def told_bands(self, ingest_id: int) -> tuple[str, ...]:
        """What was said of them; (): nothing."""
        with self._database.read() as connection:
            return captures.told_bands(connection, ingest_id)

    def add_rejections(self, ingest_id: int, rejections: Sequence[Rejection]) -> None:
        """Note files that were not taken, and why."""
        with self._database.write() as connection:
            captures.add_rejections(connection, ingest_id, rejections)

    def rejections(self, *, ingest_id: int | None = None, flight_id: str | None = None) -> list[Rejection]:
        """Rejected files of an ingest, of all ingests that brought photos of a flight, or all."""
        with self._database.read() as connection:
            return captures.list_rejections(connection, ingest_id, flight_id)
