"""The box's health report: what it says is measured or null, and it goes once a day."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldbox import __version__
from fieldbox.config import Config, StorageConfig
from fieldbox.domain import FileKind, LinkDoing, LinkState, MessageKind, MessageState, Original
from fieldbox.i18n import Sentence
from fieldbox.services.boxing import report_daily, state_of
from fieldbox.services.machine import Machine
from fieldbox.storage.store import Store
from fieldbox.summary.boxreport import ClockState
from tests.storage.samples import add_flight, survey, told

NOW = datetime(2027, 6, 10, 5, tzinfo=UTC)
DUMB = Machine(Path("/nothing"), Path("/nothing"), "no-such-tool")


class Box:
    """A box at a moment of its clock."""

    def __init__(self, root: Path) -> None:
        self.config, self.now = Config(storage=StorageConfig(root=root)), NOW
        self.store = Store.open(self.config.database, clock=lambda: self.now)

    def report(self, machine: Machine = DUMB) -> str | None:
        return report_daily(self.config, self.store, self.now, machine=machine)

    def body(self, identity: str | None) -> dict[str, Any]:
        message = self.store.message(identity or "")
        assert message is not None
        told: dict[str, Any] = json.loads(message.body)
        return told


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.store.close()


def test_an_empty_box_tells_nothing_that_it_does_not_know(box: Box) -> None:
    body = box.body(box.report())
    assert (body["app"], body["models"], body["surveys"], body["photos_total"]) == (__version__, [], 0, 0)
    assert (body["up_h"], body["temp_c"], body["throttled"], body["full_days"]) == (None, None, None, None)
    assert "last_failure" not in body
    free, total = body["disk_gb"]
    assert 0 < free <= total
    assert body["db_mb"] > 0


def test_what_is_on_the_box_is_counted(box: Box) -> None:
    flight = add_flight(box.store)
    kept = replace(survey(flight), release="weeds@3")
    box.store.save_survey(
        kept, [], told(), plan_key="p", release_sha="s", to_geographic=lambda east, north: (north, east)
    )
    body = box.body(box.report())
    assert (body["models"], body["surveys"], body["photos_total"]) == (["weeds@3"], 1, 3)
    assert body["outbox"]["waiting"] == 1
    assert (body["failed"], body.get("last_failure")) == (0, None)


def test_a_budget_that_is_used_up_is_told_in_a_line(box: Box) -> None:
    note = Sentence(
        "The {link} has used {used} of its {budget} MB.", {"link": "modem", "used": "20.00", "budget": "20"}
    )
    box.store.keep_link_state(LinkState(NOW, LinkDoing.WAITING, Sentence("It waits."), notes=(note, note)))
    assert box.body(box.report())["link"] == "The modem has used 20.00 of its 20 MB."


def test_a_flight_that_failed_is_told_without_its_names(box: Box) -> None:
    flight = add_flight(box.store)
    job = box.store.enqueue(flight.id, release_sha="s")
    assert box.store.claim() is not None
    box.store.fail(job, Sentence("The field of {who} is gone.", {"who": "Sunita"}), retry_at=None)
    message = box.store.message(box.report() or "")
    assert message is not None
    assert json.loads(message.body)["last_failure"] == "The field of {who} is gone."
    assert json.loads(message.body)["failed"] == 1
    assert "Sunita" not in message.body


def test_days_until_the_disk_is_full_follow_from_what_came_lately(box: Box) -> None:
    ingest = box.store.begin_ingest("card")
    box.store.add_given(ingest, [Original("ab" * 32, "a.jpg", 3 * 10**9, FileKind.JPEG)])
    box.now += timedelta(days=3)
    state = state_of(box.config, box.store, box.now, ClockState.SET, DUMB)
    assert state.full_days == pytest.approx(state.free_gb)  # 1 GB a day
    box.now += timedelta(days=40)
    assert state_of(box.config, box.store, box.now, ClockState.SET, DUMB).full_days is None


def test_it_goes_once_a_day_and_replaces_what_still_waits(box: Box) -> None:
    first = box.report()
    box.now += timedelta(hours=23)
    assert box.report() is None
    box.now += timedelta(hours=2)
    second = box.report()
    told = {one.id: one.state for one in box.store.messages() if one.kind is MessageKind.BOX}
    assert told == {first: MessageState.SUPERSEDED, second: MessageState.WAITING}


def test_a_clock_that_jumps_back_makes_one_report_more_and_no_flood(box: Box) -> None:
    assert box.report()
    box.now -= timedelta(days=365)
    assert box.report()
    for _hour in range(20):
        box.now += timedelta(hours=1)
        assert box.report() is None


def test_what_a_machine_says_is_read(tmp_path: Path) -> None:
    (tmp_path / "uptime").write_text("7200.55 1000.00\n")
    (tmp_path / "thermal_zone0").mkdir()
    (tmp_path / "thermal_zone0" / "temp").write_text("61250\n")
    machine = Machine(tmp_path, tmp_path, tool(tmp_path, "echo throttled=0x50000"))
    assert machine.up_hours() == pytest.approx(2.0, abs=0.001)
    assert (machine.temperature_c(), machine.throttled()) == (61.25, True)


@pytest.mark.parametrize(
    ("says", "slowed"),
    [("echo throttled=0x0", False), ("echo throttled=0x1", True), ("echo nonsense", None), ("exit 1", None)],
)
def test_a_machine_that_talks_nonsense_is_not_believed(
    tmp_path: Path, says: str, slowed: bool | None
) -> None:
    assert Machine(vcgencmd=tool(tmp_path, says)).throttled() is slowed


def test_a_machine_without_any_of_it_says_nothing() -> None:
    assert (DUMB.up_hours(), DUMB.temperature_c(), DUMB.throttled()) == (None, None, None)


def tool(folder: Path, says: str) -> str:
    """A program that says so."""
    path = folder / "vcgencmd"
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)
