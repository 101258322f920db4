"""Which originals are removed to make room, and the removing.

Files that were refused go first: nothing was made of them. Results are never removed, and of the originals only those of
flights that are mapped and that nobody pinned: the flights that came longest ago go first, each whole, and those whose
summary has not arrived after all others. A summary needs no photos, so a box without any link makes room too. The decisions
(`unused_to_go`, `to_go`) know no disk.

A file is noted as gone before it is removed, so a power cut leaves at worst one that is noted and still there; `sweep`
removes it. Whoever brings a file says so before looking for it (`Store.expect_file`): it is not removed under their
hands.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from fieldbox.config import Config
from fieldbox.domain import Flight, Original
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.ingest.copy import original_path
from fieldbox.pictures import bands_path, made_path, mask_path, note_path
from fieldbox.storage.rows import Hold, Holding, Unused
from fieldbox.storage.store import Store

log = structlog.get_logger()

AT_ONCE = 16
"""Files that are removed in one transaction: other writers wait meanwhile."""
RASTERS = ("map.tif", "mosaic.tif")
LIST_COMES_WITHIN = timedelta(days=30)
"""Photos that nothing tells the place of are kept so long for a list of positions; then they may go like others."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is wanted of the originals that may go."""

    now: datetime
    keep: timedelta | None
    """What came longer ago goes; None: nothing goes by its age."""
    bytes: int = 0
    """To be freed."""
    partly: bool = False
    """Less than these bytes is better than nothing."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Flights that share originals: they go together or not at all."""

    members: tuple[Holding, ...]

    @property
    def since(self) -> datetime:
        return max(one.since for one in self.members)

    @property
    def bytes(self) -> int:
        files = {digest: size for one in self.members for digest, size in one.files.items()}
        return sum(files.values()) + sum(one.made_bytes for one in self.members)

    @property
    def unsent(self) -> bool:
        return any(one.unsent for one in self.members)

    @property
    def may_go(self) -> bool:
        return not any(one.holds for one in self.members)


def to_go(held: Sequence[Holding], need: Need) -> list[str]:
    """The flights whose originals are to be removed, those that came longest ago first.

    Those that are older than is kept and whose summary has arrived, and as many more as free the bytes that are needed,
    those whose summary has not arrived last; where all that may go is less, none of these (unless `partly`): a copy
    that does not fit anyway costs nothing.
    """
    free = sorted((one for one in _groups(held) if one.may_go), key=lambda one: (one.unsent, one.since))
    old = [
        one for one in free if need.keep is not None and need.now - one.since > need.keep and not one.unsent
    ]
    freed, going = sum(one.bytes for one in old), list(old)
    for one in free[len(old) :]:
        if freed < need.bytes:
            going.append(one)
            freed += one.bytes
    if freed < need.bytes and not need.partly:
        going = old
    return [member.flight_id for one in going for member in one.members]


def unused_to_go(unused: Sequence[Unused], need: Need) -> list[Unused]:
    """The refused files that are to be removed: those older than is kept, and as many more, oldest first, as free what is
    needed, or as there are."""
    going, freed = [], 0
    for one in sorted(unused, key=lambda one: one.since):
        if freed < need.bytes or (need.keep is not None and need.now - one.since > need.keep):
            going.append(one)
            freed += one.size
    return going


