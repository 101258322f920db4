"""What the intake tells the other processes of the box: a file that they read when they like."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldbox.domain import Bringing, Brought, Came, IntakeStatus, Way
from fieldbox.i18n import Sentence
from fieldbox.ingest.state import read_json, write_json

NAME = "intake.json"
VERSION = 1
MOST_LAST = 20
OFTEN_S = 0.5
"""Progress is not written more often."""
ALIVE_S = 120.0
"""A status that is older tells nothing of now: the intake writes one a minute while it is at work, and none while it waits,
which would be 20 MB a day for nothing."""


class Board:
    """Where the intake writes what it does. Threads may share it."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock, self._written = root / NAME, clock, -OFTEN_S
        before = read_status(root)
        self._last = list(before.last) if before else []
        self._now: Bringing | None = None
        self._writing = threading.Lock()

    @property
    def last(self) -> tuple[Brought, ...]:
        """The newest first."""
        return tuple(self._last)

    def show(self, now: Bringing | None) -> None:
        """What is being taken in; None: nothing is."""
        before, self._now = self._now, now
        changed = before is None or now is None or (before.id, before.step) != (now.id, now.step)
        if changed or self._clock() - self._written >= OFTEN_S:
            self.write()

    def add(self, brought: Brought) -> None:
        """What came of the last one; of one that is tried again only the newest counts. A card is known by its label."""
        self._now = None
        others = [one for one in self._last if one.outcome is not Came.WAITING or not _is_same(one, brought)]
        self._last = [brought, *others][:MOST_LAST]
        self.write()

    def beat(self) -> None:
        """Show that what is being taken in goes on, once in a while; that the intake lives is told elsewhere."""
        if self._now is not None and self._clock() - self._written >= ALIVE_S / 2:
            self.write()

    def write(self) -> None:
        """A disk that is full or read-only must not stop the intake from telling so elsewhere."""
        with self._writing, suppress(OSError):
            self._written, doing = self._clock(), self._now
            now = [_plain(doing)] if doing else []
            told = {"version": VERSION, "at": datetime.now(UTC).isoformat(), "pid": os.getpid(), "now": now}
            write_json(self._file, told | {"last": [_plain(one) for one in self._last]}, lasting=False)


def read_status(root: Path, now: datetime | None = None) -> IntakeStatus | None:
    """What the intake of the box at `root` told last; None if it never did, or in no way that can be understood.

    What it was doing is left out if it has not said so for ALIVE_S.
    """
    told = read_json(root / NAME)
    try:
        if not isinstance(told, dict) or told["version"] != VERSION:
            return None
        at = datetime.fromisoformat(told["at"])
        status = IntakeStatus(at, tuple(map(_bringing, told["now"])), tuple(map(_brought, told["last"])))
        gone = abs(((now or datetime.now(UTC)) - at).total_seconds()) > ALIVE_S
        return replace(status, now=()) if gone else status
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _is_same(one: Brought, other: Brought) -> bool:
    card = one.way is other.way is Way.CARD
    return one.name == other.name if card else one.id == other.id


def _plain(one: Bringing | Brought) -> dict[str, Any]:
    row = asdict(one)
    if isinstance(one, Brought):
        sentence = json.loads(one.sentence.to_json()) if one.sentence else None
        row |= {"ended_at": one.ended_at.isoformat(), "sentence": sentence}
    return row


def _bringing(row: dict[str, Any]) -> Bringing:
    return Bringing(**row | {"way": Way(row["way"])})


def _brought(row: dict[str, Any]) -> Brought:
    sentence = Sentence.from_json(json.dumps(row["sentence"])) if row["sentence"] else None
    known = {"way": Way(row["way"]), "outcome": Came(row["outcome"]), "flights": tuple(row["flights"])}
    return Brought(
        **row | known | {"ended_at": datetime.fromisoformat(row["ended_at"]), "sentence": sentence}
    )
