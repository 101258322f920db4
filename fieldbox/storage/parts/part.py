"""What every part of the store stands on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fieldbox.storage.engine import Database


class Part:
    """A part of the store: the database of one box, and the clock by which rows are dated."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._now = clock
