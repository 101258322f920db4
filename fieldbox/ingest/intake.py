"""Taking in one file, folder or card: every good photo kept once, every other file listed with why.

Small text files may be lists of positions or control points. What they are only shows against the names of all
photos, so they are handed on together with what is wrong with them as photos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from fieldbox.domain import Rejection
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.ingest.copy import Kept, clean_leftovers, keep
from fieldbox.ingest.scan import Found, scan
from fieldbox.ordered import in_order

Parts = TypeVar("Parts")
"""What the reader makes of a photo."""


TEXT_SUFFIXES = {".txt", ".csv", ".mrk"}
MAX_TEXT_BYTES = 5_000_000
"""A list of a whole flight's photos has some hundred kilobytes."""
COPIES_AT_ONCE = 2
"""While one copy waits for the disk, the other is read and its digest made."""


def _silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _left(_kept: Kept, _name: str, _parts: object) -> None:
    """A known photo that nothing is done with."""


@dataclass(frozen=True, slots=True)
class Handlers(Generic[Parts]):
    """What the pipeline does with each file, called in the order of names.

    `read` gets the source and raises Rejected for what is no usable photo. `already` tells whether a
    digest is known, `on_capture` gets (kept, name, parts) of a new photo and commits it, `on_rejection`
    each other file. `progress` gets (files done, files in all). `on_known` gets a photo whose digest is known, and
    whose copy is there again if it was lost.
    """

    read: Callable[[Path], Parts]
    already: Callable[[str], bool]
    on_capture: Callable[[Kept, str, Parts], None]
    on_rejection: Callable[[Rejection], None]
    progress: Callable[[int, int], None] = _silent
    on_known: Callable[[Kept, str, Parts], None] = _left


@dataclass(frozen=True, slots=True)
class Beside:
    """A small text file among the photos."""

    path: Path
    name: str
    no_photo: Sentence
    """Why it is no photo: what to say of it unless it is a list."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of it."""

    accepted: int = 0
    duplicates: int = 0
    rejected: tuple[Rejection, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Of all photos by their digests, known ones too, in the order of names; the first where there are several."""
    beside: tuple[Beside, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """Of all photos, known ones too, without repetition, in the order of names."""
        return tuple(self.names)


def take_in(
    path: Path, *, originals: Path, tmp: Path, reserve_bytes: int, handlers: Handlers[Parts]
) -> Intake:
    """Take in `path`. A file that cannot be used is listed and the next one goes on.

    A rerun after a crash does nothing twice: photos that were committed are duplicates then. Raises
    Rejected where `path` is missing or holds no files, and Unavailable where the box cannot store more;
    what was committed before that stays.
    """
    clean_leftovers(tmp)
    found = list(scan(path))
    taken = _Taken(handlers)

    def fetch(item: Found | Rejection) -> tuple[Kept, Parts] | Rejection | Beside:
        return _fetch(item, handlers.read, originals, tmp, reserve_bytes)

    handlers.progress(0, len(found))
    for done, (item, fetched) in enumerate(in_order(COPIES_AT_ONCE, fetch, found), start=1):
        taken.add(item.name, fetched)
        handlers.progress(done, len(found))
    return Intake(
        taken.accepted, taken.duplicates, tuple(taken.rejected), dict(taken.names), tuple(taken.beside)
    )


class _Taken(Generic[Parts]):
    """The counts, kept by one thread in the order of names."""

    def __init__(self, handlers: Handlers[Parts]) -> None:
        self._handlers = handlers
        self.accepted = self.duplicates = 0
        self.rejected: list[Rejection] = []
        self.names: dict[str, str] = {}
        self.beside: list[Beside] = []

    def add(self, name: str, fetched: tuple[Kept, Parts] | Rejection | Beside) -> None:
        """Commit a new photo, count a known one, list what is none."""
        if isinstance(fetched, Beside):
            self.beside.append(fetched)
            return
        if isinstance(fetched, Rejection):
            self.rejected.append(fetched)
            self._handlers.on_rejection(fetched)
            return
        kept, parts = fetched
        if kept.digest in self.names or self._handlers.already(kept.digest):
            self.duplicates += 1
            self._handlers.on_known(kept, name, parts)
        else:
            # A copy without a row (the plug was pulled between the two) gets its row now.
            self._handlers.on_capture(kept, name, parts)
            self.accepted += 1
        self.names.setdefault(kept.digest, name)


def _fetch(
    item: Found | Rejection,
    read: Callable[[Path], Parts],
    originals: Path,
    tmp: Path,
    reserve_bytes: int,
) -> tuple[Kept, Parts] | Rejection | Beside:
    """Read and keep one file, or say why not."""
    if isinstance(item, Rejection):
        return item
    try:
        parts = _read(item.path, read)
        return keep(item.path, originals, tmp, reserve_bytes=reserve_bytes), parts
    except Rejected as refusal:
        if _may_be_list(item.path):
            return Beside(item.path, item.name, refusal.sentence)
        return Rejection(item.name, refusal.sentence)


def _may_be_list(path: Path) -> bool:
    try:
        return path.suffix.lower() in TEXT_SUFFIXES and path.stat().st_size <= MAX_TEXT_BYTES
    except OSError:
        return False


def _read(path: Path, read: Callable[[Path], Parts]) -> Parts:
    try:
        return read(path)
    except OSError as error:
        raise Rejected(
            N_("It cannot be read ({detail}): check the card and copy it again."),
            detail=error.strerror or type(error).__name__,
        ) from error
