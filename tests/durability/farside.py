"""A real hub and its broker as processes, and a box that joined it with the commands that people use."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.path.box import COMMAND, REPOSITORY, Box
from tests.programs import broker_of, free_port, started, until

BROKER, HUB = "broker", "hub"
Where = Callable[[Sequence[str]], list[str]]
"""A command as it runs in some network namespace."""
_TRIGGER = """
CREATE TABLE IF NOT EXISTS proof (message TEXT);
CREATE TRIGGER IF NOT EXISTS proof_message AFTER INSERT ON messages
    BEGIN INSERT INTO proof VALUES (NEW.id); END;
"""


def here(words: Sequence[str]) -> list[str]:
    """In the machine's own namespace."""
    return list(words)


@dataclass
class Far:
    """The hub's side, in `folder`."""

    folder: Path
    where: Where = here
    page: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def made(cls, folder: Path, host: str, where: Where = here, *, port: int | None = None) -> Far:
        """A hub that was just made; nothing of it runs."""
        far = cls(folder, where)
        far.tell("init", far.home, "--host", host, "--port", str(port or free_port()))
        return far

    @property
    def home(self) -> Path:
        """What `fieldbox hub init` made."""
        return self.folder / "hub"

    @property
    def environment(self) -> dict[str, str]:
        """Of the hub's processes."""
        own = {"FIELDBOX_HUB__FOLDER": str(self.home), "FIELDBOX_HUB__PORT": str(self.page)}
        return {**os.environ, **own}

    def tell(self, *words: object) -> None:
        """Run a command of `fieldbox hub` to its end."""
        command = [*COMMAND, "hub", *map(str, words)]
        subprocess.run(command, env=self.environment, cwd=REPOSITORY, check=True, capture_output=True)

    def join(self, box: Box) -> None:
        """Let a box join this hub."""
        request, welcome = self.folder / "box.request", self.folder / "box.welcome"
        assert box.run("link", "request", "-o", request).code == 0
        self.tell("enrol", request, "-o", welcome)
        assert box.run("link", "join", welcome, "--yes").code == 0
        self._watch()

    def start(self, *names: str) -> None:
        """Start the broker or the hub."""
        commands = {
            BROKER: broker_of(self.home),
            HUB: ([*COMMAND, "hub", "serve"], self.environment),
        }
        for name in names:
            assert name not in self.running
            words, environment = commands[name]
            self.running[name] = started(self.where(words), self.folder / f"{name}.log", environment)

    def await_hub(self, patience_s: float = 60) -> None:
        """Return once the hub hears what boxes send."""
        log = self.folder / f"{HUB}.log"
        until(lambda: b"the hub answers" in log.read_bytes(), self.said, patience_s)

    def kill(self, *names: str) -> None:
        """As the kernel does when memory is short."""
        for name in names:
            process = self.running.pop(name)
            process.send_signal(signal.SIGKILL)
            process.wait()

    def check(self) -> None:
        """AssertionError where something has ended by itself."""
        ended = {name: process.poll() for name, process in self.running.items()}
        assert set(ended.values()) <= {None}, (ended, self.said())

    def said(self) -> str:
        """What the hub and its broker said last."""
        files = [self.folder / f"{name}.log" for name in (BROKER, HUB)]
        return "\n".join(file.read_text()[-2000:] for file in files if file.exists())

    def arrived(self) -> list[str]:
        """Ids of the messages in the hub's table, each once for every time that it was put there."""
        with closing(sqlite3.connect(self.home / "hub.db", timeout=30)) as connection:
            return [row[0] for row in connection.execute("SELECT message FROM proof")]

    def table(self) -> list[str]:
        """Ids of the messages in the hub's table."""
        with closing(sqlite3.connect(self.home / "hub.db", timeout=30)) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM messages")]

    def _watch(self) -> None:
        """Let the table itself note what is put into it."""
        with closing(sqlite3.connect(self.home / "hub.db", timeout=30)) as connection:
            connection.executescript(_TRIGGER)

    def __enter__(self) -> Far:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(*list(self.running))
