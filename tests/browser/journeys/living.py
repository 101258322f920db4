"""A box that lives: two simulated flights on it, and the dashboard, the worker, the intake and what sends as processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fieldbox.config import load_config
from fieldbox.dashboard.passwords import hash_password
from fieldbox.services.box import open_store
from tests.browser.conftest import PASSWORD
from tests.programs import free_port, started, until

SERVICES = ("web", "worker", "intake", "sync")
PATIENCE_S = 900.0
"""The machine may have other work; nothing is measured here."""
PARTLY = 3
"""How an ingest ends that could not use every file."""
OWNER, AGRONOMIST = "asha", "ravi"
NORTH, SOUTH = "North field", "South field"
WELL_FLOWN = (
    *("--rtk", "--gps-sigma", "0.02", "--gps-drift", "0", "--height-sigma", "0.03"),
    *("--yaw-sigma", "0.5", "--tilt-sigma", "0.2"),
)
GROWN = ("--size", "18", "12", "--weeds", "2", "--symptoms", "4")
LATER = ("--later", "12", "--new-patches", "1")
SMALL = ("--size", "10", "7", "--seed", "5", "--lat", "18.58", "--lon", "74.26")
"""Two or so photos of another field."""


@dataclass
class LivingBox:
    """A box on this machine; what its processes say stands in `logs`."""

    folder: Path
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "box"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the box."""
        return {
            "FIELDBOX_STORAGE__ROOT": str(self.root),
            "FIELDBOX_STORAGE__RESERVE_MB": "0",
            "FIELDBOX_WEB__PORT": str(self.port),
            "FIELDBOX_WORKER__POLL_SECONDS": "0.2",
            "FIELDBOX_INGEST__CARDS_FOLDER": str(self.folder / "cards"),
            "FIELDBOX_INGEST__SETTLE_SECONDS": "1",
        }

    def begin(self, *words: object) -> subprocess.Popen[bytes]:
        """A command of fieldbox, running."""
        self.logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "fieldbox", *words]
        return started(command, self.logs / f"{words[0]}.log", os.environ | self.environ)

    def run(self, *words: object, code: int = 0) -> None:
        """A command of fieldbox that ends with `code`."""
        self.ends(self.begin(*words), str(words[0]), code)

    def ends(self, process: subprocess.Popen[bytes], name: str, code: int = 0) -> None:
        """Wait for the end of a command."""
        assert process.wait(PATIENCE_S) == code, self.said(name)

    def said(self, *names: str) -> str:
        """What processes said last."""
        found = [*self.logs.glob("*.log"), *(self.root / "logs").glob("*")]
        found = [one for one in sorted(found) if one.is_file() and (not names or one.name.startswith(names))]
        return "\n".join(f"{one.name}:\n{one.read_text('utf-8')[-4000:]}" for one in found)

    def start(self, services: Sequence[str] = SERVICES) -> None:
        """Have services running; the dashboard answers."""
        for name in services:
            self.running[name] = self.begin(name)
        until(self.answers, self.said, PATIENCE_S)

    def answers(self) -> bool:
        """Whether the dashboard does."""
        assert self.running["web"].poll() is None, self.said("web")
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):  # noqa: S310  our own address
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self) -> dict[str, int]:
        """End all that runs as systemd does it: with what code each went."""
        for one in self.running.values():
            one.terminate()
        return {name: one.wait(PATIENCE_S) for name, one in self.running.items()}

    def people(self, **roles: str) -> None:
        """Let people in who have chosen a password already."""
        secret = hash_password(PASSWORD)
        with open_store(load_config(self.environ)) as store:
            for name, role in roles.items():
                store.add_user(name, secret, role)

    def setting(self, name: str) -> str | None:
        """What the box keeps under a name."""
        with open_store(load_config(self.environ)) as store:
            return store.setting(name)


def fly(box: LivingBox, flights: Mapping[str, Sequence[str]]) -> None:
    """Simulated flights, each into a folder of its name beside the box, at the same time."""
    flying = [
        box.begin("simulate", "flight", box.folder / name, *WELL_FLOWN, *more)
        for name, more in flights.items()
    ]
    for one in flying:
        box.ends(one, "simulate")


def spoil(card: Path) -> None:
    """Files that no camera made: one says so by its name, and one does not."""
    (card / "DJI_0990.JPG").write_bytes(b"\xff\xd8 this is no photo " * 400)
    (card / "notes.txt").write_text("Wind from the west.\n", "utf-8")


@contextmanager
def living_in(folder: Path) -> Iterator[LivingBox]:
    """A field flown twice, people who may log in, and all of its services; they leave in order at the end."""
    box = LivingBox(folder)
    fly(box, {"first": GROWN, "second": (*GROWN, *LATER), "small": SMALL})
    spoil(folder / "first")
    box.people(**{OWNER: "owner", AGRONOMIST: "agronomist"})
    box.run("ingest", folder / "first", "--field", NORTH, "--wait", code=PARTLY)
    box.run("ingest", folder / "second", "--wait")
    for name in ("first", "second"):
        shutil.rmtree(folder / name)
    try:
        box.start()
        yield box
    finally:
        ended = box.stop()
    assert set(ended.values()) == {0}, (ended, box.said())
