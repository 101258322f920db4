"""The drop folder: what lies there, and when it has stopped growing.

Files may come over the network, slowly and in any order, under temporary names that change at the end. So nothing is
taken that was not seen unchanged twice, `settle_s` apart on a clock that never jumps. What is taken together is one
folder of the drop folder with all below it, or all the files that lie in the drop folder itself. What was taken is
remembered by size, time, inode and path: only what is new or changed is looked at again. Nothing is ever changed there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from fieldbox.ingest.scan import MOST_FILES
from fieldbox.ingest.state import read_json, write_json

LOOSE = ""
"""The group of the files that lie in the drop folder itself."""
PATIENCE = 15
"""A temporary name that stays unchanged this many times `settle_s` is a broken transfer: the others go without it."""
_TEMPORARY_ENDS = (".part", ".filepart", ".tmp", ".temp", ".crdownload", ".partial", ".download", "~")
_TEMPORARY_STARTS = ("~$", ".~", ".goutputstream-", ".smbdelete", ".nfs")


class Stamp(NamedTuple):
    """What shows that a file is still the same one."""

    size: int
    mtime_ns: int
    inode: int


Listing = Mapping[str, Stamp]
"""The files of a group: paths relative to the drop folder, with forward slashes."""


def is_temporary(name: str) -> bool:
    """Whether a file's name says that it is still being written."""
    lower = name.rsplit("/", 1)[-1].lower()
    return lower.startswith(_TEMPORARY_STARTS) or lower.endswith(_TEMPORARY_ENDS)


def look(folder: Path) -> dict[str, dict[str, Stamp]]:
    """The files of the drop folder by their groups; links, pipes and what cannot be read are passed over.

    No file is opened. A file or folder that vanishes meanwhile is not there. At most MOST_FILES files are listed.
    """
    groups: dict[str, dict[str, Stamp]] = {}
    for count, (name, stamp) in enumerate(_files(folder, "")):
        if count >= MOST_FILES:
            break
        first, slash, _rest = name.partition("/")
        groups.setdefault(first if slash else LOOSE, {})[name] = stamp
    return groups


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Stamp]]:
    waiting = [(folder, prefix)]
    while waiting:  # no recursion: folders may be as deep as anybody likes
        here, before = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = sorted(islice(listing, MOST_FILES), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            told = _stat(entry)
            if told is None:
                continue
            name = before + entry.name
            if stat.S_ISDIR(told.st_mode):
                waiting.append((Path(entry.path), name + "/"))
            elif stat.S_ISREG(told.st_mode):
                yield name, Stamp(told.st_size, told.st_mtime_ns, told.st_ino)


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


@dataclass(slots=True)
class _Quiet:
    """A group as it was last seen, and since when it is like that."""

    listing: dict[str, Stamp]
    since: float
    looks: int = 1


@dataclass(slots=True)
class Settling:
    """Tells which groups have stopped growing. Times are seconds of a monotonic clock."""

    settle_s: float
    _groups: dict[str, _Quiet] = field(default_factory=dict)

    def see(self, groups: Mapping[str, Listing], now: float) -> list[str]:
        """Take in one look; the groups that are whole by now, in order of names."""
        for name in self._groups.keys() - groups.keys():
            del self._groups[name]
        return [name for name in sorted(groups) if self._settled(name, dict(groups[name]), now)]

    def _settled(self, name: str, listing: dict[str, Stamp], now: float) -> bool:
        before = self._groups.get(name)
        if before is None or before.listing != listing:
            self._groups[name] = _Quiet(listing, now)
            return False
        before.looks += 1
        patience = PATIENCE if any(map(is_temporary, listing)) else 1
        return now - before.since >= patience * self.settle_s


class Taken:
    """What was taken from the drop folder, kept over restarts in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamps = _read(read_json(file))

    def is_new(self, listing: Listing) -> bool:
        """Whether a group holds a file that was not taken, or was changed since."""
        return any(self._stamps.get(name) != stamp for name, stamp in listing.items())

    def keep(self, taken: Listing, there: Iterable[str]) -> None:
        """Remember what was taken; forget what is not `there` any more. Raises OSError."""
        names = set(there)
        stamps = {name: stamp for name, stamp in self._stamps.items() if name in names}
        self._stamps = {**stamps, **taken}
        write_json(self._file, {name: list(stamp) for name, stamp in self._stamps.items()})


def _read(kept: Any) -> dict[str, Stamp]:
    """What cannot be understood is forgotten: it is only looked at again."""
    if not isinstance(kept, dict):
        return {}
    return {
        name: Stamp(*stamp)
        for name, stamp in kept.items()
        if isinstance(stamp, list) and len(stamp) == 3 and all(isinstance(one, int) for one in stamp)
    }
