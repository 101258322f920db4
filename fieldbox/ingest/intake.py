"""Copying what a file, folder or card holds: every usable file once, every other one listed with why.

What the files are is told by their first bytes alone. They are read later, from the copies: the card can be pulled out
as soon as the last copy is safe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fieldbox.domain import FileKind, Original, Rejection
from fieldbox.errors import Rejected, Unavailable
from fieldbox.i18n import N_
from fieldbox.ingest.copy import Shelf, Torn, clean_leftovers, head_of, keep
from fieldbox.ingest.scan import Found, Unread, scan
from fieldbox.ordered import in_order

COPIES_AT_ONCE = 3
"""While one copy waits for the disk and one is read back, the next is read from the card."""
AT_ONCE = 16
"""Copies that are noted in one transaction."""
TORN_IN_A_ROW = 3
"""Files that cannot be read one after the other: time to look whether the card is gone, though its folder seems to be there."""
LEAVES_S = 2.0
"""So long after the first failed reading the kernel may still list a device that was pulled out."""
DEVICES = Path("/sys/dev/block")
_HEAD = 64
"""Bytes that tell what a file is."""


def _silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What is done with each file, called by one thread in the order of names.

    `kind_of` gets the first bytes, the size and the name, and raises Rejected for what is of no use. `on_copies` gets
    files that are safe on the box and must note them for good before it returns; `on_rejection` each other file.
    `progress` gets (files done, files in all). `seems_known` tells whether a file of this size is on the box,
    `suspect` whether the copy with this digest is to be made anew. `expecting` gets a digest and a name before that copy
    is looked for or named (other threads call these three).
    """

    kind_of: Callable[[bytes, int, str], FileKind]
    on_copies: Callable[[Sequence[Original]], None]
    on_rejection: Callable[[Rejection], None]
    progress: Callable[[int, int], None] = _silent
    seems_known: Callable[[int], bool] = lambda _size: False
    suspect: Callable[[str], bool] = lambda _digest: False
    expecting: Callable[[str, str], None] = lambda _digest, _name: None
    wanted: Callable[[str], bool] = lambda _name: True
    """Files by their names relative to `path`; the others are left where they are, as if they were not there."""


@dataclass(slots=True)
class _Noted:
    """The files so far, noted in portions."""

    handlers: Handlers
    waiting: list[Original] = field(default_factory=list)
    torn: list[Unread] = field(default_factory=list)
    """The last ones, as long as they follow each other."""
    rejected: list[Rejection] = field(default_factory=list)

    def add(self, fetched: Original | Rejection) -> None:
        if isinstance(fetched, Original):
            self.settle()
            self.waiting.append(fetched)
        elif isinstance(fetched, Unread):
            self.torn.append(fetched)
        else:
            self._reject(fetched)
        if len(self.waiting) >= AT_ONCE:
            self.flush()

    def settle(self) -> None:
        """Files that could not be read are damaged: the card is there, for the next one could be."""
        for one in self.torn:
            self._reject(one)
        self.torn.clear()

    def flush(self) -> None:
        if self.waiting:
            self.handlers.on_copies(self.waiting)
            self.waiting = []

    def _reject(self, one: Rejection) -> None:
        self.rejected.append(one)
        self.handlers.on_rejection(one)


class _Source:
    """What is copied from, and whether it is still there."""

    def __init__(self, path: Path, devices: Path) -> None:
        self._path, self._devices, self._number = path, devices, _device_number(path)
        self.is_listed = (devices / self._number).exists()
        """Whether the kernel knows it as a block device: a folder of a network or of FUSE is none."""

    def is_gone(self, patience_s: float = 0.0) -> bool:
        """Whether it was pulled out, `patience_s` after reading from it failed."""
        end = time.monotonic() + patience_s
        while not self._is_gone_now():
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)
        return True

    def gives_nothing(self) -> bool:
        """After several failures in a row: gone, or perhaps so. A device that the kernel still lists is damaged instead."""
        return not self.is_listed or self.is_gone(LEAVES_S)

    def _is_gone_now(self) -> bool:
        if not self.is_listed:
            return not _is_there(self._path)
        return _device_number(self._path) != self._number or not (self._devices / self._number).exists()


def _device_number(path: Path) -> str:
    """major:minor of the device that `path` is on; "gone" if it is not there."""
    try:
        device = path.stat().st_dev
    except OSError:
        return "gone"
    return f"{os.major(device)}:{os.minor(device)}"


def take_in(path: Path, shelf: Shelf, handlers: Handlers, devices: Path = DEVICES) -> tuple[Rejection, ...]:
    """Copy all that `path` holds; the files that were not taken. A file that cannot be used is listed and the next goes on.

    `devices` is where the kernel lists block devices by their numbers.

    Raises Rejected where `path` is missing or holds no files, and Unavailable where the box cannot store more or the
    card was pulled out; what was noted before that stays, and the rest is taken when it is given again.
    """
    clean_leftovers(shelf.tmp)
    noted, source = _Noted(handlers), _Source(path, devices)
    try:
        found = [item for item in scan(path) if handlers.wanted(item.name)]
    except Rejected as refusal:
        if source.is_listed and source.is_gone():
            raise _pulled_out(0, 0) from refusal
        raise

    def fetch(item: Found | Rejection) -> Original | Rejection:
        return _fetch(item, shelf, handlers)

    handlers.progress(0, len(found))
    try:
        for done, (_item, fetched) in enumerate(in_order(COPIES_AT_ONCE, fetch, found), start=1):
            if isinstance(fetched, Rejection) and source.is_gone():
                raise _pulled_out(done - 1 - len(noted.torn), len(found))
            noted.add(fetched)
            if len(noted.torn) >= TORN_IN_A_ROW:
                if source.gives_nothing():
                    raise _pulled_out(done - len(noted.torn), len(found))
                noted.settle()
            handlers.progress(done, len(found))
        if noted.torn and source.is_gone(LEAVES_S):
            raise _pulled_out(len(found) - len(noted.torn), len(found))
        noted.settle()
    finally:
        noted.flush()
    return tuple(noted.rejected)


def _pulled_out(done: int, total: int) -> Unavailable:
    if not done:
        return Unavailable(N_("The card was pulled out before anything was copied: plug it in again."))
    return Unavailable(
        N_(
            "The card was pulled out after {done} of {total} files: plug it in again, and the rest is copied."
        ),
        done=done,
        total=total,
    )


def _is_there(path: Path) -> bool:
    try:
        return next(path.iterdir(), None) is not None if path.is_dir() else path.exists()
    except OSError:
        return False


def _fetch(item: Found | Rejection, shelf: Shelf, handlers: Handlers) -> Original | Rejection:
    """Keep one file, or say why not."""
    if isinstance(item, Rejection):
        return item
    try:
        kind = handlers.kind_of(*head_of(item.path, _HEAD), item.name)
        kept = keep(
            item.path,
            shelf,
            kind,
            seems_known=handlers.seems_known,
            suspect=handlers.suspect,
            expecting=lambda digest: handlers.expecting(digest, item.name),
        )
        return Original(kept.digest, item.name, kept.size, kind)
    except Torn as torn:
        return Unread(item.name, torn.sentence)
    except Rejected as refusal:
        return Rejection(item.name, refusal.sentence)
