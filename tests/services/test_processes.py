"""The services as processes: they start, answer, stop, and say in one sentence what hinders them."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldbox.services import logbook
from fieldbox.services.beating import services
from fieldbox.storage.store import Store
from tests.path.box import COMMAND, REPOSITORY, Box, simulated
from tests.programs import free_port


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("flown") / "card", camera="tiny", max_photos=6)[0]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "root").with_settings(web__port=str(free_port()))


@contextmanager
def running(box: Box, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*COMMAND, *words], env=box.environment, cwd=REPOSITORY, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=120)


def answer(box: Box, path: str, patience_s: float = 120) -> int:
    """The status of the dashboard's answer, as soon as it answers."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{box.config.web.port}{path}", timeout=5) as page:
                return int(page.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_web_process_answers_and_stops(box: Box) -> None:
    with running(box, "web") as process:
        assert answer(box, "/healthz") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0


def test_the_web_process_looks_after_the_box(box: Box) -> None:
    with running(box, "web"), running(box, "worker"):
        assert answer(box, "/healthz") == 200
        waited(lambda: {one.name for one in services(box.config) if one.runs} == {"web", "worker"})
        with Store.open(box.config.database) as store:
            waited(lambda: len(store.vitals(datetime(2020, 1, 1, tzinfo=UTC))) == 1)
    assert not any(one.runs for one in services(box.config))
    said = logbook.read(logbook.logs_folder(box.config), logbook.Wanted(), 10)
    assert ("web", "dashboard answers") in [(one.service, one.event) for one in said]


def waited(is_so: Callable[[], bool], patience_s: float = 120) -> None:
    """Until it is so."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_taken_port_is_said(box: Box) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", box.config.web.port))
        other.listen()
        said = box.run("web")
    assert said.code == 1
    assert "FIELDBOX_WEB__PORT" in said.err
    assert "Traceback" not in said.err


def is_locked(path: Path) -> bool:
    """Whether some process holds a lock on the file, asked without taking one."""
    if not path.exists():
        return False
    held = (line.split()[5] for line in Path("/proc/locks").read_text().splitlines() if "->" not in line)
    return any(one.endswith(f":{path.stat().st_ino}") for one in held)


def test_one_worker_to_a_box(box: Box) -> None:
    with running(box, "worker") as process:
        deadline = time.monotonic() + 120
        while not is_locked(box.root / "worker.lock"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = box.run("worker")
        assert "Another worker" in second.err
        assert second.code == 1
        assert second.out == ""
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0


def test_a_login_link(box: Box) -> None:
    link = box.run("login-link").out.strip()
    assert link.startswith(f"http://127.0.0.1:{box.config.web.port}/enter/")
    with running(box, "web"):
        assert answer(box, "/enter/" + link.rsplit("/", 1)[1]) == 200


def test_the_demo_maps_a_flight_and_serves_it(box: Box, flight: Path) -> None:
    said = box.run("demo", "--flight", flight, "--no-serve")
    assert said.code == 0, said.err
    assert "Photos taken in: 6" in said.out
    with running(box, "demo", "--flight", str(flight)) as process:
        assert answer(box, "/healthz") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    with pytest.raises(ConnectionRefusedError):  # its web process ended with it
        socket.create_connection(("127.0.0.1", box.config.web.port), timeout=5)


def test_steps_are_told_in_words(box: Box, flight: Path) -> None:
    said = box.run("ingest", flight, "--wait")
    assert said.code == 0
    told = said.err.splitlines()
    assert told == [
        "Copying photos",
        "Reading the photos; the card can be pulled out now",
        "Finding out where each photo stands",
        "Planning the coverage",
        "Looking at the field",
        "Looking again at what is doubtful",
        "Drawing the map",
        "Putting the mosaic together",
    ]
