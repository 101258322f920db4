"""A short form of `tests.durability.kill_proof`, and the same for a worker that is a process of its own."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from fieldbox.storage.rows import JobState
from tests.durability.kill_proof import Moment, await_moment, moments_of, prove, started
from tests.path.box import Box, simulated

Flown = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    return simulated(tmp_path_factory.mktemp("flown") / "card", camera="tiny")


@pytest.fixture(scope="module")
def undisturbed(flown: Flown, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The surveys of a box that nothing happened to."""
    surveys: list[dict[str, Any]] = Box(tmp_path_factory.mktemp("calm") / "root").mapped(flown[0])["surveys"]
    return surveys


def test_killed_in_every_step_the_survey_is_the_same(flown: Flown, tmp_path: Path) -> None:
    moments = [
        Moment("start", 0, 0.4),
        Moment("copy", 20, 0.003),
        Moment("align", 9, 0.01),
        Moment("align", 21, 0.3),
        Moment("plan", 0, 0.05),
        Moment("look", 4, 0.04),
        Moment("look", 13, 0.0),
        Moment("again", 1, 0.02),
        Moment("map", 0, 0.01),
        Moment("mosaic", 0, 0.01),
        Moment("save", 0, 0.0),
    ]
    proof = prove(flown[0], tmp_path, moments, tell=lambda _line: None)
    assert proof.kills.total() == len(moments)
    assert proof.needed <= proof.looked <= proof.needed + 4 * 4


@pytest.mark.long
def test_a_worker_that_is_killed_goes_on_where_it_was(
    flown: Flown, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    shaken = Box(tmp_path / "shaken")
    assert shaken.run("ingest", flown[0], "--json").json["surveys"] == []
    for number, done in enumerate([3, 9]):
        log = tmp_path / f"{number}.log"
        with started(shaken, log, "worker") as process:
            await_moment(process, log, Moment("look", done, 0.0))
            process.send_signal(signal.SIGKILL)
    with started(shaken, tmp_path / "last.log", "worker") as process:
        _await_job(shaken, JobState.DONE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert "look 0" not in (tmp_path / "last.log").read_text()
    # A second asking finds all done.
    assert shaken.mapped(flown[0])["surveys"] == undisturbed
    assert len(json.loads(shaken.run("outbox", "list", "--json").out)) == 1


def test_stopping_a_worker_leaves_the_flight_for_the_next_start(flown: Flown, tmp_path: Path) -> None:
    box = Box(tmp_path / "root")
    assert box.run("ingest", flown[0]).code == 0
    with started(box, tmp_path / "first.log", "worker") as process:
        await_moment(process, tmp_path / "first.log", Moment("look", 2, 0.0))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    with box.store() as store:
        (job,) = store.jobs()
        assert job.state in (JobState.WAITING, JobState.RUNNING)
    with started(box, tmp_path / "second.log", "worker") as process:
        _await_job(box, JobState.DONE)


def test_two_at_once_do_the_work_once(flown: Flown, tmp_path: Path) -> None:
    """An ingest that waits leaves the mapping to the worker of the box, and both see the same survey."""
    box = Box(tmp_path / "root")
    with started(box, tmp_path / "worker.log", "worker"):
        time.sleep(1.0)
        logs = [tmp_path / "one.log", tmp_path / "two.log"]
        with (
            started(box, logs[0], "ingest", flown[0], "--wait", "--json") as one,
            started(box, logs[1], "ingest", flown[0], "--wait", "--json") as two,
        ):
            told = [process.communicate(timeout=120) for process in (one, two)]
    assert [err for _out, err in told] == [b"", b""]
    said = [json.loads(out) for out, _err in told]
    assert said[0]["surveys"] == said[1]["surveys"]
    assert len(said[0]["surveys"]) == 1
    views = [
        line
        for log in (*logs, tmp_path / "worker.log")
        if log.exists()
        for line in log.read_text().splitlines()
        if line.startswith("view ")
    ]
    assert len(views) == len(set(views))
    with box.store() as store:
        assert len(store.surveys()) == len(store.messages()) == len(store.flights()) == 1


@pytest.mark.long
def test_points_that_a_power_cut_damaged_are_searched_anew(
    flown: Flown, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    box, log = Box(tmp_path / "root"), tmp_path / "first.log"
    with started(box, log, "ingest", flown[0], "--wait", "--json") as process:
        await_moment(process, log, Moment("align", 9, 0.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    torn = sorted((box.root / "work").glob("points-*/*.points"))[:3]
    for path, left in zip(torn, (0, 5, -40), strict=True):
        path.write_bytes(path.read_bytes()[:left])
    assert box.mapped(flown[0])["surveys"] == undisturbed


def test_random_moments_cover_every_step() -> None:
    moments = moments_of(50, 60, 40, seed=1)
    assert len(moments) == 50
    assert {moment.step for moment in moments} == {
        "start",
        "copy",
        "align",
        "plan",
        "look",
        "again",
        "map",
        "mosaic",
        "save",
    }


def _await_job(box: Box, state: JobState) -> None:
    deadline = time.monotonic() + 120
    with box.store() as store:
        while store.jobs()[0].state is not state:
            assert time.monotonic() < deadline, store.jobs()
            time.sleep(0.05)
