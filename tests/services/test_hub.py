"""The hub as a whole: a Mosquitto with the settings that `hub init` made, `hub serve` beside it, two boxes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.domain import MessageState
from fieldbox.errors import Unsent
from fieldbox.hub import broker
from fieldbox.hub.home import Home, client_certificate
from fieldbox.hub.receiving import Receipt
from fieldbox.sync import identity
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.tls import Credentials
from tests.hub.boxes import Sender
from tests.hubs import JoinedBox, Station, join, station_in
from tests.programs import needs_mosquitto, until

pytestmark = needs_mosquitto
NOT_AUTHORIZED = 0x87
"""MQTT 5, 2.4."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with station_in(tmp_path_factory.mktemp("station")) as running:
        yield running


@pytest.fixture(scope="module")
def hill(station: Station, tmp_path_factory: pytest.TempPathFactory) -> JoinedBox:
    return join(station, tmp_path_factory.mktemp("hill"), "Hill <b>farm</b>")


@pytest.fixture(scope="module")
def dale(station: Station, tmp_path_factory: pytest.TempPathFactory) -> JoinedBox:
    return join(station, tmp_path_factory.mktemp("dale"), "Dale")


def kept(station: Station, box: JoinedBox) -> Counter[str]:
    with station.store() as store:
        return Counter(one.id for one in store.messages(box=box.id, standing=False))


def states(box: JoinedBox) -> set[MessageState]:
    return {one.state for one in box.outbox.messages()}


def test_what_two_boxes_send_is_kept_and_acknowledged(
    station: Station, hill: JoinedBox, dale: JoinedBox
) -> None:
    sent = {box.id: box.tell(1, 2, 3) for box in (hill, dale)}
    for box in (hill, dale):
        box.burst()
        assert states(box) == {MessageState.ACKNOWLEDGED}
        assert kept(station, box) == Counter(sent[box.id])
    told = json.loads(station.ok("hub", "surveys", "--json"))
    assert {one["box"] for one in told} == {hill.id, dale.id}
    boxes = json.loads(station.ok("hub", "boxes", "--json"))
    assert [(one["id"], one["heard_over"]) for one in boxes] == [(hill.id, "mqtt"), (dale.id, "mqtt")]


def test_the_page_shows_them_and_nobody_else_reads_it(station: Station, hill: JoinedBox) -> None:
    hill.tell(4)
    hill.burst()
    status, page = station.get()
    assert status == 200
    assert hill.id in page and "F123" in page
    assert "Hill &lt;b&gt;farm&lt;/b&gt;" in page and "<b>farm" not in page
    assert station.get("/surveys.json")[0] == station.get("/boxes.json")[0] == 200
    assert station.get(host="evil.example.org")[0] == 400


def test_a_command_reaches_a_box_that_is_there_and_one_that_comes_later(
    station: Station, hill: JoinedBox, dale: JoinedBox
) -> None:
    dale.burst()  # it has a session at the broker from here on
    for box in (hill, dale):
        station.ok("hub", "send", "resend", box.id, "--id", "ab" * 16)
        before = len(box.commands)
        box.tell(100 + before)
        until(lambda box=box: box.burst() and box.commands)  # type: ignore[misc]
        assert box.commands[-1].body == {"ids": [b"\xab" * 16]}
    assert station.run("hub", "send", "picture", "bnobody22", "s1").exit_code == 1
    for wrong in (("resend", hill.id), ("resend", hill.id, "--id", "x"), ("settings", hill.id, "sync=1")):
        assert station.run("hub", "send", *wrong).exit_code == 2


def test_no_box_writes_or_reads_as_another(station: Station, hill: JoinedBox, dale: JoinedBox) -> None:
    """The broker itself keeps them apart, whatever is in a frame."""
    thief = MqttCarrier(Address("localhost", station.port), hill.credentials, dale.id)
    with pytest.raises(Unsent):
        session = thief.connect()  # it may not hear what is said to the other
        session.send(b"x")
        for _ in range(20):
            session.receive(0.5)
    before = kept(station, dale)
    dale.tell(7)
    frame = dale.sender.pack(dale.outbox.messages(MessageState.WAITING))
    assert publisher(hill, f"fieldbox/1/{dale.id}/up", frame) == NOT_AUTHORIZED
    assert kept(station, dale) == before
    dale.burst()
    assert kept(station, dale) != before