def _groups(held: Sequence[Holding]) -> list[_Group]:
    """Flights by the originals that they share, directly or through others: a calibration panel, say."""
    owner: dict[str, int] = {}
    parent = list(range(len(held)))

    def root(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    for number, one in enumerate(held):
        for digest in one.files:
            parent[root(number)] = root(owner.setdefault(digest, number))
    together: dict[int, list[Holding]] = {}
    for number, one in enumerate(held):
        together.setdefault(root(number), []).append(one)
    return [_Group(tuple(members)) for members in together.values()]


class Keeper:
    """Removes the originals that may go from one box. Threads may share it."""

    def __init__(self, config: Config, store: Store) -> None:
        self._root, self._store = config.storage.root, store
        days = config.storage.keep_days
        self._keep = timedelta(days=days) if days else None
        self._reserve = config.storage.reserve_mb * 2**20
        self._lock = threading.Lock()

    def make_room(self, missing: int) -> None:
        """Free so many bytes, if what may go is as much (`ingest.copy.Shelf.make_room`). Raises OSError, Unavailable."""
        wanted = self._free() + missing
        with self._lock:  # copies that wait beside this one may need nothing more when it is their turn
            missing = wanted - self._free()
            if missing > 0:
                self._remove(Need(datetime.now(UTC), None, missing))

    def tidy(self) -> list[str]:
        """Remove what is older than is kept, and what the reserve needs as far as it goes; the flights.

        Raises OSError, Unavailable.
        """
        with self._lock:
            missing = self._reserve - self._free()
            return self._remove(Need(datetime.now(UTC), self._keep, max(0, missing), partly=True))

    def sweep(self) -> int:
        """Remove what is noted as gone and was left by a power cut; how many files. Raises OSError, Unavailable."""
        with self._lock:
            return self._unlink(self._store.gone())

    def _remove(self, need: Need) -> list[str]:
        unused = self._store.let_unused_go(lambda unused: unused_to_go(unused, need))
        rest = replace(need, bytes=max(0, need.bytes - sum(one.size for one in unused)))
        gone = self._store.let_go(lambda held: to_go([self._as_on_disk(one) for one in held], rest))
        if gone or unused:
            count = self._unlink(self._store.gone())
            log.info("originals removed to make room", flights=gone, refused=len(unused), files=count)
        return gone

    def _as_on_disk(self, one: Holding) -> Holding:
        """With what only the disk tells. A survey without its pictures would have to be made anew."""
        if one.holds:
            return one
        if not one.placed:
            waits = datetime.now(UTC) - one.since < LIST_COMES_WITHIN
            return replace(one, holds=frozenset({Hold.UNPLACED})) if waits else one
        rasters = self._root / "rasters" / (one.survey_id or "")
        if not all((rasters / name).is_file() for name in RASTERS):
            return replace(one, holds=frozenset({Hold.UNMAPPED}))
        made = (path for digest in one.made for path in _made_of(self._root, digest))
        return replace(one, made_bytes=sum(map(_size, made)))

    def _unlink(self, gone: Sequence[Original]) -> int:
        there = [one for one in gone if self._path(one).exists()]
        for start in range(0, len(there), AT_ONCE):
            with self._store.removing([one.digest for one in there[start : start + AT_ONCE]]) as still:
                # First what was made of them: it could not be made again.
                for digest in self._store.captures_made_of(one.digest for one in still):
                    _unlink_all(_made_of(self._root, digest))
                _unlink_all(self._path(one) for one in still)
        return len(there)

    def _path(self, one: Original) -> Path:
        return original_path(self._root / "originals", one.digest, one.kind)

    def _free(self) -> int:
        disk = os.statvfs(self._root)
        return disk.f_bavail * disk.f_frsize


def _made_of(root: Path, digest: str) -> tuple[Path, ...]:
    """What may have been made of a capture; the note that all is there comes first."""
    return tuple(path(root, digest) for path in (note_path, made_path, bands_path, mask_path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _unlink_all(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def require_originals(store: Store, flight: Flight) -> None:
    """Raise Rejected where originals of a flight were removed to make room: it cannot be mapped anew without them."""
    kept = store.kept(flight.id)
    if kept and kept.gone_at:
        raise Rejected(
            N_(
                "{count} of its photos were removed on {date} to make room, so it cannot be mapped anew; its results"
                " stay, and giving the card again brings the photos back."
            ),
            count=kept.captures - kept.kept,
            date=f"{kept.gone_at:%Y-%m-%d}",
        )
