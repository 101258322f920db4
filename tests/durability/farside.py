"""A real hub and its broker as processes, and a box that joined it."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.path.box import COMMAND, REPOSITORY, Box

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
needs_mosquitto = pytest.mark.skipif(
    not Path(MOSQUITTO).exists(), reason="needs mosquitto (tests/system-packages.sh)"
)
Where = Callable[[Sequence[str]], list[str]]
"""A command as it runs in some network namespace."""
_TRIGGER = """
CREATE TABLE IF NOT EXISTS proof (message TEXT);
CREATE TRIGGER IF NOT EXISTS proof_message AFTER INSERT ON messages
    BEGIN INSERT INTO proof VALUES (NEW.id); END;
"""


@dataclass
class Far:
    """The hub's side."""

    folder: Path
    where: Where
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    starts: int = 0

    @property
    def home(self) -> Path:
        """What `fieldbox hub init` made."""
        return self.folder / "hub"

    @property
    def broker(self) -> list[str]:
        """The command of the broker, as the hub's folder has it."""
        return self.where([MOSQUITTO, "-c", str(self.home / "mosquitto.conf")])

    @property
    def hub(self) -> list[str]:
        """The command of the hub."""
        return self.where([*COMMAND, "hub", "serve", str(self.home)])

    def start(self, name: str) -> None:
        """Start `broker` or `hub`."""
        assert name not in self.running
        self.starts += 1
        command = {"broker": self.broker, "hub": self.hub}[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd=REPOSITORY)

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        process = self.running.pop(name)
        process.send_signal(how)
        process.wait()

    def stop(self) -> None:
        """End whatever runs."""
        for name in list(self.running):
            self.end(name, signal.SIGKILL)

    def count(self) -> list[str]:
        """Ids of the messages in the hub's table, once for each time that one was put there."""
        with closing(sqlite3.connect(self.home / "hub.db")) as connection:
            return [row[0] for row in connection.execute("SELECT message FROM proof")]

    def watch(self) -> None:
        """Let the table itself note what is put into it. The hub has been started before, so that it is there."""
        with closing(sqlite3.connect(self.home / "hub.db")) as connection:
            connection.executescript(_TRIGGER)
