"""A hub as its keeper makes it: `fieldbox hub init`, its own Mosquitto, `fieldbox hub serve`; and boxes that joined it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from click.testing import Result

from fieldbox.hub.store import HubStore
from fieldbox.sync import identity
from fieldbox.sync.burst import BurstReport, Limits, Sender, burst
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.tls import Credentials
from fieldbox.wire.down import Down
from tests.hub.boxes import tell
from tests.programs import broker_of, done, free_port, listens, run_command, started, until
from tests.systemclock import SystemClock


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Station:
    """A hub on this machine."""

    folder: Path
    port: int = field(default_factory=free_port)
    page: int = field(default_factory=free_port)
    broker: subprocess.Popen[bytes] | None = None
    server: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.folder / "hub"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "FIELDBOX_STORAGE__ROOT": str(self.folder / "root"),
            "FIELDBOX_HUB__FOLDER": str(self.home),
            "FIELDBOX_HUB__PORT": str(self.page),
        }

    def run(self, *arguments: object) -> Result:
        """A command of the hub's keeper."""
        return run_command(self.environment, *arguments)

    def ok(self, *arguments: object) -> str:
        return done(self.run(*arguments))

    def init(self) -> None:
        self.ok("hub", "init", self.home, "--host", "localhost", "--port", self.port)

    def start_broker(self) -> None:
        words, environment = broker_of(self.home)
        self.broker = started(words, self.folder / "broker.log", environment)
        until(lambda: listens(self.port), self.broker_said)

    def broker_said(self) -> str:
        return (self.folder / "broker.log").read_text()

    def start(self) -> None:
        """Have `fieldbox hub serve` running, at the broker."""
        log = self.folder / "hub.log"
        log.unlink(missing_ok=True)  # what is awaited is said by this one
        words = [sys.executable, "-m", "fieldbox", "hub", "serve"]
        self.server = started(words, log, os.environ | self.environment)
        until(lambda: "at the broker" in self.said(), self.said)

    def said(self) -> str:
        return (self.folder / "hub.log").read_text()

    def reload_broker(self) -> None:
        """Have the broker read its list of revoked certificates again."""
        assert self.broker is not None
        self.broker.send_signal(signal.SIGHUP)

    def end(self, process: subprocess.Popen[bytes] | None, how: signal.Signals = signal.SIGTERM) -> None:
        if process is not None and process.poll() is None:
            process.send_signal(how)
            process.wait(20)

    def stop(self) -> None:
        self.end(self.server)
        self.end(self.broker)

    def store(self) -> HubStore:
        return HubStore.open(self.home / "hub.db")

    def get(self, path: str = "/", host: str | None = None) -> tuple[int, str]:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.page}{path}", headers={"Host": host} if host else {}
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""


@dataclass
class JoinedBox:
    """A box that joined the station's hub, with its messages in memory."""

    joined: identity.Joined
    outbox: MemoryOutbox = field(default_factory=lambda: MemoryOutbox(now))
    commands: list[Down] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.joined.identity.box

    def tell(self, *numbers: int) -> list[str]:
        """Put surveys into the outbox."""
        return tell(self.outbox, self.id, numbers)

    @property
    def credentials(self) -> Credentials:
        mine = self.joined.identity
        return Credentials(mine.certificate, mine.tls_key, self.joined.hub.authority)

    def carrier(self) -> MqttCarrier:
        hub = self.joined.hub
        return MqttCarrier(Address(hub.host, hub.port), self.credentials, self.id)

    @property
    def sender(self) -> Sender:
        joined = self.joined
        return Sender(
            self.id, joined.identity.key, joined.hub_key, self.outbox, SystemClock(), self.commands.append
        )

    def burst(self, limits: Limits | None = None) -> BurstReport:
        session = self.carrier().connect()
        try:
            return burst(session, self.sender, limits or Limits(seconds=60, patience=30))
        finally:
            session.close()


def join(station: Station, folder: Path, name: str = "Hill") -> JoinedBox:
    """A new box that joins as people do it."""
    mine = identity.own(folder / "identity")
    request, welcome = folder / "request", folder / "welcome"
    request.write_text(mine.request())
    station.ok("hub", "enrol", request, "-o", welcome, "--name", name)
    return JoinedBox(identity.join_hub(mine, identity.welcomed(mine, welcome.read_bytes())))


@contextmanager
def station_in(folder: Path, *, serving: bool = True) -> Iterator[Station]:
    """A hub that is made, and unless told otherwise running."""
    station = Station(folder)
    station.init()
    try:
        if serving:
            station.start_broker()
            station.start()
        yield station
    finally:
        station.stop()
