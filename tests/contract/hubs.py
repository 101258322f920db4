"""The two databases that a hub may have: a SQLite file, and a PostgreSQL that is started for the tests and thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import free_port

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
_USER = "postgres"


def missing() -> str | None:
    """Why PostgreSQL cannot be had here; None: it can."""
    if not _BINARIES:
        return "needs PostgreSQL's own programs (postgresql)"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "needs runuser: PostgreSQL does not run as root"
    return None


def _run(folder: Path, *command: object) -> None:
    """Run a program of PostgreSQL, as its user where we are root."""
    told = [str(one) for one in command]
    own = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*own, *told], check=True, stdout=subprocess.DEVNULL, cwd=folder)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server whose files are below `folder`; the URL of its first database. Skips the test where there is none."""
    why = missing()
    if why is not None:
        pytest.skip(why)
    data, sockets = folder / "data", folder
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, _USER)
    binaries, port = _BINARIES[-1], free_port()
    _run(folder, binaries / "initdb", "-D", data, "-A", "trust", "-U", _USER, "-E", "UTF8", "--no-sync")
    control = (binaries / "pg_ctl", "-D", data, "-w")
    options = f"-k {sockets} -p {port} -h 127.0.0.1"
    _run(folder, *control, "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/{_USER}"
    finally:
        _run(folder, *control, "-m", "immediate", "stop")
