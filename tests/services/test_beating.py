"""Who runs is known at once, and costs the disk next to nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fieldbox.config import Config, StorageConfig
from fieldbox.services.beating import SERVICES, beating, beats_folder, services

KILLED = """
import sys, time
from pathlib import Path
from fieldbox.config import Config, StorageConfig
from fieldbox.services.beating import beating
with beating(Config(storage=StorageConfig(root=Path(sys.argv[1]))), "worker"):
    print("runs", flush=True)
    time.sleep(60)
"""


def of(root: Path) -> Config:
    return Config(storage=StorageConfig(root=root))


def test_a_service_runs_as_long_as_its_process_says_so(tmp_path: Path) -> None:
    config, begun = of(tmp_path), datetime.now(UTC)
    with beating(config, "worker"):
        told = {one.name: one for one in services(config)}
        assert tuple(told) == SERVICES
        worker = told["worker"]
        assert worker.runs and worker.since and begun <= worker.since <= datetime.now(UTC)
        assert not told["sync"].runs and told["sync"].seen_at is None
        assert services(config) == list(told.values()), "looking changes nothing"
    stopped = {one.name: one for one in services(config)}["worker"]
    assert not stopped.runs and stopped.since is None
    assert stopped.seen_at and stopped.seen_at >= begun - timedelta(seconds=1)


def test_a_service_that_was_killed_runs_no_more(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "runs\n"
    assert [one.name for one in services(of(tmp_path)) if one.runs] == ["worker"]
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not any(one.runs for one in services(of(tmp_path)))


def test_a_folder_that_cannot_be_written_stops_no_service(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    with beating(of(tmp_path), "web"):
        assert not any(one.runs for one in services(of(tmp_path)))


def test_the_marks_are_in_memory_on_a_box_alone(tmp_path: Path) -> None:
    assert beats_folder(of(tmp_path), tmp_path) == tmp_path / "run"
    assert beats_folder(Config(), tmp_path) == tmp_path
    assert beats_folder(Config(), tmp_path / "gone") == Config().storage.root / "run"
    assert not list(tmp_path.iterdir())
