"""A way to the hub: the real adapter on a real broker, and its twin in memory."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from fieldbox.errors import Distrusted, Unsent
from fieldbox.sync.memorylink import MemoryCarrier, Plan
from fieldbox.sync.mqtt import Address, MqttCarrier
from fieldbox.sync.ports import Carrier, Session
from tests.brokers import Broker, HubEnd, broker_in, credentials
from tests.programs import needs_mosquitto

SOON = 5.0
_boxes = count(1)


class Echo:
    """A hub that answers each frame with itself."""

    def __init__(self) -> None:
        self.heard: queue.Queue[bytes] = queue.Queue()

    def __call__(self, frame: bytes) -> list[bytes]:
        """Hear a frame."""
        self.heard.put(frame)
        return [b"heard " + frame]


@dataclass(frozen=True)
class Far:
    """A carrier under test, and what can be done at its far end."""

    carrier: Carrier
    echo: Echo
    say: Callable[[bytes], object]
    """Say something to the box, whether it is there or not."""
    cut: Callable[[Session], object]
    """Break a connection."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = broker_in(tmp_path_factory.mktemp("broker") / "one")
    running.start()
    yield running
    running.stop()


def _in_memory() -> Far:
    echo = Echo()
    carrier = MemoryCarrier(echo, plan=Plan(round_trip=0.2, rate=20_000))
    return Far(carrier, echo, carrier.say, lambda session: setattr(session, "breaks_at", 0.0))


@pytest.fixture(params=["memory", pytest.param("mosquitto", marks=needs_mosquitto)])
def far(request: pytest.FixtureRequest) -> Iterator[Far]:
    if request.param == "memory":
        yield _in_memory()
        return
    broker: Broker = request.getfixturevalue("broker")
    box, echo = f"b{next(_boxes):08d}", Echo()
    hub = HubEnd(broker, echo)
    carrier = MqttCarrier(Address("127.0.0.1", broker.port), credentials(broker.authority, box), box)
    yield Far(carrier, echo, lambda word: hub.say(box, word), lambda _: hub.take_over(box))
    hub.stop()


def test_a_frame_arrives_and_the_answer_comes(far: Far) -> None:
    session = far.carrier.connect()
    session.send(b"frame")
    assert session.receive(SOON) == b"heard frame"
    assert far.echo.heard.get_nowait() == b"frame"
    session.close()


def test_frames_arrive_in_their_order_as_they_are(far: Far) -> None:
    frames = [bytes([number]) * (1 + 700 * number) for number in range(10)]
    session = far.carrier.connect()
    for frame in frames:
        session.send(frame)
    assert [session.receive(SOON) for _ in frames] == [b"heard " + frame for frame in frames]
    session.close()


def test_nothing_comes_where_nothing_is_said(far: Far) -> None:
    session = far.carrier.connect()
    assert session.receive(0.0) is None
    assert session.receive(0.05) is None
    session.close()


def test_what_is_said_while_the_box_is_away_comes_in_its_next_connection(far: Far) -> None:
    far.carrier.connect().close()
    far.say(b"while you were away")
    session = far.carrier.connect()
    assert session.receive(SOON) == b"while you were away"
    session.close()


def test_what_was_not_taken_comes_again_and_what_was_taken_does_not(far: Far) -> None:
    far.carrier.connect().close()
    far.say(b"one")
    far.say(b"two")
    first = far.carrier.connect()
    assert first.receive(SOON) == b"one"
    first.taken()
    assert first.receive(SOON) == b"two"
    first.close()
    second = far.carrier.connect()
    assert second.receive(SOON) == b"two"
    second.taken()
    assert second.receive(0.2) is None
    second.close()


def test_an_answer_that_nobody_waited_for_comes_later(far: Far) -> None:
    session = far.carrier.connect()
    session.send(b"frame")
    session.close()
    assert far.echo.heard.get(timeout=SOON) == b"frame"
    later = far.carrier.connect()
    assert later.receive(SOON) == b"heard frame"
    later.close()


def test_bytes_are_counted_with_every_header_and_the_end(far: Far) -> None:
    session = far.carrier.connect()
    opened = session.traffic()
    session.send(b"x" * 1000)
    session.receive(SOON)
    worked = session.traffic()
    session.close()
    assert opened.sent > 600
    assert opened.received > 600
    assert 1000 < worked.sent - opened.sent < 1400
    assert 1000 < worked.received - opened.received < 1400
    assert session.traffic().total >= worked.total
    assert far.carrier.spent == session.traffic()


def test_a_ticket_spares_bytes(far: Far) -> None:
    first, second = far.carrier.connect(), None
    first.close()
    second = far.carrier.connect()
    second.close()
    assert second.traffic().total < first.traffic().total - 1000
    assert far.carrier.spent.total == first.traffic().total + second.traffic().total


def test_closing_twice_is_once_and_nothing_goes_afterwards(far: Far) -> None:
    session = far.carrier.connect()
    session.close()
    total = session.traffic()
    session.close()
    with pytest.raises(Unsent):
        session.send(b"late")
    with pytest.raises(Unsent):
        session.receive(0.0)
    assert session.traffic() == far.carrier.spent == total


def test_a_link_that_breaks_says_so_and_a_retry_helps(far: Far) -> None:
    session = far.carrier.connect()
    far.cut(session)
    with pytest.raises(Unsent) as raised:
        for _ in range(10):
            session.receive(1.0)
    assert raised.value.retry_helps
    assert not isinstance(raised.value, Distrusted)
    assert session.name == far.carrier.name == "mqtt"
    session.close()
    far.carrier.connect().close()
