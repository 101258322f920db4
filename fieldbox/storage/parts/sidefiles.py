"""Lists that were given with photos, and such as are not used."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fieldbox.domain import RefusedList, Rejection, SideFile
from fieldbox.storage import sidefiles
from fieldbox.storage.parts.part import Part


class SideFilePart(Part):
    """Lists that were given with photos."""

    def add_side_file(
        self, file: SideFile, *, named: Collection[str], ingest_id: int, latest: bool = False
    ) -> bool:
        """Keep a list that was given with photos; `named` are the digests of those that it says something of.

        A known one stays where it stands among the others unless it is to be the `latest`. False: nothing changed.
        """
        with self._database.write() as connection:
            return sidefiles.add(connection, file, named, ingest_id, latest=latest)

    def side_files(self, digests: Iterable[str]) -> list[SideFile]:
        """The lists that say something of any of these photos, the newest first."""
        with self._database.read() as connection:
            return sidefiles.naming(connection, list(digests))

    def refuse_list(self, refused: Rejection, digests: Iterable[str], *, ingest_id: int) -> None:
        """Note that a list is not used for these photos, and why, instead of what was noted of one by the same name."""
        with self._database.write() as connection:
            sidefiles.refuse(connection, refused, digests, ingest_id)

    def settle_list(self, name: str, digests: Iterable[str]) -> None:
        """A list by this name is used for these photos now: forget that an earlier one was not."""
        with self._database.write() as connection:
            sidefiles.settle(connection, name, digests)

    def refused_lists(self, flight_id: str) -> list[RefusedList]:
        """The lists that are not used for photos of a flight, the newest first."""
        with self._database.read() as connection:
            return sidefiles.refused_of(connection, flight_id)
