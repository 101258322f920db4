"""One connection over the twin of a link, on a simulated clock, with the box's real outbox."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import MessageKind, MessageState, Outgoing
from fieldbox.errors import Unavailable
from fieldbox.storage.store import Store
from fieldbox.sync.burst import MOST_NONSENSE, BurstReport, Ending, Limits, burst
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.sync.memorylink import MemoryCarrier, Plan, SimulatedClock
from fieldbox.wire import frame
from fieldbox.wire.down import VALID_FOR, DownKind
from tests.desks import Desk, outgoing

FAST = Plan(round_trip=0.2, rate=20_000)


class Farm:
    """A box with its outbox, a link and a hub."""

    def __init__(self, store: Store | MemoryOutbox, clock: SimulatedClock) -> None:
        self.store = store
        self.clock = clock
        self.desk = Desk()
        self.link = MemoryCarrier(self.desk, clock, FAST)

    def has(self, count: int, kind: MessageKind = MessageKind.SUMMARY) -> list[str]:
        return [self.store.send(outgoing(number, kind)) for number in range(count)]

    def burst(self, limits: Limits | None = None, plan: Plan | None = None) -> BurstReport:
        self.link.plan = plan or self.link.plan
        session = self.link.connect()
        try:
            return burst(session, self.desk.sender(self.store, self.clock), limits)
        finally:
            session.close()

    def states(self) -> set[MessageState]:
        return {one.state for one in self.store.messages()}


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    clock = SimulatedClock(datetime.now(UTC))
    with Store.open(tmp_path / "box.db", clock=clock.now) as store:
        yield Farm(store, clock)


def _in_memory() -> Farm:
    """With an outbox without a disk, where there are many messages."""
    clock = SimulatedClock(datetime.now(UTC))
    return Farm(MemoryOutbox(clock.now), clock)


def test_everything_that_is_due_goes_and_is_acknowledged(farm: Farm) -> None:
    ids = farm.has(60)
    report = farm.burst()
    assert report.ending is Ending.DONE
    assert farm.desk.has == dict.fromkeys(ids, 1)
    assert farm.states() == {MessageState.ACKNOWLEDGED}
    assert (report.messages, report.acknowledged) == (60, 60)
    assert report.frames < 10


def test_alerts_first_and_the_newest_first(farm: Farm) -> None:
    farm.has(20)
    alerts = farm.has(2, MessageKind.ALERT)
    farm.burst()
    assert farm.desk.kinds[:2] == [MessageKind.ALERT] * 2
    assert farm.desk.batches[0][:2] == alerts[::-1]
    summaries = [one for batch in farm.desk.batches for one in batch][2:]
    assert summaries == sorted(summaries, reverse=True)


@pytest.mark.parametrize(("round_trip", "alone"), [(0.2, False), (1.5, True)])
def test_an_alert_goes_alone_where_the_link_is_slow_to_answer(
    farm: Farm, round_trip: float, alone: bool
) -> None:
    farm.has(5)
    farm.has(1, MessageKind.ALERT)
    farm.burst(plan=Plan(round_trip=round_trip))
    assert (len(farm.desk.batches[0]) == 1) is alone


def test_rows_say_that_they_were_sent_before_the_link_has_them(farm: Farm) -> None:
    ids = farm.has(3)
    seen: list[MessageState] = []

    def hub(sealed: bytes) -> list[bytes]:
        seen.extend(one.state for one in farm.store.messages() if one.batch == frame.batch_of(sealed))
        return farm.desk(sealed)

    farm.link.hub = hub
    farm.burst()
    assert seen == [MessageState.SENT] * len(ids)


def test_a_silent_hub_ends_it_and_its_word_comes_in_the_next_connection(farm: Farm) -> None:
    farm.has(5)
    words: list[bytes] = []
    farm.link.hub = lambda sealed: words.extend(farm.desk(sealed)) or []
    report = farm.burst(Limits(patience=30))
    assert report.ending is Ending.SILENT
    assert farm.states() == {MessageState.SENT}
    for word in words:
        farm.link.say(word)
    report = farm.burst()
    assert (report.ending, report.acknowledged, report.frames) == (Ending.DONE, 5, 0)
    assert set(farm.desk.has.values()) == {1}


def test_what_went_earlier_goes_again_only_when_the_hubs_word_would_have_come(farm: Farm) -> None:
    """Its pause is over: without the word that waits at the broker it would go twice."""
    farm.has(5)
    words: list[bytes] = []
    farm.link.hub = lambda sealed: words.extend(farm.desk(sealed)) or []
    farm.burst(Limits(patience=30))
    farm.clock.pass_by(3600)
    farm.has(6)
    for word in words:
        farm.link.say(word)
    farm.link.hub = farm.desk
    assert farm.burst().ending is Ending.DONE
    assert set(farm.desk.has.values()) == {1}
    assert farm.states() == {MessageState.ACKNOWLEDGED}


def test_nothing_goes_twice_in_one_connection_however_long_it_lasts(farm: Farm) -> None:
    ids = farm.has(5)
    frames: list[bytes] = []
    farm.link.hub = lambda sealed: frames.append(sealed) or []
    report = farm.burst(Limits(seconds=3600, patience=3600))
    assert report.seconds >= 3600
    assert report.messages == len(ids)
    again = farm.burst(Limits(patience=30))
    assert again.messages == len(ids)


def test_it_ends_in_time() -> None:
    farm = _in_memory()
    farm.has(600)
    report = farm.burst(Limits(seconds=5), Plan(rate=500))
    assert report.ending is Ending.TIME
    assert report.seconds == pytest.approx(5, abs=1)
    assert MessageState.WAITING in farm.states()


@pytest.mark.parametrize("allowance", [6_000, 8_000, 11_000, 16_000])
def test_it_ends_before_the_allowance_does(allowance: int) -> None:
    farm = _in_memory()
    farm.has(400)
    session = farm.link.connect()
    report = burst(session, farm.desk.sender(farm.store, farm.clock), Limits(allowance=allowance))
    session.close()
    assert report.ending is Ending.ALLOWANCE
    assert report.messages
    assert allowance * 0.6 < session.traffic().total <= allowance
    assert farm.states() == {MessageState.WAITING, MessageState.ACKNOWLEDGED}


def test_an_allowance_that_the_connection_used_up_sends_nothing(farm: Farm) -> None:
    farm.has(3)
    report = farm.burst(Limits(allowance=4_500))
    assert (report.ending, report.frames) == (Ending.ALLOWANCE, 0)
    assert farm.states() == {MessageState.WAITING}


def test_a_link_that_breaks_leaves_its_rows_open() -> None:
    farm = _in_memory()
    farm.has(600)
    session = farm.link.connect()
    session.breaks_at = farm.clock.elapsed() + 4
    farm.link.plan = Plan(rate=400)
    report = burst(session, farm.desk.sender(farm.store, farm.clock))
    session.close()
    assert report.ending is Ending.BROKEN
    assert report.why is not None
    assert report.why.params == {"why": "timed out"}
    assert {MessageState.SENT, MessageState.WAITING} <= farm.states()
    assert farm.burst(plan=FAST).ending is Ending.DONE
    assert farm.states() == {MessageState.ACKNOWLEDGED}


def _nonsense(desk: Desk, batch: str) -> dict[str, bytes]:
    told = {"b": [bytes.fromhex(batch)]}
    thief = Ed25519PrivateKey.generate()
    right = desk.acknowledges(batch)
    return {
        "noise": bytes(range(200)),
        "nothing": b"",
        "forged": desk.says(DownKind.ACKNOWLEDGE, told, key=thief),
        "altered": right[:40] + bytes([right[40] ^ 1]) + right[41:],
        "cut": right[:-1],
        "of another box": desk.says(DownKind.ACKNOWLEDGE, told, box="bzzzzzzzz"),
        "of another shape": desk.says(DownKind.ACKNOWLEDGE, {"b": 7}),
        "stale": desk.says(DownKind.RESEND, issued=datetime.now(UTC) - VALID_FOR - timedelta(days=1)),
        "a frame": frame.pack("babcdefgh", [], desk.box_key),
    }


@pytest.mark.parametrize("which", _nonsense(Desk(), "00" * 8))
def test_what_is_not_the_hubs_is_refused_and_changes_nothing(farm: Farm, which: str) -> None:
    farm.has(1)
    before: list[object] = []

    def hub(sealed: bytes) -> list[bytes]:
        before.extend(farm.store.messages())
        return [_nonsense(farm.desk, frame.batch_of(sealed))[which]]

    farm.link.hub = hub
    report = farm.burst(Limits(patience=5))
    assert (report.ending, report.refused, report.acknowledged) == (Ending.SILENT, 1, 0)
    assert farm.store.messages() == before
    assert farm.desk.commands == []
    assert farm.link.kept == {}


def test_a_far_end_that_only_talks_nonsense_is_left(farm: Farm) -> None:
    farm.has(1)
    farm.link.hub = lambda _: [b"nonsense"] * 1000
    report = farm.burst()
    assert report.ending is Ending.NONSENSE
    assert report.refused <= 2 * MOST_NONSENSE


def test_commands_are_heard_and_taken(farm: Farm) -> None:
    farm.link.say(farm.desk.says(DownKind.PICTURE, {"x": 1}))
    report = farm.burst()
    assert (report.ending, report.commands) == (Ending.DONE, 1)
    assert [one.kind for one in farm.desk.commands] == [DownKind.PICTURE]
    assert farm.link.kept == {}


def test_a_command_that_could_not_be_kept_comes_again(farm: Farm) -> None:
    farm.link.say(farm.desk.says(DownKind.PICTURE))
    full = Unavailable("The disk is full.")

    def keep(_: object) -> None:
        raise full

    session = farm.link.connect()
    with pytest.raises(Unavailable):
        burst(session, replace(farm.desk.sender(farm.store, farm.clock), on_down=keep))
    session.close()
    assert farm.burst().commands == 1


def test_what_the_hub_cannot_read_does_not_go_again(farm: Farm) -> None:
    good, bad = farm.has(2)
    farm.link.hub = lambda sealed: [farm.desk.acknowledges(frame.batch_of(sealed), refused={bad: "schema"})]
    assert farm.burst().ending is Ending.DONE
    states = {one.id: one.state for one in farm.store.messages()}
    assert states == {good: MessageState.ACKNOWLEDGED, bad: MessageState.REFUSED}


def test_a_message_that_fits_into_no_frame_is_given_up_and_the_rest_goes(farm: Farm) -> None:
    noise = secrets.token_urlsafe(frame.MAX_FRAME)
    large = farm.store.send(Outgoing(MessageKind.ALERT, f'{{"v":1,"x":"{noise}"}}', "0" * 20))
    small = farm.has(1)
    assert farm.burst().ending is Ending.DONE
    states = {one.id: one.state for one in farm.store.messages()}
    assert states == {large: MessageState.REFUSED, small[0]: MessageState.ACKNOWLEDGED}


def test_few_messages_wait_for_more_while_a_frame_flies_and_an_alert_does_not(farm: Farm) -> None:
    farm.has(2)
    late = iter([MessageKind.SUMMARY, MessageKind.SUMMARY, MessageKind.ALERT])

    def hub(sealed: bytes) -> list[bytes]:
        for number, kind in enumerate(late, 100):
            farm.store.send(outgoing(number, kind))
        return farm.desk(sealed)

    farm.link.hub = hub
    assert farm.burst(plan=Plan(round_trip=3)).ending is Ending.DONE
    assert [len(batch) for batch in farm.desk.batches] == [2, 1, 2]
    assert farm.desk.kinds[2] is MessageKind.ALERT


def test_batches_grow_with_the_link() -> None:
    farm = _in_memory()
    farm.has(900)
    farm.burst(plan=Plan(round_trip=0.5, rate=50_000))
    fast = max(len(batch) for batch in farm.desk.batches)
    farm.desk.batches.clear()
    farm.has(600)
    farm.burst(plan=Plan(round_trip=1.2, rate=400))
    slow = max(len(batch) for batch in farm.desk.batches)
    assert fast > 2 * slow


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loses=st.floats(0, 0.3),
    doubles=st.floats(0, 0.3),
    cuts=st.floats(0, 0.15),
)
def test_whatever_the_link_does_everything_arrives_and_is_known_to_have(
    seed: int, loses: float, doubles: float, cuts: float
) -> None:
    clock = SimulatedClock()
    outbox = MemoryOutbox(clock.now)
    desk = Desk()
    ids = [outbox.send(outgoing(number)) for number in range(80)]
    link = MemoryCarrier(desk, clock, Plan(seed, loses=loses, doubles=doubles, cuts=cuts))
    for _ in range(200):
        session = link.connect()
        report = burst(session, desk.sender(outbox, clock))
        session.close()
        if all(one.state is MessageState.ACKNOWLEDGED for one in outbox.messages()):
            break
        clock.pass_by(7 * 3600)
    assert {one.state for one in outbox.messages()} == {MessageState.ACKNOWLEDGED}
    assert set(desk.has) == set(ids)
    assert report.traffic.total < link.spent.total or link.connections == 1
