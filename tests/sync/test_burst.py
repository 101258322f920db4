"""One connection over the twin of a link, on a simulated clock, with the box's real outbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldbox.domain import MessageKind, MessageState
from fieldbox.storage.store import Store
from fieldbox.sync.burst import BurstReport, Ending, Limits, burst
from fieldbox.sync.memorylink import MemoryCarrier, Plan, SimulatedClock
from tests.desks import Desk, outgoing

FAST = Plan(round_trip=0.2, rate=20_000)


class Farm:
    """A box with its outbox, a link and a hub."""

    def __init__(self, store: Store, clock: SimulatedClock) -> None:
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
