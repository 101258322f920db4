"""The outbox on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.domain import MessageKind, Outgoing
from fieldbox.storage.store import Store
from fieldbox.wire.ids import key_of

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """Ids of messages, one in each state: waiting, sent, acknowledged, superseded, refused."""
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path))
    with Store.open(tmp_path / "fieldbox.db", clock=lambda: NOW) as store:
        old, waits, flies, done, refused = (
            store.send(Outgoing(MessageKind.SUMMARY, f'{{"n":"{name}"}}', key_of(name), name[0]))
            for name in ("one", "other", "b", "c", "d")
        )
        store.mark_sent([flies, done, refused], batch="b" * 16, carrier="mqtt", size=600, now=NOW)
        store.acknowledge(NOW + timedelta(hours=1), ids=[done], refused={refused: "schema"})
    return waits, flies, done, old, refused


def said(*words: str) -> str:
    came = CliRunner().invoke(main, words)
    assert came.exit_code == 0, came.output
    return came.output


def test_each_message_is_told_with_what_became_of_it(sent: Sequence[str]) -> None:
    lines = {line.split()[0]: line for line in said("outbox", "list").splitlines()}
    waits, flies, done, old, refused = (lines[one] for one in sent)
    assert waits.endswith("2026-06-01 08:00  13 B  waits for a link")
    assert "sent, not confirmed yet  tries: 1" in flies
    assert done.endswith("arrived  2026-06-01 09:00")
    assert "a newer one goes in its place" in old
    assert "given up  The hub cannot read it (schema)." in refused
    assert lines["Messages:"] == (
        "Messages: 1 wait for a link, 1 were sent and are not confirmed yet, 1 arrived, 1 were replaced by a newer one,"
        " 1 were given up."
    )


def test_one_state_alone(sent: Sequence[str]) -> None:
    for state, one in zip(("waiting", "sent", "acknowledged", "superseded", "refused"), sent, strict=True):
        (row,) = json.loads(said("outbox", "list", "--state", state, "--json"))
        assert (row["id"], row["state"]) == (one, state)
    assert CliRunner().invoke(main, ["outbox", "list", "--state", "lost"]).exit_code == 2


def test_machines_are_told_all_of_it(sent: Sequence[str]) -> None:
    rows = {row["id"]: row for row in json.loads(said("outbox", "list", "--json"))}
    waits, flies, done, old, refused = sent
    assert list(rows) == [refused, done, flies, waits, old]
    assert rows[waits]["replaces"] == [old]
    assert rows[flies]["bytes_sent"] == 200
    assert rows[flies]["next_try"] > rows[flies]["sent_at"] == NOW.isoformat()
    assert (rows[done]["carrier"], rows[done]["next_try"]) == ("mqtt", None)
    assert rows[refused]["why"] == "The hub cannot read it (schema)."


@pytest.mark.usefixtures("sent")
def test_the_state_of_the_box_has_how_many_are_in_each_state() -> None:
    state = json.loads(said("status", "--json"))
    assert state["outbox"] == {"waiting": 1, "sent": 1, "acknowledged": 1, "superseded": 1, "refused": 1}
    assert state["outbox_waiting"] == 2
    assert "1 were sent and are not confirmed yet" in said("status")
