"""The system's clocks: Linux's, which no test sets, and their twin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.sync.memoryways import MemoryTime
from fieldbox.sync.timekeeping import KernelTime, SystemTime


@pytest.fixture(params=["memory", "kernel"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> SystemTime:
    return MemoryTime() if request.param == "memory" else KernelTime(tmp_path / "synchronized")


def test_both_clocks_run(system: SystemTime) -> None:
    first, began = system.now(), system.elapsed()
    assert first.tzinfo is UTC
    assert system.now() >= first
    assert system.elapsed() >= began >= 0
    assert isinstance(system.synchronised(), bool)


def test_timesyncd_says_when_the_time_is_right(tmp_path: Path) -> None:
    (tmp_path / "synchronized").write_bytes(b"")
    assert KernelTime(tmp_path / "synchronized").synchronised()


def test_the_twin_may_be_put_and_lasts_on() -> None:
    twin = MemoryTime(passed=5.0)
    assert twin.put(datetime(2030, 1, 1, tzinfo=UTC))
    twin.pass_by(60)
    assert (twin.now(), twin.elapsed()) == (datetime(2030, 1, 1, 0, 1, tzinfo=UTC), 65.0)
    twin.may_put = False
    assert not twin.put(datetime(2040, 1, 1, tzinfo=UTC))
    assert twin.now() < datetime(2030, 1, 2, tzinfo=UTC)
    assert twin.now() - timedelta(days=1) < datetime(2030, 1, 1, tzinfo=UTC)
