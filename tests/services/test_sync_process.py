"""`fieldbox sync` as a process, with a real Mosquitto at the far end of a real cable, in networks of their own. Needs root."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fieldbox.domain import LinkKind, MessageKind, MessageState, Outgoing
from fieldbox.hub.home import Home
from fieldbox.storage.store import Store
from fieldbox.wire.commands import Settings
from fieldbox.wire.down import DownKind
from fieldbox.wire.ids import key_of
from tests.namespaces import Network, network
from tests.programs import MOSQUITTO, needs_mosquitto
from tests.services.joinedbox import HubEnd, joined_box

FAR = "10.1.0.2"
PORT = 8883
"""Nobody else is in that network."""
_BROKER = f"""
until ip address add {FAR}/24 dev c0far 2>/dev/null; do sleep 0.02; done
ip link set c0far up
exec "$1" -c "$2"
"""
_NO_CLOCK = ["setpriv", "--bounding-set", "-sys_time", "--inh-caps", "-sys_time"]
"""No test sets the clock of the machine, whatever goes wrong in it."""
RUN = [*_NO_CLOCK, sys.executable, "-c", "from fieldbox.cli import main; main()"]

pytestmark = needs_mosquitto


class Far:
    """The hub, its broker, and the box's own network."""

    def __init__(self, folder: Path, net: Network) -> None:
        self.net = net
        self.config, self.end = joined_box(folder, host=FAR, port=PORT, founded=datetime.now(UTC))
        self.end.now = self.end.founded
        self.environ = {**os.environ, "FIELDBOX_STORAGE__ROOT": str(self.config.storage.root)}
        net.cable("c0", 1)
        conf = str(self.end.home.folder / "mosquitto.conf")
        self.broker = subprocess.Popen(["unshare", "--net", "sh", "-c", _BROKER, "sh", MOSQUITTO, conf])
        try:
            eventually(lambda: network_of(self.broker.pid) != network_of("self"))
            net.ip("link", "set", "c0far", "netns", str(self.broker.pid))
            self.client = net.run(lambda: listening(self.end.home, self.end))
        except BaseException:
            self.stop_broker()
            raise

    def route(self, up: bool = True) -> None:
        self.net.ip("route", "add" if up else "delete", "default", "via", FAR)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.net.run(
            lambda: subprocess.run(
                [*RUN, *arguments], env=self.environ, capture_output=True, text=True, timeout=60, check=False
            )
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self.net.run(lambda: subprocess.Popen([*RUN, *arguments], env=self.environ))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.stop_broker()

    def stop_broker(self) -> None:
        self.broker.terminate()
        self.broker.wait()


def network_of(process: int | str) -> str:
    return str(Path(f"/proc/{process}/ns/net").readlink())


def listening(home: Home, end: HubEnd) -> paho.Client:
    """The hub at its broker, as soon as that is there."""
    tls = ssl.create_default_context(cadata=home.told.authority)
    tls.load_cert_chain(home.folder / "client.crt", home.folder / "client.key")
    client = paho.Client(CallbackAPIVersion.VERSION2, "hub", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(tls)
    ready: list[bool] = []

    def came(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        for word in end(bytes(message.payload)):
            client.publish(f"fieldbox/1/{end.identity.box}/down", word, qos=1)

    client.on_message = came
    client.on_connect = lambda *_: client.subscribe("fieldbox/1/+/up", qos=1)
    client.on_subscribe = lambda *_: ready.append(True)
    eventually(lambda: _connected(client))
    client.loop_start()
    eventually(lambda: bool(ready))
    return client


def _connected(client: paho.Client) -> bool:
    try:
        client.connect(FAR, PORT)
    except OSError:
        return False
    return True


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 40
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


@contextmanager
def far_end(folder: Path) -> Iterator[Far]:
    with network(Path("/sys")) as net:
        far = Far(folder, net)
        try:
            yield far
        finally:
            far.close()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with far_end(tmp_path) as made:
        yield made


def has(store: Store, number: int, kind: MessageKind = MessageKind.ALERT) -> str:
    return store.send(Outgoing(kind, '{"v":1}', key_of(kind, str(number))))


def test_once(far: Far) -> None:
    with Store.open(far.config.database) as store:
        one = has(store, 1, MessageKind.SUMMARY)
        told = far.run("sync", "--once", "--json")
        assert (told.returncode, json.loads(told.stdout)["done"]) == (1, False), told.stderr
        assert "No link" in json.loads(told.stdout)["why"]
        far.route()
        told = far.run("sync", "--once")
        assert (told.returncode, told.stdout) == (0, "The hub was reached; 0 messages wait.\n"), told.stderr
        assert far.end.has[one] == 1
        assert store.message(one).state is MessageState.ACKNOWLEDGED  # type: ignore[union-attr]
        (day,) = store.traffic_since(store.message(one).created_at.date())  # type: ignore[union-attr]
        assert day.kind is LinkKind.ETHERNET
        assert 3000 < day.total < 12_000
        shown = far.run("status").stdout
        assert "Hub last reached: 20" in shown
        assert json.loads(far.run("status", "--json").stdout)["link"]["links"] == ["ethernet"]


def test_a_link_that_comes_is_used_at_once_and_commands_are_heard(far: Far) -> None:
    word = far.end.says(DownKind.SETTINGS, Settings({"sync.gather_hours": 9}).body(), issued=far.end.founded)
    far.client.publish(f"fieldbox/1/{far.end.identity.box}/down", word, qos=1, retain=True).wait_for_publish(
        10
    )
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(far.environ.setdefault("NOTIFY_SOCKET", str(far.config.storage.root / "notify")))
    systemd.settimeout(30)
    with systemd, Store.open(far.config.database) as store:
        process = far.start("sync")
        assert [systemd.recv(99), systemd.recv(99)] == [b"READY=1", b"WATCHDOG=1"]
        eventually(lambda: (state := store.link_state()) is not None and not state.links)
        refused = far.run("sync", "--once")
        assert (refused.returncode, "sends already" in refused.stderr) == (
            1,
            True,
        )
        one = has(store, 1)
        far.route()
        eventually(lambda: far.end.has[one] == 1)
        eventually(lambda: store.message(one).state is MessageState.ACKNOWLEDGED)  # type: ignore[union-attr]
        eventually(lambda: len(far.end.answers) == 1)
        assert far.run("sync", "settings").stdout == "sync.gather_hours = 9\n"
        assert far.run("sync", "settings", "--undo", "sync.gather_hours").returncode == 0
        assert "no setting" in far.run("sync", "settings").stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
