"""The link over a real Mosquitto with mutual TLS: what a broker forgets, what is refused, what a connection costs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.domain import MessageState
from fieldbox.errors import Distrusted, Unsent
from fieldbox.sync.burst import BurstReport, Ending, Limits, burst
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.sync.memorylink import MemoryCarrier, Plan, SimulatedClock
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.tls import Credentials, TrustedNow, by_the_clock
from tests.brokers import YEAR, Authority, Broker, HubEnd, broker_in, credentials
from tests.desks import BOX, AheadClock, Desk, outgoing
from tests.programs import free_port, needs_mosquitto
from tests.sync.capture import Capture, needs_root

pytestmark = needs_mosquitto
SHORT = Limits(seconds=20, patience=0.5)


class Farm:
    """A box, a real broker, and a hub that may be there or not."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.desk = Desk()
        self.clock = AheadClock()
        self.outbox = MemoryOutbox(self.clock.now)
        self.hub: HubEnd | None = None
        self.link = MqttCarrier(_address(broker), credentials(broker.authority, BOX), BOX)

    def hub_comes(self, answer: Callable[[bytes], list[bytes]] | None = None) -> None:
        self.hub = HubEnd(self.broker, answer or self.desk)

    def hub_goes(self) -> None:
        if self.hub is not None:
            self.hub.stop()
            self.hub = None

    def has(self, count: int) -> list[str]:
        return [self.outbox.send(outgoing(number)) for number in range(count)]

    def burst(self, limits: Limits = SHORT) -> BurstReport:
        session = self.link.connect()
        try:
            return burst(session, self.desk.sender(self.outbox, self.clock), limits)
        finally:
            session.close()

    def states(self) -> set[MessageState]:
        return {one.state for one in self.outbox.messages()}

    def log(self) -> str:
        return (self.broker.folder / "broker.log").read_text()


def _address(broker: Broker) -> Address:
    return Address("127.0.0.1", broker.port)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(broker_in(tmp_path / "broker", saves=False))
    made.broker.start()
    yield made
    made.hub_goes()
    made.broker.stop()


def test_what_a_broker_acknowledged_and_then_forgot_goes_again(farm: Farm) -> None:
    """As Mosquitto is set by default, it has nothing on its disk of what it said that it has."""
    farm.hub_comes()
    farm.hub_goes()
    ids = farm.has(30)
    report = farm.burst()
    assert report.ending is Ending.SILENT
    assert f"Sending PUBACK to {BOX}" in farm.log()
    assert farm.states() <= {MessageState.SENT, MessageState.WAITING}
    farm.broker.kill()
    farm.broker.start()
    farm.hub_comes()
    assert farm.desk.has == {}
    farm.clock.ahead += timedelta(hours=7)
    assert farm.burst(replace(SHORT, patience=10)).ending is Ending.DONE
    assert farm.desk.has == dict.fromkeys(ids, 1)
    assert farm.states() == {MessageState.ACKNOWLEDGED}


def test_a_broker_that_is_killed_in_a_burst_loses_nothing(farm: Farm) -> None:
    ids = farm.has(2000)

    def dies_at_the_third(sealed: bytes) -> list[bytes]:
        if len(farm.desk.batches) == 2:
            farm.broker.kill()
        return farm.desk(sealed)

    farm.hub_comes(dies_at_the_third)
    report = farm.burst(replace(SHORT, patience=10))
    assert report.ending is Ending.BROKEN
    assert report.why is not None
    assert {MessageState.SENT, MessageState.WAITING} <= farm.states()
    farm.hub_goes()
    with pytest.raises(Unsent):
        farm.burst()
    farm.broker.start()
    farm.hub_comes()
    farm.clock.ahead += timedelta(hours=7)
    assert farm.burst(replace(SHORT, patience=10)).ending is Ending.DONE
    assert set(farm.desk.has) == set(ids)
    assert farm.states() == {MessageState.ACKNOWLEDGED}


def test_a_hub_that_comes_later_acknowledges_in_the_next_connection(farm: Farm) -> None:
    farm.hub_comes()
    farm.hub_goes()
    ids = farm.has(10)
    assert farm.burst().ending is Ending.SILENT
    farm.hub_comes()
    assert farm.hub is not None
    farm.hub.frames.get(timeout=10)
    farm.hub_goes()
    report = farm.burst()
    assert (report.ending, report.acknowledged, report.frames) == (Ending.DONE, 10, 0)
    assert farm.desk.has == dict.fromkeys(ids, 1)


