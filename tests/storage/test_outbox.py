"""The outbox of a box that has not been heard of for years: quick to ask, and no step scans all of it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from fieldbox.domain import MessageKind, MessageState, Outgoing
from fieldbox.storage.store import Store
from fieldbox.wire.ids import key_of, made_at
from tests.storage.samples import START, Clock

MANY = 50_000


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which many summaries wait, half of them sent and not yet confirmed."""
    path = tmp_path_factory.mktemp("full") / "fieldbox.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executemany(
            "INSERT INTO messages (id, kind, priority, body, state, attempts, created_at, next_try, subject, batch)"
            " VALUES (?, 'summary', 3, ?, ?, 0, '2026-06-01T00:00:00.000000Z', ?, ?, ?)",
            (
                (
                    f"{number:012x}{key_of(str(number))}",
                    "x" * 900,
                    "sent" if number % 2 else "waiting",
                    "2026-06-01T09:00:00.000000Z" if number % 2 else None,
                    f"survey {number}",
                    f"{number // 20:016x}",
                )
                for number in range(MANY)
            ),
        )
    return path


def plan(path: Path, query: str) -> str:
    with closing(sqlite3.connect(path)) as raw:
        return " | ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {query}"))


def statements(path: Path, store: Store) -> list[str]:
    """What a burst of twenty asks of the database, as SQLite is told it."""
    said: list[str] = []
    with store._database.write() as connection:
        raw = connection.connection.driver_connection
        assert raw
        raw.set_trace_callback(said.append)
    due = store.due_messages(START, 20)
    ids = [one.id for one in due]
    store.mark_sent(ids, batch="a" * 16, carrier="mqtt", size=4000, now=START)
    store.acknowledge(START, batches=["a" * 16], ids=ids[:2], refused={ids[3]: "size"})
    store.send(Outgoing(MessageKind.SUMMARY, "{}", key_of("more"), "survey 5"))
    store.send(Outgoing(MessageKind.BOX, "{}", key_of("box"), "box"))
    store.send(Outgoing(MessageKind.ALERT, "{}", key_of("alert")))
    store.message_counts()
    store.expire_messages(START)
    store.waiting(START)
    store.next_due(START)
    return [one for one in said if " messages" in one]


def test_no_step_of_sending_reads_the_whole_outbox(full: Path) -> None:
    with Store.open(full, clock=Clock()) as store:
        said = statements(full, store)
        assert len(said) >= 30
        for one in said:
            told = plan(full, one)
            inside = re.sub(r"SCAN messages USING (COVERING )?INDEX ix_messages_(open|settled)", "", told)
            assert "SCAN messages" not in inside, one
            assert "TEMP B-TREE" not in told or "GROUP BY" in one, one


def test_the_newest_go_first_and_those_that_have_their_time_come(full: Path) -> None:
    with Store.open(full) as store:
        first = store.due_messages(START, 20)
        assert [one.state for one in first] == [MessageState.WAITING] * 20
        later = store.due_messages(START + timedelta(hours=5), 20)
        assert {one.state for one in later} == {MessageState.WAITING, MessageState.SENT}
        times = [made_at(one.id) for one in later]
        assert times == sorted(times, reverse=True)
        assert store.due_messages(START, 20, {MessageKind.PICTURE}) == []
        assert sum(store.message_counts().values()) == len(store.messages())
