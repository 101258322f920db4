"""Programs that tests start beside themselves: on free ports, with what they say in files, awaited and not guessed at."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldbox.cli import main

REPOSITORY = Path(__file__).resolve().parents[1]
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
needs_mosquitto = pytest.mark.skipif(
    not Path(MOSQUITTO).exists(), reason="needs mosquitto (tests/system-packages.sh)"
)


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody answers on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], object], said: Callable[[], str] | str = "", seconds: float = 60) -> None:
    """Return when something is so. AssertionError where it never is, with what was said meanwhile or did not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, said if isinstance(said, str) else said()
        time.sleep(0.02)


def started(
    command: Sequence[object], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process in the repository's folder that says what it says in `log`, after what stands there."""
    words = [str(one) for one in command]
    with log.open("ab") as out:
        return subprocess.Popen(words, stdout=out, stderr=out, cwd=REPOSITORY, env=environment)


def broker_of(hub: Path) -> tuple[list[str], dict[str, str]]:
    """How the broker of a hub's folder is started, as its own settings say: the command and the environment."""
    return [MOSQUITTO, "-c", str(hub / "mosquitto.conf")], os.environ | {
        "OPENSSL_CONF": str(hub / "openssl.cnf")
    }


def run_command(environment: Mapping[str, str], *words: object, answer: str | None = None) -> Result:
    """A command of fieldbox, in this process; whatever else it raises than its own errors is raised."""
    told = CliRunner().invoke(main, [str(one) for one in words], env=environment, input=answer)
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    return told


def done(told: Result) -> str:
    """What a command printed that must have gone well."""
    assert told.exit_code == 0, told.output
    return told.stdout
