"""Taking in one file, folder or card: every good photo kept once, every other file listed with why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from fieldbox.domain import Rejection
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.ingest.copy import Kept, clean_leftovers, keep
from fieldbox.ingest.scan import Found, scan

Parts = TypeVar("Parts")
"""What the reader makes of a photo."""


def _silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Handlers(Generic[Parts]):
    """What the pipeline does with each file, called in the order of names.

    `read` gets the source and raises Rejected for what is no usable photo. `already` tells whether a
    digest is known, `on_capture` gets (kept, name, parts) of a new photo and commits it, `on_rejection`
    each other file. `progress` gets (files done, files in all).
    """

    read: Callable[[Path], Parts]
    already: Callable[[str], bool]
    on_capture: Callable[[Kept, str, Parts], None]
    on_rejection: Callable[[Rejection], None]
    progress: Callable[[int, int], None] = _silent


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of it."""

    accepted: int = 0
    duplicates: int = 0
    rejected: tuple[Rejection, ...] = ()
    digests: tuple[str, ...] = field(default=())
    """Of all photos, known ones too, without repetition, in the order of names."""


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
    digests: dict[str, None] = {}
    rejected: list[Rejection] = []
    accepted = duplicates = 0
    for done, item in enumerate(found):
        handlers.progress(done, len(found))
        try:
            kept, new = _take(item, digests, originals, tmp, reserve_bytes, handlers)
        except Rejected as refusal:
            rejected.append(Rejection(item.name, refusal.sentence))
            handlers.on_rejection(rejected[-1])
            continue
        digests[kept.digest] = None
        accepted += new
        duplicates += not new
    handlers.progress(len(found), len(found))
    return Intake(accepted, duplicates, tuple(rejected), tuple(digests))


def _take(
    item: Found | Rejection,
    digests: dict[str, None],
    originals: Path,
    tmp: Path,
    reserve_bytes: int,
    handlers: Handlers[Parts],
) -> tuple[Kept, bool]:
    """Keep one file; True if it is new. Raises Rejected."""
    if isinstance(item, Rejection):
        raise Rejected(item.reason.template, **item.reason.params)
    parts = _read(item.path, handlers.read)
    kept = keep(item.path, originals, tmp, reserve_bytes=reserve_bytes)
    if kept.digest in digests or handlers.already(kept.digest):
        return kept, False
    # A copy without a row (the plug was pulled between the two) gets its row now.
    handlers.on_capture(kept, item.name, parts)
    return kept, True


def _read(path: Path, read: Callable[[Path], Parts]) -> Parts:
    try:
        return read(path)
    except OSError as error:
        raise Rejected(
            N_("It cannot be read ({detail}): check the card and copy it again."),
            detail=error.strerror or type(error).__name__,
        ) from error
