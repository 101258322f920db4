"""When the disk is full is told with an interval that holds, and not where nothing tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fieldbox.domain import Vital
from fieldbox.services.filling import full_in

NOW = datetime(2027, 6, 10, 5, tzinfo=UTC)
DISK = 10**12


def readings(free: list[float], total: int = DISK, first: datetime | None = None) -> list[Vital]:
    """One a day, the last one now."""
    start = first or NOW - timedelta(days=len(free) - 1)
    return [
        Vital(start + timedelta(days=day), None, None, None, int(one), total, None, None)
        for day, one in enumerate(free)
    ]


def test_what_fills_evenly_is_told_sharply() -> None:
    found = full_in(readings([500e9 - 2e9 * day for day in range(30)]), 42 * 10**9, NOW)
    assert found is not None
    assert found.days == pytest.approx(200)
    assert found.bytes_a_day == pytest.approx(2e9)
    assert 180 < found.low < 200 < found.high < 220


def test_less_than_three_days_tell_nothing() -> None:
    assert full_in(readings([500e9, 490e9, 480e9]), 0, NOW) is None
    assert full_in(readings([500e9, 490e9, 480e9, 470e9]), 0, NOW) is not None
    assert full_in([], 0, NOW) is None


def test_a_disk_that_does_not_fill_is_not_full_some_day() -> None:
    assert full_in(readings([500e9] * 30), 0, NOW) is None
    assert full_in(readings([500e9 + 1e6 * day for day in range(30)]), 0, NOW) is None


def test_a_disk_down_to_its_reserve_is_full() -> None:
    found = full_in(readings([9e9 - 1e9 * day for day in range(9)]), 2 * 10**9, NOW)
    assert found is not None
    assert (found.days, found.low, found.high) == (0, 0, 0)


def test_days_on_which_room_was_made_do_not_slow_the_pace() -> None:
    free = [300e9 - 5e9 * day + (150e9 if day >= 15 else 0) for day in range(30)]
    found = full_in(readings(free), 0, NOW)
    assert found is not None
    assert found.bytes_a_day == pytest.approx(5e9)


def test_another_disk_begins_anew() -> None:
    old = readings([50e9 - 5e9 * day for day in range(9)], first=NOW - timedelta(days=13))
    new = readings([900e9 - 1e9 * day for day in range(5)], total=2 * DISK)
    found = full_in([*old, *new], 0, NOW)
    assert found is not None
    assert found.bytes_a_day == pytest.approx(1e9)


def test_days_without_readings_count() -> None:
    every = readings([500e9 - 2e9 * day for day in range(30)])
    found = full_in([one for place, one in enumerate(every) if place % 7 in (0, 1)], 0, NOW)
    assert found is not None
    assert found.bytes_a_day == pytest.approx(2e9)


@pytest.mark.parametrize(("a_week", "days", "left"), [(2.0, 31, 100e9), (1.0, 31, 60e9), (5.0, 31, 200e9)])
def test_the_interval_holds_on_farms_that_fly_now_and_then(a_week: float, days: int, left: float) -> None:
    random = np.random.default_rng(5)

    def came() -> float:
        return float(random.lognormal(np.log(4e9), 0.5, random.poisson(a_week / 7)).sum() + 5e6)

    held, told = 0, 0
    for _farm in range(200):
        free = 500e9 - np.cumsum([came() for _day in range(days)])
        found = full_in(readings(list(free)), int(free[-1] - left), NOW)
        took, passed = 0.0, 0
        while took < left:
            took, passed = took + came(), passed + 1
        if found:
            told += 1
            held += found.low <= passed <= found.high + 1
    assert told >= 190
    assert 0.8 <= held / told <= 0.97
