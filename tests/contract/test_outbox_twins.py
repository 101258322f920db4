"""Whatever is done to an outbox on a disk and to its twin in memory, in any order and at any time."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from fieldbox.domain import OPEN, MessageKind, Outgoing
from fieldbox.storage.store import Store
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.wire.ids import key_of
from tests.contract.outboxes import Whole

START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YEARS = timedelta(days=3650)
KINDS = st.sampled_from(list(MessageKind))
SUBJECTS = st.none() | st.sampled_from(["one", "two"])
JUMPS = st.sampled_from(
    [timedelta(0), MINUTE, timedelta(hours=1), timedelta(hours=-5), timedelta(days=1), YEARS, -YEARS]
)
NUMBERS = st.lists(st.integers(0, 60), max_size=6, unique=True)
BATCHES = st.sampled_from([digit * 16 for digit in "123456"])


class Twins(RuleBasedStateMachine):
    """Whatever is done to both, the outbox on the disk and the one in memory say the same."""

    folder: Path
    empty: Path
    made = 0

    @initialize()
    def open(self) -> None:
        type(self).made += 1
        path = Path(shutil.copy(self.empty, self.folder / f"{self.made}.db"))
        self.now = START
        self.store = Store.open(path, clock=lambda: self.now)
        self.both: tuple[Whole, Whole] = (self.store, MemoryOutbox(lambda: self.now))
        self.ids: list[str] = []

    def teardown(self) -> None:
        self.store.close()

    def same(self, one: object, other: object) -> None:
        assert one == other

    def named(self, numbers: list[int]) -> list[str]:
        """Ids of messages, and of some that are none."""
        return [self.ids[n] if n < len(self.ids) else f"{n:032x}" for n in numbers]

    @rule(jump=JUMPS)
    def time_goes_by(self, jump: timedelta) -> None:
        self.now = max(datetime(1970, 1, 1, tzinfo=UTC), self.now + jump)

    @rule(kind=KINDS, subject=SUBJECTS, lasts=st.none() | st.sampled_from([MINUTE, timedelta(days=2)]))
    def send(self, kind: MessageKind, subject: str | None, lasts: timedelta | None) -> None:
        key = key_of(f"{len(self.ids)}")
        outgoing = Outgoing(kind, "{}", key, subject, self.now + lasts if lasts else None)
        one, other = (box.send(outgoing) for box in self.both)
        self.same(one, other)
        assert one > max(self.ids, default="")
        self.ids.append(one)

    @rule(limit=st.integers(1, 5), batch=BATCHES, size=st.integers(1, 2000))
    def hand_what_is_due(self, limit: int, batch: str, size: int) -> None:
        ids = [one.id for one in self.both[1].due_messages(self.now, limit)]
        for box in self.both:
            box.mark_sent(ids, batch=batch, carrier="mqtt", size=size, now=self.now)

    @rule(numbers=NUMBERS, batch=BATCHES, size=st.integers(0, 2000))
    def hand(self, numbers: list[int], batch: str, size: int) -> None:
        for box in self.both:
            box.mark_sent(self.named(numbers), batch=batch, carrier="courier", size=size, now=self.now)

    @rule(
        numbers=NUMBERS,
        batches=st.lists(BATCHES, max_size=3),
        refused=st.dictionaries(st.integers(0, 60), st.sampled_from(["schema", "size"]), max_size=3),
    )
    def acknowledge(self, numbers: list[int], batches: list[str], refused: dict[int, str]) -> None:
        told = {self.named([n])[0]: why for n, why in refused.items()}
        ids = self.named(numbers)
        self.same(*(box.acknowledge(self.now, batches=batches, ids=ids, refused=told) for box in self.both))

    @rule(carrier=st.sampled_from(["mqtt", "courier"]), numbers=st.none() | NUMBERS)
    def lose(self, carrier: str, numbers: list[int] | None) -> None:
        ids = None if numbers is None else self.named(numbers)
        self.same(*(box.lost(carrier, ids) for box in self.both))

    @rule()
    def expire(self) -> None:
        self.same(*(box.expire_messages(self.now) for box in self.both))

    @rule(numbers=NUMBERS)
    def send_again(self, numbers: list[int]) -> None:
        self.same(*(box.send_again(self.named(numbers)) for box in self.both))

    @invariant()
    def they_say_the_same(self) -> None:
        if not hasattr(self, "both"):
            return
        self.same(*(box.messages() for box in self.both))
        for limit, kinds in ((99, None), (2, None), (9, {MessageKind.SUMMARY, MessageKind.BOX})):
            due = [box.due_messages(self.now, limit, kinds) for box in self.both]
            self.same(*due)
            assert all(one.state in OPEN for one in due[0])


def test_both_say_the_same_whatever_is_done(empty_database: Path, tmp_path: Path) -> None:
    Twins.folder, Twins.empty = tmp_path, empty_database
    run_state_machine_as_test(
        Twins,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
