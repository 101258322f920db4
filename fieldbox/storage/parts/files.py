"""Files that were copied onto the box: under which names, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fieldbox.domain import FileState, Original
from fieldbox.i18n import Sentence
from fieldbox.storage import files
from fieldbox.storage.parts.part import Part


class FilePart(Part):
    """Files that were copied onto the box."""

    def add_given(self, ingest_id: int, given: Sequence[Original]) -> set[str]:
        """Note files that were copied onto the box, and under which names; the digests of those that are to be read: new
        ones, and such as were refused before."""
        with self._database.write() as connection:
            return files.add_given(connection, ingest_id, given, self._now())

    def expect_file(self, ingest_id: int, digest: str, name: str) -> None:
        """An ingest is about to look for a file, or to name a copy: until it has ended the file is not removed."""
        with self._database.read() as connection:
            if not files.is_known(connection, digest):
                return  # what was never noted is never removed
        with self._database.write() as connection:
            files.expect(connection, ingest_id, digest, name)

    def given_in(self, ingest_id: int, *, state: FileState | None = None) -> list[Original]:
        """The files that came in an ingest, in that order; those of one state."""
        with self._database.read() as connection:
            return files.of_ingest(connection, ingest_id, state=state)

    def has_size(self, size: int) -> bool:
        """Whether a file of so many bytes is on the box."""
        with self._database.read() as connection:
            return files.has_size(connection, size)

    def note_file(self, digest: str, notes: Sequence[Sentence]) -> None:
        """Keep what is to be said of what a file holds."""
        with self._database.write() as connection:
            files.note(connection, digest, notes)

    def notes_of(self, digests: Iterable[str]) -> list[Sentence]:
        """What is to be said of what files hold, each sentence once."""
        with self._database.read() as connection:
            return files.notes_of(connection, digests)

    def settle_files(self, digests: Iterable[str], state: FileState) -> None:
        """Say what became of files."""
        with self._database.write() as connection:
            files.settle(connection, digests, state)

    def captures_made_of(self, digests: Iterable[str]) -> list[str]:
        """The digests of the captures that files were made into: a photo's is its own."""
        with self._database.read() as connection:
            return files.made_of(connection, digests)
