"""When the disk will be full, told from the readings of the last month.

A farm's disk fills in jumps, a flight now and then, so the interval takes two things together: how badly a month of jumps
tells the pace, and how unevenly the flights to come will fall. Days on which room was
made tell nothing of the pace and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import FullIn, Vital

MONTH: Final = timedelta(days=31)
LEAST_DAYS: Final = 3
SURE: Final = (5.0, 95.0)
"""Percentiles of the ends of the interval. Of simulated farms (a flight in two weeks up to five a week, 4 days of readings up to
a month) 85 to 90 of 100 had their disk full within it."""
FAR: Final = 3650.0
"""Days: what fills slower than this does not fill."""
_DRAWS: Final = 2000
_EVEN: Final = 0.01
"""Days' worth: jumps are no smaller, however evenly it fills."""
_ROOM_MADE: Final = 0.01
"""Of the disk: as much more free from one day to the next, and somebody or something has removed what lay there."""
_ANOTHER: Final = 0.02
"""As much larger or smaller, and it is another disk."""
Numbers = NDArray[np.float64]


def full_in(readings: Sequence[Vital], reserve: int, now: datetime) -> FullIn | None:
    """When only `reserve` bytes will be free; None: not told by less than LEAST_DAYS days, or it does not fill.

    `readings` are sorted by their time.
    """
    recent = _of_this_disk([one for one in readings if now - MONTH <= one.at <= now])
    if not recent:
        return None
    taken, days = _taken(recent)
    if days.sum() < LEAST_DAYS:
        return None
    left, pace = float(recent[-1].disk_free - reserve), float(taken.sum() / days.sum())
    if left <= 0:
        return FullIn(0.0, 0.0, 0.0, max(0.0, pace))
    if pace <= 0 or left / pace > FAR:
        return None
    low, high = (float(one) for one in np.percentile(_draws(taken, days, left), SURE))
    return FullIn(left / pace, min(low, left / pace), max(high, left / pace), pace)


def _of_this_disk(readings: list[Vital]) -> list[Vital]:
    """From the last time on that it became another one."""
    for at in range(len(readings) - 1, 0, -1):
        before, after = readings[at - 1].disk_total, readings[at].disk_total
        if abs(after - before) > _ANOTHER * max(before, after):
            return readings[at:]
    return readings


def _taken(readings: Sequence[Vital]) -> tuple[Numbers, Numbers]:
    """Bytes that were taken from one day to the next that is known, and how many days lie between."""
    least: dict[date, int] = {}
    for one in readings:
        day = one.at.astimezone(UTC).date()
        least[day] = min(least.get(day, one.disk_free), one.disk_free)
    every = list(least)
    taken = -np.diff(np.array([least[day] for day in every], np.float64))
    days = np.diff(np.array([day.toordinal() for day in every], np.float64))
    steady = taken > -_ROOM_MADE * readings[-1].disk_total
    return taken[steady], days[steady]


def _draws(taken: Numbers, days: Numbers, left: float) -> Numbers:
    """Days until `left` bytes are taken, of months that could have been and of times that could come.

    What comes in jumps of one size is counted: the pace is as sure as a count of the jumps seen, and the time as even as one
    of those to come. Jumps of many sizes, and what comes evenly, are taken as the jumps that scatter as much.
    """
    random = np.random.default_rng(1)
    pace = taken.sum() / days.sum()
    scatter = ((taken - pace * days) ** 2).sum() / max(1.0, days.sum() - 1)
    jump = max(scatter / pace, _EVEN * pace)
    seen, coming = pace * days.sum() / jump, left / jump
    faster = random.gamma(seen + 0.5, 1 / seen, _DRAWS)
    longer = random.gamma(coming + 0.5, 1 / coming, _DRAWS)
    found: Numbers = left / pace * longer / faster
    return found
