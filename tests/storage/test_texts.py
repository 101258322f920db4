"""Texts in the database: kept once, bounded, and whose wish is not to be texted is not forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from fieldbox.domain import NewText, Order, Receipt, SurveyVerdict, TextIn, TextState, Understood
from fieldbox.i18n import Sentence
from fieldbox.storage import texts
from fieldbox.storage.store import Store
from tests.storage.kept import bring, chart
from tests.storage.samples import Clock

ANN, BEN = "+919812345678", "+919800000001"


def new(number: int, to: str = ANN) -> NewText:
    return NewText(to, f"text {number}", f"key {number}", again=f"again {number}")


def sent(store: Store, number: int, reference: int, to: str = ANN) -> int:
    """A text that the network took; its id."""
    assert store.write_text(new(number, to))
    (text,) = store.due_texts(store.texts()[0].created_at)
    assert store.claim_text(text.id, "handle", most_parts=100, now=text.created_at)
    store.text_sent(text.id, reference, text.created_at)
    return text.id


def test_a_text_is_written_once(store: Store) -> None:
    assert store.write_text(new(1))
    assert not store.write_text(new(1))
    assert len(store.texts()) == 1


def test_old_texts_go_and_what_waits_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "KEPT", 3)
    store.write_text(new(0, BEN))
    assert store.take_text(
        TextIn(ANN, "STOP", store.texts()[0].created_at), Understood(Order.STOP, followed=True)
    )
    assert store.take_text(
        TextIn(ANN, "START", store.texts()[0].created_at), Understood(Order.START, followed=True)
    )
    for number in range(1, 9):
        store.write_text(new(number))
        text = next(one for one in store.texts() if one.key == f"key {number}")
        store.claim_text(text.id, "handle", most_parts=100, now=text.created_at)
        store.text_sent(text.id, number, text.created_at)
    bodies = [one.body for one in store.texts()]
    assert "text 0" in bodies
    assert "STOP" in bodies
    assert len([body for body in bodies if body.startswith("text")]) <= 3 + 2
    assert "text 1" not in bodies


def test_two_processes_do_not_send_the_same_text(store: Store, clock: Clock) -> None:
    store.write_text(new(1))
    (text,) = store.due_texts(clock.now)
    assert store.claim_text(text.id, "one", most_parts=100, now=clock.now)
    assert not store.claim_text(text.id, "other", most_parts=100, now=clock.now)
    assert store.due_texts(clock.now) == []


def test_a_report_is_of_the_text_with_its_reference(store: Store, clock: Clock) -> None:
    first, second = sent(store, 1, 7), sent(store, 2, 8)
    assert not store.report_text("r1", ANN, 9, Receipt.DELIVERED, clock.now)
    assert not store.report_text("r1", BEN, 8, Receipt.DELIVERED, clock.now)
    assert store.report_text("r1", ANN, 8, Receipt.DELIVERED, clock.now)
    states = {one.id: one.state for one in store.texts()}
    assert states == {first: TextState.SENT, second: TextState.DELIVERED}


def test_a_report_that_is_seen_twice_settles_no_other_text(store: Store, clock: Clock) -> None:
    sent(store, 1, 7)
    assert store.report_text("r1", ANN, 7, Receipt.DELIVERED, clock.now)
    store.write_text(new(2))
    (text,) = store.due_texts(clock.now)
    store.claim_text(text.id, "h2", most_parts=100, now=clock.now)
    assert not store.report_text("r1", ANN, 7, Receipt.DELIVERED, clock.now)
    assert [one.state for one in store.texts()] == [TextState.SENDING, TextState.DELIVERED]
    assert store.report_text("r2", ANN, 8, Receipt.DELIVERED, clock.now)


def test_of_two_parts_the_first_may_have_been_paid(store: Store, clock: Clock) -> None:
    """The network took one and refused the next: a day's cap counts what may have been paid."""
    store.write_text(NewText(ANN, "x" * 161, "long"))
    (text,) = store.due_texts(clock.now)
    store.claim_text(text.id, "handle", most_parts=100, now=clock.now)
    assert store.text_parts_paid(clock.now) == 2
    store.text_not_sent(text.id, Sentence("busy"), clock.now, again=True)
    assert store.text_parts_paid(clock.now) == 1


def test_what_the_network_could_not_bring_goes_again(store: Store, clock: Clock) -> None:
    sent(store, 1, 7)
    store.report_text("r1", ANN, 7, Receipt.UNDELIVERED, clock.now)
    (text,) = store.texts()
    assert text.state is TextState.WAITING
    assert text.body == "text 1"
    assert store.due_texts(clock.now + timedelta(hours=1)) == [text]


def test_a_report_of_long_ago_is_of_nothing(store: Store, clock: Clock) -> None:
    sent(store, 1, 7)
    assert not store.report_text("r1", ANN, 7, Receipt.DELIVERED, clock.now + timedelta(days=9))


def test_verdicts(store: Store) -> None:
    chart(store, bring(store, "flight"))
    told = "survey of flight"
    assert store.give_verdict(told, SurveyVerdict.RIGHT, way="hub", who="agronomist")
    assert not store.give_verdict(told, SurveyVerdict.RIGHT, way="hub", who="agronomist")
    assert store.give_verdict(told, SurveyVerdict.WRONG, way="hub", who="agronomist")
    assert not store.give_verdict("no survey", SurveyVerdict.WRONG, way="hub", who="agronomist")
    assert [one.verdict for one in store.verdicts(told)] == [SurveyVerdict.RIGHT, SurveyVerdict.WRONG]


def test_what_came_in_is_kept_once_with_its_reason(store: Store, clock: Clock) -> None:
    came = TextIn(BEN, "win a prize", clock.now)
    assert store.take_text(came, Understood(why=Sentence("Its number is not in the settings.")))
    assert not store.take_text(came, Understood(Order.STOP, followed=True))
    (kept,) = store.texts()
    assert (kept.incoming, kept.state, kept.order) == (True, TextState.PASSED, None)


def test_texts_of_a_message_are_found_without_looking_at_all(store: Store) -> None:
    """They are looked for of each message that might go by text, at each look."""
    with closing(sqlite3.connect(store.path)) as database:
        plan = database.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM texts WHERE way = 'out' AND message_id = ?", ("m",)
        )
        assert [row[3] for row in plan] == ["SEARCH texts USING INDEX ix_texts_message_id (message_id=?)"]
