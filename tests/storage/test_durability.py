from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fieldbox.errors import Misconfigured, Unavailable
from fieldbox.storage.engine import Database, make_engine, transaction, writer
from fieldbox.storage.store import Store
from tests.storage.samples import REPOSITORY, add_flight

SETTINGS_WRITER = """
import sys
from itertools import count
from pathlib import Path
from fieldbox.storage.store import Store
with Store.open(Path(sys.argv[1])) as store:
    for number in count():
        store.set_setting(str(number), "x" * 3000)
        print(number, flush=True)
"""
COUNTER = """
import sys
from pathlib import Path
from fieldbox.storage.engine import Database
database = Database(Path(sys.argv[1]))
for _ in range(40):
    with database.write() as connection:
        value = int(connection.exec_driver_sql("SELECT value FROM settings").scalar_one())
        connection.exec_driver_sql("UPDATE settings SET value = ?", (str(value + 1),))
"""
KILLED_IN_SURVEY = """
import os, signal, sys
from pathlib import Path
from fieldbox.storage.store import Store
from tests.storage.samples import detection, near_bangalore, survey, told

def killed(east, north):
    os.kill(os.getpid(), signal.SIGKILL)

to_geographic = killed if sys.argv[2] == "kill" else near_bangalore
with Store.open(Path(sys.argv[1])) as store:
    flight = store.flight("flight")
    store.save_survey(survey(flight), [detection(flight, 1.0, 2.0)], told(), plan_key="plan",
                      release_sha="r1", to_geographic=to_geographic)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path)
    yield opened
    opened.close()


@pytest.mark.parametrize("acknowledged", [1, 40, 400])
def test_a_killed_writer_leaves_every_acknowledged_commit(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "fieldbox.db"
    process = start(SETTINGS_WRITER, path)
    assert process.stdout is not None
    for _ in range(acknowledged):
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    last = max([last, *map(int, process.stdout.read().split())])
    process.wait()
    with Store.open(path) as store:
        assert store.check() == []
        assert all(store.setting(str(number)) == "x" * 3000 for number in range(last + 1))
        store.set_setting("after", "1")


def test_a_kill_inside_save_survey_leaves_nothing_of_it(path: Path) -> None:
    with Store.open(path) as store:
        add_flight(store)
        assert start(KILLED_IN_SURVEY, path, "kill").wait() == -signal.SIGKILL
        assert store.surveys() == []
        assert store.messages() == []
        assert start(KILLED_IN_SURVEY, path, "finish").wait() == 0
        assert len(store.detections("survey")) == 1
        assert len(store.messages()) == 1
        assert store.check() == []


def test_processes_and_threads_that_read_and_then_write_lose_nothing(path: Path) -> None:
    with Store.open(path) as store:
        store.set_setting("counter", "0")
        processes = [start(COUNTER, path), start(COUNTER, path)]
        code = compile(COUNTER, "counter", "exec")
        arguments = sys.argv
        sys.argv = ["", str(path)]
        threads = [threading.Thread(target=exec, args=(code, {})) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.argv = arguments
        assert [process.wait() for process in processes] == [0, 0]
        assert store.setting("counter") == "160"


def test_a_write_holds_the_lock_from_its_beginning_and_a_read_never(database: Database) -> None:
    with closing(sqlite3.connect(database.path, timeout=0, isolation_level=None)) as other:
        with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with database.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM settings").scalar_one()
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO settings VALUES ('a', 'b')")
            other.execute("COMMIT")
            # A read goes on seeing the state that it began with.
            assert connection.exec_driver_sql("SELECT count(*) FROM settings").scalar_one() == 0


def test_a_write_waits_for_another_program(database: Database) -> None:
    other = sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    began = time.monotonic()
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO settings VALUES ('a', 'b')")
    assert time.monotonic() - began > 0.2
    other.close()


def test_a_writer_that_waits_too_long_says_so(path: Path) -> None:
    with writer(path), pytest.raises(Unavailable, match="keeps the database"), writer(path, wait_s=0.05):
        pass


def test_an_error_inside_a_write_rolls_it_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO settings VALUES ('a', 'b')")
        raise RuntimeError
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM settings").scalar_one() == 0


def test_the_connections_are_durable_and_guard_references(database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    with database.write() as connection:
        for name, value in wanted.items():
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() == value


def test_a_full_disk_is_said_in_one_sentence(path: Path) -> None:
    engine = make_engine(path)
    with pytest.raises(Unavailable, match="disk of the box is full"), transaction(engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("INSERT INTO settings VALUES ('a', ?)", ("x" * 100_000,))
    engine.dispose()


def test_a_file_that_cannot_be_written_is_said_in_one_sentence(path: Path) -> None:
    engine = make_engine(path)
    with pytest.raises(Unavailable, match="cannot be written"), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("INSERT INTO settings VALUES ('a', 'b')")
    engine.dispose()


def test_damage_met_while_reading_is_said_in_one_sentence(path: Path) -> None:
    with Store.open(path) as store:
        store.set_setting("a", "b")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(Misconfigured, match="is damaged"), Store.open(path) as store:
        store.setting("a")
