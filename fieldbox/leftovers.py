"""Files that nothing on the box needs any more: of deleted flights, and of work that was cut off and never went on.

Only while no flight is in work, as its files come before the rows that tell of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from fieldbox.pictures import alignment_name
from fieldbox.storage.store import Store

POINTS = "points-"
"""How folders of `work` begin that belong to a flight; the others are named by the beginning of a plan's key."""


def remove_leftovers(root: Path, store: Store) -> int:
    """Remove pictures and alignments of surveys that there are not, pictures of photos that are gone, and work on flights that
    are; how many. Raises OSError, Unavailable."""
    found = (*_rasters(root, store), *_made(root, store), *_work(root, store), *_alignments(root, store))
    return sum(map(_remove, found))


def _rasters(root: Path, store: Store) -> Iterator[Path]:
    needed = store.survey_ids()
    yield from (path for path in _listed(root / "rasters") if path.name not in needed)


def _made(root: Path, store: Store) -> Iterator[Path]:
    """Looked at before the rows: a photo that comes in meanwhile has its row first. What has another name is being written."""
    for folder in _listed(root / "made"):
        by_digest = [(path.name.partition(".")[0], path) for path in _listed(folder)]
        known = store.known_of({digest for digest, _path in by_digest})
        yield from (path for digest, path in by_digest if digest and digest not in known)


def _work(root: Path, store: Store) -> Iterator[Path]:
    flights = {f"{POINTS}{one}" for one in store.flight_ids()}
    plans = {one[:16] for one in store.plans_in_work()}
    yield from (path for path in _listed(root / "work") if path.name not in flights | plans)


def _alignments(root: Path, store: Store) -> Iterator[Path]:
    """None as long as a flight waits or was cut off: its alignment is there before its survey."""
    if store.plans_in_work() or store.flights_in_work():
        return
    needed = {alignment_name(one) for one in store.alignments()}
    yield from (path for path in _listed(root / "alignments") if path.name not in needed)


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return 1
