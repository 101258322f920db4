"""The power of a simulated box: its process, and when that is killed."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Final

from fieldbox.services.seasonbox import live
from fieldbox.simulate.season import Season

CONNECTION: Final = "connection"
"""The work of a box that is connected."""


class Process:
    """The process of the box: it is started when there is something to do, and killed when the power is cut."""

    def __init__(self, folder: Path, chosen: Season) -> None:
        self._given = (folder, chosen.seed, chosen.fields)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["fieldbox.services.seasonbox"])
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def pipe(self) -> Connection:
        """To the process, which is started if there is none."""
        if self._pipe is None:
            self._pipe, theirs = self._context.Pipe()
            process = self._context.Process(target=live, args=(theirs, *self._given), daemon=True)
            process.start()
            theirs.close()
            self._process = process
        return self._pipe

    def kill(self) -> None:
        """Cut the power."""
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None

    def gone(self) -> None:
        """It came to its end by itself."""
        if self._process is not None and self._pipe is not None:
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None


@dataclass(slots=True)
class Power:
    """When the power is cut: where the season says so, at a random moment of the work that the box does then."""

    times: list[timedelta]
    chance: Random
    usual: dict[str, float] = field(default_factory=dict)
    """Seconds that a kind of work takes."""
    done: Counter[str] = field(default_factory=Counter)

    def due(self, at: timedelta) -> bool:
        """Whether it is time for a cut."""
        return bool(self.times) and self.times[0] <= at

    def within(self, work: str) -> float:
        """Seconds of real time after which a piece of work is cut off."""
        return self.chance.uniform(0, 1.1 * self.usual.get(work, 0.05))

    def cut(self, work: str) -> None:
        """It was."""
        self.times.pop(0)
        self.done[work] += 1

    def took(self, work: str, seconds: float) -> None:
        """It was not."""
        self.usual[work] = 0.8 * self.usual.get(work, seconds) + 0.2 * seconds


@dataclass(slots=True)
class Watch:
    """One piece of work of the box, and when it is cut off."""

    power: Power
    work: str
    cuts: bool
    later: bool
    """It is cut off in a connection, if there is one."""
    began: float = field(default_factory=time.monotonic)
    at: float | None = None

    def __post_init__(self) -> None:
        if self.cuts and not self.later:
            self.at = self.began + self.power.within(self.work)

    def connects(self) -> None:
        """It opens a connection."""
        self.work, self.began = CONNECTION, time.monotonic()
        if self.cuts:
            self.at = self.began + self.power.within(self.work)

    def left(self) -> float | None:
        """Seconds; None: it is not cut off."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def ends(self) -> None:
        """It came to its end."""
        self.power.took(self.work, time.monotonic() - self.began)
