"""Photos of a flight in a store, read from where they lie."""

from __future__ import annotations

from pathlib import Path

from fieldbox.domain import Capture, Flight, FlightHeight
from fieldbox.given import Given
from fieldbox.headings import settle_poses
from fieldbox.i18n import Sentence
from fieldbox.imagery.captures import capture_of
from fieldbox.imagery.metadata import read_metadata
from fieldbox.storage.store import Store


class Kept:
    """Photos of a folder in a store, read from there; counts what is read."""

    def __init__(self, store: Store, folder: Path, pattern: str = "*.JPG") -> None:
        self.store, self.reads = store, 0
        self._ingest = store.begin_ingest(str(folder))
        self._paths: dict[str, Path] = {}
        self.flight = Flight("flight", None, None, None, self.add(folder, pattern))

    def add(self, folder: Path, pattern: str = "*.JPG") -> tuple[Capture, ...]:
        found = []
        for path in sorted(folder.glob(pattern)):
            digest = f"{path.stem[-4:]:0>64}"
            self._paths[digest] = path
            found.append(capture_of(digest, path.name, 1, read_metadata(path)))
            self.store.add_capture(found[-1], ingest_id=self._ingest)
        return tuple(found)

    def read(self, digest: str) -> bytes:
        self.reads += 1
        return self._paths[digest].read_bytes()

    def settled(self, flight: Flight | None = None) -> Flight:
        done = settle_poses(self.store, flight or self.flight, self.read, 2)
        self.store.save_flight(done)
        again = self.store.flight(done.id)
        assert again is not None
        assert again.captures == done.captures  # what is kept is what is given
        return again

    def height(self) -> FlightHeight | Sentence:
        row = self.store.height("flight")
        assert row is not None
        return row.told


def said(given: Given) -> str:
    return "\n".join(str(sentence) for sentence in given.sentences)


def reasons(flight: Flight) -> set[str]:
    return {str(one.unplaced) for one in flight.captures}
