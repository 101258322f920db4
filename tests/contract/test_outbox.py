"""The outbox on a disk and its twin in memory: what goes, in which order, and what counts as done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.domain import Message, MessageKind, MessageState, Outgoing
from fieldbox.domain.messages import TRIES_AT_ONCE
from fieldbox.i18n import Sentence
from fieldbox.retrying import FIRST, LONGEST, is_due, pause
from fieldbox.storage.outbox import KEPT
from fieldbox.storage.store import Store
from fieldbox.sync.memory import MemoryOutbox
from fieldbox.wire.ids import key_of, made_at
from tests.contract.outboxes import Whole

START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YEARS = timedelta(days=3650)
ALERT, SUMMARY, ANSWER = MessageKind.ALERT, MessageKind.SUMMARY, MessageKind.ANSWER
BOX, PICTURE = MessageKind.BOX, MessageKind.PICTURE
WAITING, SENT, ACKNOWLEDGED = MessageState.WAITING, MessageState.SENT, MessageState.ACKNOWLEDGED
SUPERSEDED, REFUSED = MessageState.SUPERSEDED, MessageState.REFUSED


class Hands:
    """An outbox and the clock that it goes by."""

    def __init__(self, make: Callable[[Callable[[], datetime]], Whole]) -> None:
        self.now = START
        self.box = make(lambda: self.now)

    def send(
        self,
        name: str,
        kind: MessageKind = SUMMARY,
        *,
        subject: str | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        self.now += timedelta(seconds=1)
        return self.box.send(Outgoing(kind, f'{{"name":"{name}"}}', key_of(name), subject, expires_at))

    def due(self, limit: int = 100, kinds: Collection[MessageKind] | None = None) -> list[str]:
        return [one.id for one in self.box.due_messages(self.now, limit, kinds)]

    def hand(self, *ids: str, batch: str = "b" * 16, size: int = 300) -> None:
        self.box.mark_sent(ids, batch=batch, carrier="mqtt", size=size, now=self.now)

    def told(self, *ids: str, batches: Sequence[str] = (), refused: Mapping[str, str] | None = None) -> int:
        return self.box.acknowledge(self.now, batches=batches, ids=ids, refused=refused)

    def one(self, identity: str) -> Message:
        found = self.box.message(identity)
        assert found
        return found

    def state(self, identity: str) -> MessageState:
        return self.one(identity).state


@pytest.fixture(params=["store", "memory"])
def hands(request: pytest.FixtureRequest, empty_database: Path, tmp_path: Path) -> Iterator[Hands]:
    if request.param == "memory":
        yield Hands(MemoryOutbox)
        return
    opened: list[Store] = []

    def make(clock: Callable[[], datetime]) -> Store:
        opened.append(Store.open(Path(shutil.copy(empty_database, tmp_path / "fieldbox.db")), clock=clock))
        return opened[0]

    yield Hands(make)
    assert opened[0].check() == []
    opened[0].close()


def test_a_message_is_kept_as_it_was_given(hands: Hands) -> None:
    identity = hands.send("a", subject="survey 1", expires_at=START + YEARS)
    assert hands.one(identity) == Message(
        identity, SUMMARY, '{"name":"a"}', WAITING, 0, hands.now, None, "survey 1", (), START + YEARS
    )
    assert identity[12:] == key_of("a")
    assert made_at(identity) == hands.now
    assert hands.box.message("0" * 32) is None


def test_alerts_before_summaries_before_answers_before_reports_before_pictures_and_the_newest_first(
    hands: Hands,
) -> None:
    sent = {
        (kind, n): hands.send(f"{kind} {n}", kind)
        for n in (1, 2)
        for kind in (PICTURE, BOX, ALERT, ANSWER, SUMMARY)
    }
    order = [sent[kind, n] for kind in (ALERT, SUMMARY, ANSWER, BOX, PICTURE) for n in (2, 1)]
    assert hands.due() == order
    assert [one.id for one in hands.box.messages()] == order
    assert hands.due(3) == order[:3]
    assert hands.due(0) == []
    assert hands.due(1, {BOX, PICTURE}) == [sent[BOX, 2]]
    assert hands.due(9, {ALERT}) == order[:2]
    assert hands.due(9, set()) == []


def test_what_was_handed_to_a_link_waits_and_then_goes_again(hands: Hands) -> None:
    one, other = hands.send("a"), hands.send("b")
    hands.hand(one, other, size=301)
    sent = hands.one(one)
    assert (sent.state, sent.attempts, sent.batch, sent.carrier) == (SENT, 1, "b" * 16, "mqtt")
    assert (sent.sent_at, sent.next_try) == (hands.now, hands.now + pause(1, one))
    assert sent.bytes_sent + hands.one(other).bytes_sent == 301
    assert hands.due() == []
    hands.now += FIRST * 1.25
    assert hands.due() == [other, one]
    hands.hand(one, size=99)
    assert hands.one(one).attempts == 2
    assert hands.one(one).bytes_sent == sent.bytes_sent + 99
    assert hands.one(one).next_try == hands.now + pause(2, one)
    assert hands.due() == [other]


def test_what_a_broken_connection_had_may_go_again_at_once(hands: Hands) -> None:
    one, other, third = hands.send("a"), hands.send("b"), hands.send("c")
    hands.hand(one, other)
    assert hands.box.lost("sms", [one]) == 0
    assert hands.box.lost("mqtt", [one, third, "f" * 32]) == 1
    assert hands.due() == [third, one]
    assert (hands.one(one).state, hands.one(one).attempts) == (SENT, 1)
    assert hands.box.lost("mqtt") == 2
    assert hands.due() == [third, other, one]
    assert hands.told(other) == 1
    assert hands.box.lost("mqtt") == 1


def test_what_breaks_every_connection_stands_in_the_way_of_no_other(hands: Hands) -> None:
    one = hands.send("a")
    for _attempt in range(TRIES_AT_ONCE):
        assert hands.due() == [one]
        hands.hand(one)
        hands.box.lost("mqtt", [one])
    assert hands.due() == []
    assert hands.one(one).next_try == hands.now + pause(TRIES_AT_ONCE, one)


def test_it_goes_again_for_as_long_as_it_takes_and_never_more_than_hours_apart(hands: Hands) -> None:
    one = hands.send("a")
    for _attempt in range(200):
        hands.now += LONGEST * 1.25
        assert hands.due() == [one]
        hands.hand(one)
    assert hands.one(one).attempts == 200


def test_only_the_same_subject_of_the_same_kind_is_superseded(hands: Hands) -> None:
    first = hands.send("a", subject="survey 1")
    other = hands.send("b", subject="survey 2")
    alert = hands.send("c", ALERT, subject="survey 1")
    without = hands.send("d")
    hands.hand(first)
    second = hands.send("e", subject="survey 1")
    assert hands.send("f") and hands.send("g")
    assert [hands.state(one) for one in (first, other, alert, without, second)] == [
        SUPERSEDED,
        WAITING,
        WAITING,
        WAITING,
        WAITING,
    ]
    assert hands.one(second).replaces == (first,)
    assert hands.one(other).replaces == hands.one(without).replaces == ()
    third = hands.send("h", subject="survey 1")
    assert hands.one(third).replaces == (first, second)
    hands.now += YEARS
    assert not {first, second} & set(hands.due())


def test_the_hub_is_told_of_what_has_arrived_too(hands: Hands) -> None:
    first = hands.send("a", subject="survey 1")
    hands.hand(first)
    hands.told(first)
    second = hands.send("b", subject="survey 1")
    assert hands.state(first) is ACKNOWLEDGED
    assert hands.one(second).replaces == (first,)


def test_many_analyses_name_the_last_of_those_before(hands: Hands) -> None:
    sent = [hands.send(f"{n}", subject="survey 1") for n in range(20)]
    assert hands.one(sent[-1]).replaces == tuple(sent[3:19])


def test_health_reports_name_the_first_that_the_hub_was_not_told_of_and_the_last(hands: Hands) -> None:
    sent = [hands.send(f"{n}", BOX, subject="box") for n in range(5)]
    assert [hands.one(one).replaces for one in sent] == [
        (),
        (sent[0], sent[0]),
        (sent[0], sent[1]),
        (sent[0], sent[2]),
        (sent[0], sent[3]),
    ]
    assert hands.due() == sent[4:]
    hands.hand(sent[4])
    hands.told(sent[4])
    later = [hands.send(f"later {n}", BOX, subject="box") for n in range(2)]
    assert hands.one(later[0]).replaces == (sent[4], sent[4])
    assert hands.one(later[1]).replaces == (sent[4], later[0])


def test_an_acknowledged_frame_is_done_with_all_of_its_messages(hands: Hands) -> None:
    sent = [hands.send(name) for name in "abcd"]
    hands.hand(*sent[:2], batch="1" * 16)
    hands.hand(sent[2], batch="2" * 16)
    hands.now += MINUTE
    assert hands.told(batches=["1" * 16]) == 2
    assert [hands.state(one) for one in sent] == [ACKNOWLEDGED, ACKNOWLEDGED, SENT, WAITING]
    done = hands.one(sent[0])
    assert (done.acknowledged_at, done.next_try) == (hands.now, None)
    hands.now += YEARS
    assert hands.due() == [sent[3], sent[2]]


def test_single_messages_are_acknowledged_too_also_such_as_never_left_over_a_link(hands: Hands) -> None:
    one, other = hands.send("a"), hands.send("b")
    assert hands.told(one) == 1
    assert [hands.state(one), hands.state(other)] == [ACKNOWLEDGED, WAITING]


def test_what_is_not_known_changes_nothing(hands: Hands) -> None:
    one = hands.send("a")
    hands.hand(one)
    before = hands.box.messages()
    assert hands.told("0" * 32, batches=["f" * 16], refused={"1" * 32: "schema"}) == 0
    assert hands.told() == 0
    assert hands.box.send_again(["0" * 32]) == 0
    hands.hand("0" * 32)
    hands.hand()
    assert hands.box.messages() == before


def test_a_repeated_acknowledgement_changes_nothing(hands: Hands) -> None:
    one = hands.send("a")
    hands.hand(one)
    assert hands.told(one, batches=["b" * 16]) == 1
    before = hands.one(one)
    hands.now += MINUTE
    assert hands.told(one, batches=["b" * 16]) == 0
    hands.hand(one, batch="c" * 16)
    assert hands.one(one) == before


def test_a_late_acknowledgement_of_an_earlier_frame_counts_for_what_left_in_no_other(hands: Hands) -> None:
    one, other = hands.send("a"), hands.send("b")
    hands.hand(one, other, batch="1" * 16)
    hands.now += timedelta(hours=1)
    hands.hand(one, batch="2" * 16)
    assert hands.told(batches=["1" * 16]) == 1
    assert [hands.state(one), hands.state(other)] == [SENT, ACKNOWLEDGED]
    assert hands.told(batches=["2" * 16]) == 1


def test_what_was_superseded_and_arrives_all_the_same_counts_as_arrived(hands: Hands) -> None:
    first = hands.send("a", subject="survey 1")
    hands.hand(first)
    second = hands.send("b", subject="survey 1")
    assert hands.told(batches=["b" * 16]) == 1
    assert [hands.state(first), hands.state(second)] == [ACKNOWLEDGED, WAITING]
    assert hands.one(second).replaces == (first,)


def test_what_was_superseded_before_it_left_is_not_handed_out(hands: Hands) -> None:
    first = hands.send("a", subject="survey 1")
    hands.send("b", subject="survey 1")
    hands.hand(first)
    assert (hands.state(first), hands.one(first).attempts) == (SUPERSEDED, 0)


def test_what_the_hub_cannot_read_never_goes_again(hands: Hands) -> None:
    sent = [hands.send(name) for name in "abc"]
    hands.hand(*sent)
    assert hands.told(batches=["b" * 16], refused={sent[1]: "schema"}) == 3
    refused = hands.one(sent[1])
    assert (refused.state, refused.next_try, refused.acknowledged_at) == (REFUSED, None, None)
    assert refused.why == Sentence("The hub cannot read it ({why}).", {"why": "schema"})
    assert [hands.state(sent[0]), hands.state(sent[2])] == [ACKNOWLEDGED, ACKNOWLEDGED]
    hands.now += YEARS
    assert hands.due() == []
    hands.hand(sent[1])
    assert hands.told(sent[1], batches=["b" * 16]) == 0
    assert hands.one(sent[1]) == refused


def test_what_was_superseded_can_be_refused_and_what_has_arrived_cannot(hands: Hands) -> None:
    first, arrived = hands.send("a", subject="survey 1"), hands.send("c")
    hands.hand(first, arrived)
    hands.told(arrived)
    hands.send("b", subject="survey 1")
    assert hands.told(batches=["b" * 16], refused={first: "size", arrived: "size"}) == 1
    assert [hands.state(first), hands.state(arrived)] == [REFUSED, ACKNOWLEDGED]


def test_nothing_comes_to_the_end_of_its_time_unless_somebody_set_one(hands: Hands) -> None:
    for_good = hands.send("a")
    short = hands.send("b", expires_at=START + timedelta(days=1))
    assert hands.due() == [short, for_good]
    assert hands.box.expire_messages(hands.now) == 0
    hands.now = START + timedelta(days=1)
    assert hands.due() == [for_good]
    assert hands.box.expire_messages(hands.now) == 1
    assert hands.state(short) is REFUSED
    assert str(hands.one(short).why).startswith("It came to the end of its time")
    hands.now += 100 * YEARS
    assert hands.box.expire_messages(hands.now) == 0
    assert hands.due() == [for_good]


def test_what_the_hub_wants_once_more_goes_once_more(hands: Hands) -> None:
    done, refused, waiting = (hands.send(name) for name in "abc")
    over = hands.send("d", expires_at=hands.now + MINUTE)
    hands.hand(done, refused)
    hands.told(batches=["b" * 16], refused={refused: "schema"})
    hands.now += YEARS
    hands.box.expire_messages(hands.now)
    assert hands.box.send_again([done, refused, over, done]) == 3
    assert hands.due() == [over, waiting, refused, done]
    again = hands.one(done)
    assert (again.state, again.attempts, again.next_try, again.why, again.acknowledged_at) == (
        WAITING,
        0,
        None,
        None,
        None,
    )
    assert hands.told(batches=["b" * 16]) == 0  # of the frame in which it left before


def test_the_order_holds_whatever_the_clock_does(hands: Hands) -> None:
    sent: list[str] = []
    for moment in (START, START + YEARS, datetime(1970, 1, 1, tzinfo=UTC), START, START, START + 2 * YEARS):
        hands.now = moment
        sent += [hands.send(f"{len(sent)} {n}") for n in range(2)]
    assert sent == sorted(sent)
    assert len(set(sent)) == len(sent)
    assert hands.due() == sent[::-1]
    assert made_at(sent[-1]) == hands.now


@pytest.mark.parametrize("jump", [-57 * timedelta(days=365), -YEARS, YEARS, 100 * YEARS])
def test_a_clock_that_jumps_holds_nothing_back(hands: Hands, jump: timedelta) -> None:
    one = hands.send("a")
    hands.now += jump
    hands.hand(one)
    assert hands.due() == []
    hands.now -= jump
    assert hands.due() == [one]


def test_a_clock_that_goes_back_a_little_holds_nothing_back_for_longer_than_the_longest_pause(
    hands: Hands,
) -> None:
    one = hands.send("a")
    hands.hand(one)
    hands.now -= timedelta(hours=3)
    assert hands.due() == []
    hands.now += LONGEST
    assert hands.due() == [one]


def test_a_key_that_is_none_is_refused_before_it_can_be_sent(hands: Hands) -> None:
    for key in ("", "no key", "A" * 20, "0" * 19, "0" * 21, "0" * 19 + "g"):
        with pytest.raises(ValueError, match="no key"):
            hands.box.send(Outgoing(SUMMARY, "{}", key))
    assert hands.box.messages() == []


def test_pauses_double_up_to_the_longest_and_are_the_same_for_the_same() -> None:
    for attempts in (*range(-1, 30), 10**9):
        wanted = min(FIRST * 2 ** max(0, min(attempts, 30) - 1), LONGEST)
        assert wanted * 0.75 <= pause(attempts, "key") <= wanted * 1.25
        assert pause(attempts, "key") == pause(attempts, "key")
    assert len({pause(3, f"{number}") for number in range(50)}) == 50


def test_a_next_try_that_no_pause_can_have_set_counts_as_come() -> None:
    latest = max(pause(30, f"{number}") for number in range(1000))
    assert not is_due(START + latest, START)
    assert is_due(START + LONGEST * 1.25 + timedelta(seconds=1), START)
    assert is_due(None, START)
    assert is_due(START, START)


def test_a_disk_keeps_what_is_settled_of_each_kind_up_to_a_number(
    empty_database: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))
    with Store.open(path, clock=lambda: START) as store:
        sent = [store.send(Outgoing(PICTURE, "{}", key_of(f"{n}"))) for n in range(KEPT[PICTURE] + 5)]
        assert len(store.messages()) == KEPT[PICTURE] + 5  # none of them has gone
        store.acknowledge(START, ids=sent)
        last = store.send(Outgoing(PICTURE, "{}", key_of("last")))
        assert {one.id for one in store.messages()} == {last, *sent[5:]}


def test_a_season_of_health_reports_that_never_left_stays_small_and_tells_of_all(
    empty_database: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))
    with Store.open(path, clock=lambda: START) as store:
        report = Outgoing(BOX, "{}", key_of(""), "box")
        sent = [store.send(replace(report, key=key_of(f"{n}"))) for n in range(KEPT[BOX] + 30)]
        assert len(store.messages()) == KEPT[BOX] + 1
        (last,) = store.due_messages(START, 9)
        assert last.replaces == (sent[0], sent[-2])
