"""Captures: what the files were made into, and where they stand on the map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fieldbox.domain import Capture
from fieldbox.i18n import Sentence
from fieldbox.storage import captures
from fieldbox.storage.parts.part import Part


class CapturePart(Part):
    """Captures, and where they stand on the map."""

    def known(self, digest: str) -> bool:
        """Whether a capture has this digest."""
        with self._database.read() as connection:
            return captures.is_known(connection, digest)

    def known_of(self, digests: Iterable[str]) -> set[str]:
        """Those of these digests that a capture has."""
        with self._database.read() as connection:
            return set(captures.ids(connection, digests))

    def add_capture(self, capture: Capture, *, ingest_id: int, glance: bytes | None = None) -> bool:
        """Add a capture; its files are taken with that. False: one with this digest is known, and stays as it is."""
        with self._database.write() as connection:
            return captures.take(connection, capture, ingest_id, glance)

    def add_captures(
        self, new: Iterable[Capture], *, ingest_id: int, glances: Mapping[str, bytes] | None = None
    ) -> int:
        """Add captures that are made of the same files, all or none, with glances by digest; how many were not known."""
        seen = glances or {}
        with self._database.write() as connection:
            return sum(captures.take(connection, one, ingest_id, seen.get(one.digest)) for one in new)

    def captures(self, digests: Iterable[str]) -> list[Capture]:
        """The captures with these digests, in this order; unknown digests are left out."""
        with self._database.read() as connection:
            return captures.by_digests(connection, list(digests))

    def captures_of_ingest(self, ingest_id: int) -> list[Capture]:
        """The captures that were new in this ingest, in the order of adding."""
        with self._database.read() as connection:
            return captures.of_ingest(connection, ingest_id)

    def place(self, captures_: Sequence[Capture]) -> None:
        """Change the poses of known captures, and why they have none."""
        with self._database.write() as connection:
            captures.place(connection, captures_)

    def glances(self, digests: Iterable[str]) -> dict[str, bytes]:
        """What captures look like at a glance, by digest, as far as it was kept."""
        with self._database.read() as connection:
            return captures.glances_of(connection, list(digests))

    def is_lost(self, digest: str) -> bool:
        """Whether the capture with this digest was taken off the map because of its photo."""
        with self._database.read() as connection:
            return captures.is_lost(connection, digest)

    def unplace(self, digest: str, reason: Sentence) -> None:
        """Take a capture off the map: its pose is dropped, the reason kept and the file listed as rejected."""
        with self._database.write() as connection:
            captures.unplace(connection, digest, reason)

    def mend(self, capture: Capture) -> bool:
        """Put a capture that was taken off the map, its photo having been brought again, back on it."""
        with self._database.write() as connection:
            return captures.mend(connection, capture)
