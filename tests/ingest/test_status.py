"""What the intake tells the other processes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldbox.domain import Bringing, Brought, Came, Way
from fieldbox.i18n import Sentence
from fieldbox.ingest.status import ALIVE_S, MOST_LAST, NAME, Board, read_status

NOW = Bringing(Way.CARD, "SD_64", "card sda1", "copy", 3, 500, may_pull=False)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def brought(number: int, outcome: Came = Came.DONE) -> Brought:
    reason = Sentence("{count} are bad.", {"count": 2}) if outcome is not Came.DONE else None
    return Brought(Way.DROP, f"day {number}", f"drop {number}", NOON, outcome, reason, 5, 1, 2, ("a", "b"))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_told_is_read(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None
    board = Board(tmp_path)
    board.add(brought(1))
    board.add(brought(2, Came.PARTLY))
    board.show(NOW)
    status = read_status(tmp_path)
    assert status is not None
    assert status.now == (NOW,)
    assert status.last == (brought(2, Came.PARTLY), brought(1))
    assert Board(tmp_path).last == status.last


def test_progress_is_written_now_and_then_and_each_step_at_once(tmp_path: Path) -> None:
    clock = Clock()
    board = Board(tmp_path, clock)
    for done in range(10):
        clock.now += 0.1
        board.show(Bringing(Way.CARD, "SD", "card", "copy", done, 10, may_pull=False))
    status = read_status(tmp_path)
    assert status is not None
    assert 4 <= status.now[0].done < 9
    board.show(Bringing(Way.CARD, "SD", "card", "read", 0, 10, may_pull=True))
    status = read_status(tmp_path)
    assert status is not None
    assert status.now[0].may_pull


def test_only_the_newest_try_of_the_same_is_kept(tmp_path: Path) -> None:
    board = Board(tmp_path)
    for outcome in (Came.WAITING, Came.WAITING, Came.DONE):
        board.add(brought(1, outcome))
    assert [one.outcome for one in board.last] == [Came.DONE]
    for number in range(2 * MOST_LAST):
        board.add(brought(number))
    assert len(board.last) == MOST_LAST


def test_a_card_that_is_back_is_not_waited_for_any_more(tmp_path: Path) -> None:
    board = Board(tmp_path)
    for label, number, outcome in (("A", 1, Came.WAITING), ("B", 2, Came.WAITING), ("A", 3, Came.DONE)):
        board.add(replace(brought(number, outcome), way=Way.CARD, name=label))
    assert [(one.name, one.outcome) for one in board.last] == [("A", Came.DONE), ("B", Came.WAITING)]


def test_an_intake_that_waits_writes_nothing(tmp_path: Path) -> None:
    seconds = [0.0]
    board = Board(tmp_path, lambda: seconds[0])
    board.show(NOW)
    seconds[0] += ALIVE_S
    before = (tmp_path / NAME).stat().st_ino
    board.beat()
    at_work = (tmp_path / NAME).stat().st_ino
    board.show(None)
    waits = (tmp_path / NAME).stat().st_ino
    seconds[0] += ALIVE_S
    board.beat()
    assert before != at_work, "written anew"
    assert (tmp_path / NAME).stat().st_ino == waits


def test_what_was_done_long_ago_is_not_done_now(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.add(brought(1))
    board.show(NOW)
    later = read_status(tmp_path, datetime.now(UTC) + timedelta(seconds=ALIVE_S + 5))
    assert later is not None
    assert (later.now, len(later.last)) == ((), 1)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "at": 5}', '{"version": 1, "at": "2026"']
)
def test_what_cannot_be_understood_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert read_status(tmp_path) is None


def test_an_entry_of_a_newer_release_is_nothing(tmp_path: Path) -> None:
    Board(tmp_path).show(NOW)
    told = json.loads((tmp_path / NAME).read_text())
    told["now"][0]["way"] = "drone itself"
    (tmp_path / NAME).write_text(json.dumps(told))
    assert read_status(tmp_path) is None
