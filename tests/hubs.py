"""A hub as its keeper makes it: `fieldbox hub init`, its own Mosquitto, `fieldbox hub serve`; and boxes that joined it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from fieldbox.cli import main
from fieldbox.domain import MessageKind, Outgoing
from fieldbox.hub.store import HubStore
from fieldbox.sync import identity
from fieldbox.sync.burst import BurstReport, Limits, Sender, burst
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.tls import Credentials
from fieldbox.wire.down import Down
from fieldbox.wire.ids import key_of
from tests.brokers import free_port
from tests.hub.boxes import summary


def now() -> datetime:
    return datetime.now(UTC)


class RunningClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        return now()

    def elapsed(self) -> float:
        return time.monotonic()


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
        told = CliRunner().invoke(main, [str(one) for one in arguments], env=self.environment)
        assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
        return told

    def ok(self, *arguments: object) -> str:
        told = self.run(*arguments)
        assert told.exit_code == 0, told.output
        return told.stdout

    def init(self) -> None:
        self.ok("hub", "init", self.home, "--host", "localhost", "--port", self.port)

    def start_broker(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self.folder / "broker.log").open("ab") as log:
            self.broker = subprocess.Popen(
                [program, "-c", self.home / "mosquitto.conf"],
                stdout=log,
                stderr=log,
                env={**os.environ, "OPENSSL_CONF": str(self.home / "openssl.cnf")},
            )
        until(lambda: _listens(self.port), self.broker_said)

    def broker_said(self) -> str:
        return (self.folder / "broker.log").read_text()

    def start(self) -> None:
        """Have `fieldbox hub serve` running, at the broker."""
        with (self.folder / "hub.log").open("wb") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "fieldbox", "hub", "serve"],
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
            )
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


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], object], said: Callable[[], str] = str, seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


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
        return [
            self.outbox.send(Outgoing(MessageKind.SUMMARY, summary(n), key_of(self.id, str(n))))
            for n in numbers
        ]

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
            self.id, joined.identity.key, joined.hub_key, self.outbox, RunningClock(), self.commands.append
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
