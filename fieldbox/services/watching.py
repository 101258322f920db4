"""Looks after the box itself, in a thread of the web service, which always runs: a reading every ten minutes, and once an hour
what the room on the disk is used for.

The web service is the place: the worker may be busy for an hour with one flight, and the page that shows this is its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from fieldbox.config import Config
from fieldbox.domain import FullIn, LogLine, ModelInfo, Reading, Room, ServiceState, Usage
from fieldbox.errors import FieldboxError
from fieldbox.services import beating, filling, logbook
from fieldbox.services.chosen import settled
from fieldbox.services.machine import Machine
from fieldbox.services.modelcards import model_infos
from fieldbox.storage.store import Store

log = structlog.get_logger()

READ_S: Final = 600.0
WALK_S: Final = 3600.0
_TURN: Final = 200
"""Files between two rests of the walk."""
_REST_S: Final = 0.01
ROOMS: Final = {
    "originals": Room.ORIGINALS,
    "made": Room.PICTURES,
    "rasters": Room.MAPS,
    "alignments": Room.MAPS,
    "uploads": Room.COMING,
    "drop": Room.COMING,
    "logs": Room.LOGS,
}
"""By folders below the root."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of looking through the database."""

    at: datetime
    problems: tuple[str, ...]
    """In SQLite's words; empty: it is sound."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What came of making room."""

    at: datetime
    bytes: int
    flights: int
    """Whose photos were removed."""


class Watch:
    """Watches one box; threads may share it. `run` is the thread's, all else answers at once from what is known."""

    def __init__(
        self,
        config: Config,
        store: Store,
        machine: Machine | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config, self._store, self._machine = config, store, machine or Machine()
        self._clock = clock
        self._wake, self._stop = threading.Event(), False
        self._usage: Usage | None = None
        self._checked: Checked | None = None
        self._wanted = False

        self._room_wanted = False
        self._freed: Freed | None = None
        self._full_in: FullIn | None = None
        self._foretold_at = -float("inf")

    # For the pages.

    def reading(self) -> Reading:
        """The machine just now. Raises OSError."""
        return self._machine.read(self._config.storage.root, self._clock())

    def usage(self) -> Usage | None:
        """What the room is used for, as of the last walk; None: there was none yet."""
        return self._usage

    def checked(self) -> Checked | None:
        """What came of the last look through the database; None: nobody wanted one."""
        return self._checked

    def is_checking(self) -> bool:
        """Whether a look is wanted and not over."""
        return self._wanted

    def services(self) -> Sequence[ServiceState]:
        """How each service does."""
        return beating.services(self._config)

    def reserve(self) -> int:
        """Bytes that stay free: what comes makes room from then on."""
        return self._config.storage.reserve_mb * 2**20

    def full_in(self) -> FullIn | None:
        """When the disk is full, by the readings of the last month; worked out anew with each reading."""
        if time.monotonic() - self._foretold_at >= READ_S:
            now = self._clock()
            self._full_in = filling.full_in(self._store.vitals(now - filling.MONTH), self.reserve(), now)
            self._foretold_at = time.monotonic()
        return self._full_in

    def models(self) -> Sequence[ModelInfo]:
        """The models of this box; those that run first."""
        return model_infos(self._config)

    def log(
        self,
        limit: int,
        *,
        service: str | None = None,
        levels: Sequence[str] = logbook.LEVELS,
        words: str = "",
        before: datetime | None = None,
    ) -> Sequence[LogLine]:
        """What the services said, newest first: of one of them, of some levels, with some words, before some moment."""
        wanted = logbook.Wanted(service, tuple(levels), words, before)
        return logbook.read(logbook.logs_folder(self._config), wanted, limit)

    def log_services(self) -> Sequence[str]:
        """Which services said anything."""
        return logbook.services_in(logbook.logs_folder(self._config))

    def check(self) -> None:
        """Have the disk and the database looked through soon."""
        self._wanted = True
        self._wake.set()

    def make_room(self) -> None:
        """Have what may go removed soon, as far as the settings want it gone."""
        self._room_wanted = True
        self._wake.set()

    def is_making_room(self) -> bool:
        """Whether that is wanted and not over."""
        return self._room_wanted

    def freed(self) -> Freed | None:
        """What came of it the last time; None: nobody wanted it."""
        return self._freed

    # The thread.

    def run(self) -> None:
        """Until `stop`: no fault of a disk ends it."""
        read_at = walked_at = -float("inf")
        while not self._stop:
            now = time.monotonic()
            if now - read_at >= READ_S:
                read_at = now
                self.take()
            if self._room_wanted:
                self.tidy()
            if now - walked_at >= WALK_S or self._wanted:
                walked_at = now
                self.walk()
            self._wake.wait(max(1.0, min(read_at + READ_S, walked_at + WALK_S) - time.monotonic()))
            self._wake.clear()

    def stop(self) -> None:
        """End the thread soon."""
        self._stop = True
        self._wake.set()

    def take(self) -> None:
        """Keep a reading."""
        try:
            self._store.keep_vital(self.reading().vital)
            self._foretold_at = -float("inf")
        except (FieldboxError, OSError) as error:
            log.warning("no reading of the box was kept", reason=str(error))

    def walk(self) -> None:
        """Look what the room is used for; and through the database, where somebody wanted that."""
        try:
            self._usage = used(self._config.storage.root, self._clock(), self._stopped)
            if self._wanted:
                self._checked = Checked(self._clock(), tuple(self._store.check()))
        except (FieldboxError, OSError) as error:
            log.warning("the disk could not be looked through", reason=str(error))
        finally:
            self._wanted = False

    def tidy(self) -> None:
        """Remove what may go."""
        from fieldbox.retention import Keeper  # noqa: PLC0415  5 MB that the web service needs once in a year

        try:
            keeper = Keeper(settled(self._config, self._store), self._store)
            keeper.sweep()
            held = {one.flight_id: sum(one.files.values()) for one in self._store.holdings()}
            flights = keeper.tidy()
            self._freed = Freed(self._clock(), sum(held.get(one, 0) for one in flights), len(flights))
        except (FieldboxError, OSError) as error:
            log.warning("could not make room", reason=str(error))
        finally:
            self._room_wanted = False

    def _stopped(self) -> bool:
        return self._stop


def used(root: Path, now: datetime, stopped: Callable[[], bool] = lambda: False) -> Usage:
    """What each kind of thing takes below `root`: bytes of disk blocks. Rests now and then: others want the processor."""
    taken = dict.fromkeys(Room, 0)
    count = 0
    for name, size in files_below(root):
        count += 1
        taken[_room_of(name)] += size
        if count % _TURN == 0:
            time.sleep(_REST_S)
            if stopped():
                break
    return Usage(now, taken, count)


def _room_of(name: str) -> Room:
    folder, slash, _rest = name.partition("/")
    if slash:
        return ROOMS.get(folder, Room.OTHER)
    return Room.DATABASE if name.startswith("fieldbox.db") else Room.OTHER


def files_below(root: Path) -> Iterator[tuple[str, int]]:
    """Paths relative to `root` with the bytes they take; what vanishes meanwhile, and links, are passed over."""
    waiting = [("", root)]
    while waiting:
        before, here = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = list(listing)
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{before}{entry.name}/", Path(entry.path)))
                elif entry.is_file(follow_symlinks=False):
                    yield before + entry.name, entry.stat(follow_symlinks=False).st_blocks * 512
            except OSError:
                continue