def test_nonsense_is_refused_changes_nothing_and_does_not_come_again(farm: Farm) -> None:
    farm.has(1)
    farm.hub_comes(lambda _: [b"nonsense", bytes(300)])
    report = farm.burst()
    assert (report.ending, report.refused, report.acknowledged) == (Ending.SILENT, 2, 0)
    assert farm.states() == {MessageState.SENT}
    assert farm.burst().refused == 0


def test_a_thousand_messages_go_in_few_frames_and_few_bytes(farm: Farm) -> None:
    ids = farm.has(1000)
    farm.hub_comes()
    report = farm.burst(replace(SHORT, patience=10))
    assert report.ending is Ending.DONE
    assert farm.desk.has == dict.fromkeys(ids, 1)
    assert report.frames <= 30
    assert report.traffic.total < 100 * len(ids)


def test_a_ticket_is_used_until_the_broker_or_the_process_starts_anew(farm: Farm) -> None:
    def connected(link: MqttCarrier) -> bool:
        link.connect().close()
        return link.resumed

    assert [connected(farm.link) for _ in range(3)] == [False, True, True]
    assert not connected(MqttCarrier(_address(farm.broker), credentials(farm.broker.authority, BOX), BOX))
    farm.broker.stop()
    farm.broker.start()
    assert [connected(farm.link) for _ in range(2)] == [False, True]


@needs_root
def test_bytes_are_those_that_passed(farm: Farm) -> None:
    farm.has(100)
    farm.hub_comes()
    assert farm.hub is not None
    hubs_end = farm.hub.client.socket().getsockname()[1]
    seen = Capture(farm.broker.port)
    for _ in range(2):
        assert farm.burst(replace(SHORT, patience=10)).ending is Ending.DONE
    seen.stop()
    del seen.sent[hubs_end], seen.received[hubs_end]
    assert farm.link.spent.sent == pytest.approx(seen.sent.total(), abs=8)
    assert farm.link.spent.received == pytest.approx(seen.received.total(), abs=8)


@pytest.mark.parametrize("count", [1, 40, 600])
def test_the_twin_of_the_link_counts_what_the_link_costs(farm: Farm, count: int) -> None:
    """Of the season that is played over the twin, bytes are told: they must be those of the real link."""
    farm.hub_comes()
    farm.link.connect().close()
    twin = MemoryCarrier(farm.desk, SimulatedClock(farm.clock.now()), Plan(round_trip=0.05, rate=1e6))
    twin.connect().close()
    before = farm.link.spent, twin.spent
    farm.has(count)
    real = farm.burst(replace(SHORT, patience=10))
    outbox = MemoryOutbox(twin.clock.now)
    for number in range(count):
        outbox.send(outgoing(number))
    session = twin.connect()
    played = burst(session, farm.desk.sender(outbox, twin.clock))
    session.close()
    assert (real.acknowledged, played.acknowledged) == (count, count)
    assert twin.spent.total - before[1].total == pytest.approx(
        farm.link.spent.total - before[0].total, rel=0.2
    )