def publisher(box: JoinedBox, topic: str, payload: bytes) -> int | None:
    """Publish with a box's own certificate; the reason that the broker gives (MQTT 5), 0: it took it."""
    import paho.mqtt.client as paho  # noqa: PLC0415
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion  # noqa: PLC0415

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.load_verify_locations(cadata=box.joined.hub.authority)
    tls.load_cert_chain(box.credentials.certificate, box.credentials.key)
    client = paho.Client(CallbackAPIVersion.VERSION2, "else", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(tls)
    reasons: list[int] = []
    client.on_publish = lambda _c, _d, _m, reason, _p: reasons.append(reason.value)
    client.on_connect = lambda client, *_: client.publish(topic, payload, qos=1)
    client.connect("localhost", box.joined.hub.port)
    for _ in range(100):
        client.loop(0.1)
        if reasons:
            break
    client.disconnect()
    return reasons[0] if reasons else None


def test_a_certificate_of_another_authority_is_turned_away(
    station: Station, hill: JoinedBox, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Station(tmp_path / "other")
    other.init()
    stranger = join(other, tmp_path, "stranger")
    wrong = Credentials(
        stranger.credentials.certificate, stranger.credentials.key, hill.credentials.authority
    )
    with pytest.raises(Unsent):
        MqttCarrier(Address("localhost", station.port), wrong, stranger.id).connect()
    with pytest.raises(Unsent):  # and no box believes a broker of another hub
        MqttCarrier(
            Address("localhost", station.port),
            replace(hill.credentials, authority=stranger.credentials.authority),
            hill.id,
        ).connect()


def test_a_frame_of_a_box_that_the_hub_does_not_know_is_refused_and_listed(
    station: Station, hill: JoinedBox
) -> None:
    stranger = Sender()
    assert publisher(hill, f"fieldbox/1/{hill.id}/up", stranger.frame(stranger.summary())) == 0
    until(lambda: stranger.id in station.get()[1])
    with station.store() as store:
        (one,) = [one for one in store.refused() if one.box == stranger.id]
    assert one.why == "unknown"


def test_a_revoked_box_is_turned_away_by_the_broker(station: Station, tmp_path: Path) -> None:
    stolen = join(station, tmp_path, "stolen")
    stolen.tell(1)
    stolen.burst()
    station.ok("hub", "revoke", stolen.id)
    station.reload_broker()

    def away() -> bool:
        try:
            stolen.burst()
        except Unsent:
            return True
        return False

    until(away)
    assert station.run("hub", "revoke", "bnobody22").exit_code == 1
    again = replace(
        stolen, joined=join_again(station, stolen, tmp_path)
    )  # enrolled anew with another certificate it is heard
    again.tell(2)
    until(lambda: again.burst().acknowledged)


def join_again(station: Station, box: JoinedBox, folder: Path) -> identity.Joined:
    (folder / "again").write_text(box.joined.identity.request())
    station.ok("hub", "enrol", folder / "again", "-o", folder / "welcome2")
    mine = box.joined.identity
    return identity.join_hub(mine, identity.welcomed(mine, (folder / "welcome2").read_bytes()))


def test_a_hub_that_is_killed_loses_nothing_and_counts_nothing_twice(
    station: Station, tmp_path: Path
) -> None:
    box = join(station, tmp_path, "tough")
    sent: list[str] = []
    for round_ in range(4):
        sent += box.tell(*range(100 * round_, 100 * round_ + 40))
        session = box.carrier().connect()
        for at in range(0, 40, 8):
            due = box.outbox.messages(MessageState.WAITING)[at : at + 8]
            session.send(box.sender.pack(due))
            session.receive(0.05)
        station.end(station.server, signal.SIGKILL)
        session.close()
        if round_ % 2:
            station.end(station.broker, signal.SIGKILL)
            station.start_broker()
        station.start()
        until(lambda: box.burst() and states(box) == {MessageState.ACKNOWLEDGED})
    assert kept(station, box) == Counter(sent)


def test_a_fault_over_one_frame_stops_no_other(station: Station, tmp_path: Path) -> None:
    """A desk of the hub's that fails over one frame in a way that nobody foresaw."""
    here = Home.open(station.home)
    certificate, key = client_certificate(station.home)
    address = broker.Address("localhost", station.port, here.told.authority, certificate, key)
    station.end(station.server)
    box = join(station, tmp_path, "Glen")
    came: list[bytes] = []

    def take(frame: bytes) -> Receipt:
        came.append(frame)
        if len(came) == 1:
            raise ZeroDivisionError
        return Receipt(None, None, why="enough")

    stop = threading.Event()
    desk = broker.Desk(take, lambda _box: [], lambda _ids: None)
    working = threading.Thread(target=broker.serve, args=(address, desk, stop))
    working.start()
    try:
        for number in (1, 2):
            assert publisher(box, f"fieldbox/1/{box.id}/up", b"%d" % number) == 0
        until(lambda: len(came) == 2)
    finally:
        stop.set()
        working.join()
        station.start()
    assert came == [b"1", b"2"]


def test_the_hub_waits_for_a_broker_that_is_away(station: Station, hill: JoinedBox) -> None:
    station.end(station.broker)
    until(lambda: "away from the broker" in station.said(), station.said)
    station.start_broker()
    hill.tell(50)
    until(lambda: hill.burst() and states(hill) == {MessageState.ACKNOWLEDGED}, station.said)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_a_stick_that_cannot_be_read_is_a_sentence(station: Station, tmp_path: Path) -> None:
    (tmp_path / "fieldbox").mkdir(mode=0)
    less = "-dac_override,-dac_read_search"
    command = ["setpriv", "--bounding-set", less, "--inh-caps", less, sys.executable, "-m", "fieldbox"]
    told = subprocess.run(
        [*command, "hub", "import", tmp_path],
        env=os.environ | station.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "cannot be read (Permission denied)" in told.stderr
    assert "Traceback" not in told.stderr


def test_nothing_that_is_there_is_overwritten(station: Station, tmp_path: Path) -> None:
    before = {
        file.name: file.read_bytes()
        for file in station.home.iterdir()
        if file.is_file() and "db" not in file.name
    }
    told = station.run("hub", "init", station.home, "--host", "localhost")
    assert told.exit_code == 1 and "not empty" in told.output
    assert before == {name: (station.home / name).read_bytes() for name in before}
    assert station.run("hub", "init", tmp_path / "new", "--host", "no host").exit_code == 1
    assert not (tmp_path / "new").exists()


def test_a_new_hub_says_how_its_broker_is_started_and_has_nobody_to_write_to(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    init = ["hub", "init", str(folder), "--host", "hub.example.org"]
    told = CliRunner().invoke(main, [*init, "--sms", "123"])
    assert (told.exit_code, folder.exists()) == (1, False)
    assert "123 is no telephone number" in told.output
    told = CliRunner().invoke(main, [*init, "--sms", "+91 98123 45678"])
    assert told.exit_code == 0, told.output
    assert f"OPENSSL_CONF={folder}/openssl.cnf mosquitto -c {folder}/mosquitto.conf" in told.output
    assert json.loads((folder / "hub.json").read_text())["sms"] == "+919812345678"
    told = CliRunner().invoke(
        main, ["hub", "export", str(tmp_path)], env={"FIELDBOX_HUB__FOLDER": str(folder)}
    )
    assert (told.exit_code, told.stdout) == (1, "No box has joined yet: see fieldbox hub enrol.\n")


def test_keys_are_read_by_nobody_else(station: Station) -> None:
    modes = {file.name: file.stat().st_mode & 0o777 for file in station.home.glob("*.key")}
    assert modes == dict.fromkeys(("hub.key", "ca.key", "server.key", "client.key"), 0o600)


def test_where_there_is_no_hub_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    told = Station(tmp_path / "none").run("hub", "boxes")
    assert told.exit_code == 1 and "fieldbox hub init" in told.output
