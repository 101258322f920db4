"""What links cost, what waits, and what the hub told the box to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.domain import (
    LinkDay,
    LinkDoing,
    LinkKind,
    LinkPast,
    LinkState,
    MessageKind,
    MessageState,
    Outgoing,
)
from fieldbox.i18n import Sentence
from fieldbox.retrying import LONGEST
from fieldbox.storage import traffic
from fieldbox.storage.rows import Command
from fieldbox.storage.store import Store
from tests.storage.samples import START

DAY = date(2026, 6, 1)
LATER = START + timedelta(days=1)


def outgoing(number: int, kind: MessageKind = MessageKind.SUMMARY, body: str = '{"v":1}') -> Outgoing:
    return Outgoing(kind, body, f"{number:020x}")


def command(number: int = 1, issued: datetime = START) -> Command:
    return Command(f"{number:032x}", "resend", {"since": 5}, issued, LATER, True, Sentence("Done."))


def test_bytes_are_counted_by_day_and_link(store: Store, path: Path) -> None:
    store.add_traffic(DAY, LinkKind.MODEM, sent=5000, connections=1)
    store.add_traffic(DAY, LinkKind.MODEM, sent=-2000, received=700)
    store.add_traffic(DAY, LinkKind.WIFI, sent=1, received=2, connections=1)
    store.add_traffic(DAY + timedelta(days=1), LinkKind.MODEM, sent=9, connections=1)
    first = LinkDay(DAY, LinkKind.MODEM, 3000, 700, 1)
    with Store.open(path) as again:
        assert again.traffic_since(DAY)[:2] == [first, LinkDay(DAY, LinkKind.WIFI, 1, 2, 1)]
        assert [one.total for one in again.traffic_since(DAY + timedelta(days=1))] == [9]
    assert first.total == 3700


def test_days_of_many_years_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "KEPT", 8)
    for number in range(20):
        store.add_traffic(DAY + timedelta(days=number), LinkKind.MODEM, sent=1)
    kept = store.traffic_since(date(1970, 1, 1))
    assert [one.day for one in kept] == [DAY + timedelta(days=number) for number in range(12, 20)]
    store.add_traffic(date(2200, 1, 1), LinkKind.MODEM, sent=1)  # by a clock that is ahead
    assert len(store.traffic_since(date(1970, 1, 1))) == 8
    assert store.traffic_since(kept[-1].day)[0] == kept[-1]


def test_what_is_known_of_links_outlives_the_process(store: Store, path: Path) -> None:
    assert store.link_pasts() == {}
    assert store.link_state() is None
    why = Sentence("The hub {host} cannot be reached.", {"host": "h"})
    pasts = {
        LinkKind.MODEM: LinkPast(3, 1, START, LATER, 1500.5, 4.0, 6000.0, why, True),
        LinkKind.WIFI: LinkPast(),
    }
    state = LinkState(
        LATER,
        LinkDoing.CONNECTED,
        why,
        ("modem",),
        LinkKind.MODEM,
        START,
        START,
        LATER,
        (why, why),
        {"modem": 5},
    )
    store.keep_link_pasts(pasts)
    store.keep_link_state(state)
    with Store.open(path) as again:
        assert again.link_pasts() == pasts
        assert again.link_state() == state
    bare = LinkState(LATER, LinkDoing.WAITING, why)
    store.keep_link_state(bare)
    assert store.link_state() == bare


def test_a_state_of_a_release_to_come_or_damaged_is_passed_over(store: Store) -> None:
    store.set_setting("sync.state", "nonsense")
    store.set_setting("sync.pasts", '{"wifi":{"failures":2,"mood":"good"}}')
    assert store.link_state() is None
    assert store.link_pasts() == {LinkKind.WIFI: LinkPast(failures=2)}


def test_what_waits_is_counted_as_it_may_go(store: Store) -> None:
    assert store.waiting(LATER) == []
    assert store.next_due(LATER) is None
    ids = [store.send(outgoing(number, body='{"name":"खेत"}')) for number in range(3)]
    store.send(outgoing(9, MessageKind.ALERT))
    store.send(replace(outgoing(10), expires_at=START))
    found = {one.kind: one for one in store.waiting(LATER)}
    size = len('{"name":"खेत"}'.encode())
    assert (found[MessageKind.SUMMARY].count, found[MessageKind.SUMMARY].bytes) == (3, 3 * size)
    assert START < found[MessageKind.SUMMARY].oldest < START + timedelta(minutes=1)
    assert found[MessageKind.ALERT].count == 1
    store.mark_sent(ids[:2], batch="0" * 16, carrier="mqtt", size=100, now=LATER)
    assert {one.kind: one.count for one in store.waiting(LATER)}[MessageKind.SUMMARY] == 1
    due = store.next_due(LATER)
    assert due is not None
    assert LATER < due < LATER + timedelta(minutes=3)
    store.acknowledge(LATER, ids=ids)
    assert store.next_due(LATER) is None


def test_a_pause_of_a_clock_that_was_ahead_has_come(store: Store) -> None:
    one = store.send(outgoing(1))
    store.mark_sent([one], batch="0" * 16, carrier="mqtt", size=1, now=LATER + 3 * LONGEST)
    assert [waits.count for waits in store.waiting(LATER)] == [1]
    assert [message.id for message in store.due_messages(LATER, 5)] == [one]
    assert store.next_due(LATER) is None


def test_a_command_is_followed_once_with_all_that_it_changes(store: Store) -> None:
    sent = store.send(outgoing(1))
    store.acknowledge(LATER, ids=[sent])
    answer = outgoing(2, MessageKind.ANSWER)
    assert not store.is_followed(command().id)
    assert store.follow(command(), [answer], again=[sent], settings={"hub.settings": "{}"})
    assert store.is_followed(command().id)
    store.acknowledge(LATER, ids=[sent])
    assert not store.follow(command(), [outgoing(3)], again=[sent], settings={"hub.settings": "x"})
    assert store.setting("hub.settings") == "{}"
    states = {one.kind: one.state for one in store.messages()}
    assert states[MessageKind.ANSWER] is MessageState.WAITING
    assert len(states) == len(store.messages()) == 2
    assert store.commands() == [command()]


def test_commands_are_remembered_however_old_a_clock_makes_them(store: Store) -> None:
    store.follow(command(1, LATER - timedelta(days=420)))
    store.follow(command(2, LATER - timedelta(days=900)))
    store.follow(command(3))
    assert all(store.is_followed(command(number).id) for number in (1, 2, 3))


def test_messages_since_a_moment(store: Store) -> None:
    ids = [store.send(outgoing(number)) for number in range(3)]
    made = store.messages()[-2].created_at
    assert store.messages_since(made) == ids[1:]
    assert store.messages_since(datetime(2027, 1, 1, tzinfo=UTC)) == []