class Site:
    """A broker that runs for all of these tests, and who comes to it."""

    def __init__(self, folder: Path) -> None:
        self.broker = broker_in(folder / "broker")
        (folder / "other").mkdir()
        self.other = Authority(folder / "other", "another")

    @property
    def authority(self) -> Authority:
        return self.broker.authority

    def link(self, shown: Credentials | None = None, trusted_now: TrustedNow = by_the_clock) -> MqttCarrier:
        return MqttCarrier(
            _address(self.broker), shown or credentials(self.authority, BOX), BOX, trusted_now, patience=5
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    made.broker.start()
    yield made
    made.broker.stop()


def _old(authority: Authority, name: str, hosts: tuple[str, ...] = ()) -> Credentials:
    start = datetime.now(UTC) - 2 * YEAR
    shown = authority.give(name, start=start, lasts=YEAR, hosts=hosts)
    return Credentials(shown.certificate, shown.key, authority.pem)


def _is_sent_away(link: MqttCarrier) -> str:
    with pytest.raises(Distrusted) as raised:
        link.connect()
    assert not raised.value.retry_helps
    assert 0 < link.spent.total < 5_500
    return str(raised.value)


def test_a_box_of_another_hub_is_told_so(site: Site) -> None:
    stranger = replace(credentials(site.other, BOX), authority=site.authority.pem)
    told = _is_sent_away(site.link(stranger))
    assert told == (
        "The hub 127.0.0.1 does not accept this box's certificate (unknown ca): have the hub give it a new one."
    )


def test_a_box_whose_certificate_expired_is_told_so(site: Site) -> None:
    told = _is_sent_away(site.link(_old(site.authority, BOX)))
    assert "does not accept this box's certificate (certificate expired)" in told


def test_a_hub_of_another_authority_is_not_believed(site: Site) -> None:
    told = _is_sent_away(site.link(replace(credentials(site.authority, BOX), authority=site.other.pem)))
    assert told.startswith("What answers at 127.0.0.1 is not this box's hub (")


def test_a_box_that_speaks_for_another_is_sent_away(site: Site) -> None:
    """The broker knows a box by its certificate, whatever it calls itself."""
    link = MqttCarrier(_address(site.broker), credentials(site.authority, "bother"), BOX)
    session = link.connect()
    with pytest.raises(Distrusted) as raised:
        session.send(b"frame")
        session.receive(5.0)
    session.close()
    assert "does not know this box" in str(raised.value)


@pytest.fixture
def with_hub_certificate(site: Site, tmp_path: Path) -> Iterator[Callable[..., MqttCarrier]]:
    broker = replace(site.broker, folder=tmp_path, port=free_port(), process=None)

    def started(shown: Credentials, trusted_now: TrustedNow = by_the_clock) -> MqttCarrier:
        broker.shown = shown
        broker.start()
        box = credentials(site.authority, BOX)
        return MqttCarrier(_address(broker), box, BOX, trusted_now, patience=5)

    yield started
    broker.stop()


def test_a_hub_under_another_name_is_not_believed(
    site: Site, with_hub_certificate: Callable[..., MqttCarrier]
) -> None:
    shown = site.authority.give("broker", hosts=("hub.example",))
    told = _is_sent_away(with_hub_certificate(shown))
    assert told.startswith("What answers at 127.0.0.1 shows a certificate for another name")


def test_a_hub_whose_certificate_expired_is_not_believed(
    site: Site, with_hub_certificate: Callable[..., MqttCarrier]
) -> None:
    told = _is_sent_away(with_hub_certificate(_old(site.authority, "broker", ("127.0.0.1",))))
    assert told.startswith("The certificate of the hub 127.0.0.1 is not valid at this time")


def test_a_clock_that_is_wrong_is_not_asked(
    site: Site, with_hub_certificate: Callable[..., MqttCarrier]
) -> None:
    """This machine's clock says that the certificate expired; the modem says that it is a year and a half ago."""
    modem = datetime.now(UTC) - 1.5 * YEAR
    link = with_hub_certificate(_old(site.authority, "broker", ("127.0.0.1",)), lambda: modem)
    link.connect().close()


def test_a_trusted_time_at_which_the_hubs_certificate_is_not_valid_counts(site: Site) -> None:
    later = datetime.now(UTC) + 6 * YEAR
    told = _is_sent_away(site.link(trusted_now=lambda: later))
    assert "is not valid at this time" in told


def test_nobody_there(site: Site) -> None:
    link = MqttCarrier(Address("127.0.0.1", free_port()), credentials(site.authority, BOX), BOX)
    with pytest.raises(Unsent) as raised:
        link.connect()
    assert raised.value.retry_helps
    assert str(raised.value).startswith("The hub 127.0.0.1 cannot be reached (Connection refused)")
    assert 0 < link.spent.total < 500


def test_one_who_never_comes_to_an_end_is_left_after_a_while(site: Site) -> None:
    """A byte now and then is an answer, and no handshake."""

    def drip(end: socket.socket) -> None:
        with contextlib.suppress(OSError), end.accept()[0] as caller:
            caller.sendall(b"\x16\x03\x03\x40\x00")
            for _ in range(100):
                time.sleep(0.05)
                caller.sendall(b"\0")

    with socket.create_server(("127.0.0.1", 0)) as end:
        threading.Thread(target=drip, args=(end,), daemon=True).start()
        address = Address("127.0.0.1", end.getsockname()[1])
        link = MqttCarrier(address, credentials(site.authority, BOX), BOX, patience=0.5)
        began = time.monotonic()
        with pytest.raises(Unsent, match="timed out"):
            link.connect()
    assert time.monotonic() - began < 4


def test_one_who_answers_and_says_nothing_is_left_after_a_while(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        link = MqttCarrier(Address("127.0.0.1", port), credentials(site.authority, BOX), BOX, patience=0.3)
        with pytest.raises(Unsent) as raised:
            link.connect()
    assert raised.value.retry_helps
    assert "timed out" in str(raised.value)
