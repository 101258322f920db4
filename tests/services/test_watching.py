"""The box is looked after by a thread of the web service: readings, and what fills the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.config import Config, StorageConfig
from fieldbox.domain import FileKind, Original, Room
from fieldbox.services.watching import Watch, used
from fieldbox.storage.store import Store
from tests.services.machines import put, raspberry

NOW = datetime(2027, 6, 10, 5, tzinfo=UTC)
PATIENCE_S = 60.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "box").mkdir()
    with Store.open(tmp_path / "box" / "fieldbox.db") as opened:
        yield opened


@pytest.fixture
def watch(tmp_path: Path, store: Store) -> Watch:
    config = Config(storage=StorageConfig(root=tmp_path / "box"))
    return Watch(config, store, raspberry(tmp_path / "machine"))


def wait_until(ask: Callable[[], bool]) -> None:
    """Until that is so, at most PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while not ask():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_reading_is_kept_at_the_start_and_what_fills_the_disk_is_known_soon(
    watch: Watch, store: Store
) -> None:
    thread = threading.Thread(target=watch.run)
    thread.start()
    wait_until(lambda: watch.usage() is not None)
    assert [one.temperature_c for one in store.vitals(NOW - timedelta(days=3650))] == [61.25]
    watch.check()
    wait_until(lambda: watch.checked() is not None)
    assert watch.checked() and watch.checked().problems == ()  # type: ignore[union-attr]
    watch.stop()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert len(store.vitals(NOW - timedelta(days=3650))) == 1, "looking again takes no reading"


def test_a_database_that_cannot_be_written_ends_nothing(watch: Watch, store: Store) -> None:
    store.close()
    (store.path.with_name("fieldbox.db-lock")).unlink(missing_ok=True)
    (store.path.with_name("fieldbox.db-lock")).mkdir()
    watch.take()
    watch.walk()
    assert watch.usage() is not None


def test_what_lies_where_is_told_by_what_it_is(tmp_path: Path) -> None:
    for name, size in {
        "originals/ab/x.jpg": 100_000,
        "made/ab/x.jpg": 50_000,
        "rasters/s1/map.tif": 30_000,
        "alignments/a.npz": 10_000,
        "fieldbox.db": 20_000,
        "fieldbox.db-wal": 4_096,
        "uploads/u1/files/0": 8_192,
        "logs/web.jsonl": 4_096,
        "intake.json": 100,
    }.items():
        put(tmp_path / name, "x" * size)
    (tmp_path / "originals" / "elsewhere").symlink_to("/usr")
    found = used(tmp_path, NOW)
    assert (found.at, found.files) == (NOW, 9)
    wanted = {
        Room.ORIGINALS: 100_000,
        Room.PICTURES: 50_000,
        Room.MAPS: 40_000,
        Room.DATABASE: 24_096,
        Room.COMING: 8_192,
        Room.LOGS: 4_096,
        Room.OTHER: 100,
    }
    for room, size in wanted.items():
        assert size <= found.bytes[room] < size + 3 * 4096, room


def test_making_room_with_nothing_that_may_go_frees_nothing(watch: Watch, store: Store) -> None:
    ingest = store.begin_ingest("card")
    store.add_given(ingest, [Original("ab" * 32, "a.jpg", 10, FileKind.JPEG)])
    watch.make_room()
    assert watch.is_making_room()
    watch.tidy()
    freed = watch.freed()
    assert freed is not None and (freed.bytes, freed.flights) == (0, 0)
    assert not watch.is_making_room()
