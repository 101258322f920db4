"""Originals that make room: what is kept of flights and refused files, and what is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from fieldbox.domain import Original
from fieldbox.storage import retention
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Holding, Kept, Unused


class OriginalPart(Part):
    """Originals that make room."""

    def pin(self, flight_id: str, pinned: bool) -> bool:
        """Say whether somebody wants the originals of a flight kept; False: there is no such flight."""
        with self._database.write() as connection:
            return retention.pin(connection, flight_id, pinned)

    def kept(self, flight_id: str) -> Kept | None:
        """How much of a flight's originals is on the box; None: there is no such flight."""
        with self._database.read() as connection:
            return retention.kept(connection, flight_id)

    def gone_at(self, digest: str) -> datetime | None:
        """When the originals of a capture were removed to make room; None: they were not."""
        with self._database.read() as connection:
            return retention.gone_at(connection, digest)

    def holdings(self) -> list[Holding]:
        """What is kept of each flight that has originals on the box, and why it may not be removed."""
        with self._database.read() as connection:
            return retention.holdings(connection)

    def let_go(self, choose: Callable[[Sequence[Holding]], Collection[str]]) -> list[str]:
        """Note the originals of the flights that `choose` names as gone: all or nothing; which flights these are.

        Raises ValueError for a flight that is held.
        """
        with self._database.write() as connection:
            return retention.let_go(connection, choose, self._now())

    def let_unused_go(self, choose: Callable[[Sequence[Unused]], Sequence[Unused]]) -> list[Unused]:
        """Note those refused files as gone that `choose` picks, oldest first given; which these are."""
        with self._database.write() as connection:
            return retention.let_unused_go(connection, choose, self._now())

    def gone(self) -> list[Original]:
        """Files that are noted as gone and that nobody is bringing again just now; their names are not told."""
        with self._database.read() as connection:
            return retention.gone(connection)

    @contextmanager
    def removing(self, digests: Iterable[str]) -> Iterator[list[Original]]:
        """Those of these files that are gone still: inside the block nobody can bring them again, so remove few at a time."""
        with self._database.write() as connection:
            yield retention.gone(connection, digests)
