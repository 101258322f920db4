"""A flight is stopped, goes on, is looked at anew, deleted, and given again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fieldbox.config import Config, load_config
from fieldbox.pipeline import Analysis
from fieldbox.services import worker
from fieldbox.services.box import open_store
from fieldbox.storage.rows import Job, JobState
from fieldbox.storage.store import Store
from tests.path.box import Box, simulated


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("flown") / "card", camera="tiny")[0]


class Told:
    """What the work tells of itself."""

    def __init__(self, at: tuple[str, int] | None = None, then: Any = None) -> None:
        self.seen: list[tuple[str, int, int]] = []
        self._at, self._then = at, then

    def __call__(self, step: str, done: int, total: int) -> None:
        self.seen.append((step, done, total))
        if self._at == (step, done):
            self._then()

    def firsts(self) -> dict[str, int]:
        """How far each step was when it began."""
        found: dict[str, int] = {}
        for step, done, _total in self.seen:
            found.setdefault(step, done)
        return found


def work(config: Config, store: Store, told: Told) -> Job:
    watch = worker.Watch(store)
    analysis = Analysis(config, store, cancelled=watch)
    job = store.claim()
    assert job is not None
    watch.job_id = job.id
    worker.work_on(job, store, analysis, told)
    after = store.job_for_flight(job.flight_id)
    assert after is not None
    return after


def test_stopped_gone_on_anew_deleted_and_given_again(
    flown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_S", 0.0)
    box = Box(tmp_path / "root")
    assert box.run("ingest", flown).code == 0
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(box.root)})
    with open_store(config) as store:
        (flight,) = store.flights()
        stopped = work(config, store, Told(("look", 2), lambda: store.ask_to_stop(flight.id, "Asha")))
        assert stopped.state is JobState.FAILED and "Asha stopped" in str(stopped.reason)
        assert store.surveys() == []

        store.enqueue(flight.id, release_sha=stopped.release_sha)
        told = Told()
        done = work(config, store, told)
        assert done.state is JobState.DONE and told.firsts()["look"] >= 2
        (survey,) = store.surveys()
        assert done.spent is not None and {"look", "map", "mosaic"} <= done.spent.keys()
        assert store.worked_lately()[0].photos == flight.captures

        store.enqueue(flight.id, release_sha=stopped.release_sha)
        quick = Told()
        work(config, store, quick)
        assert "look" not in quick.firsts()

        store.enqueue(flight.id, release_sha=stopped.release_sha, anew=True)
        anew = Told()
        assert work(config, store, anew).state is JobState.DONE
        assert anew.firsts()["look"] == 0
        assert store.surveys() == [survey]

        store.delete_flight(flight.id, "asha")
        worker.Housekeeping(box.root, lambda: worker.Keeper(config, store), store).when_due()
        assert list((box.root / "originals").rglob("*.jpg")) == []
        assert list((box.root / "rasters").iterdir()) == []
        assert list((box.root / "alignments").iterdir()) == []
        assert store.check() == []
    again = box.mapped(flown)
    assert again["captures"]["accepted"] == flight.captures
    (new,) = again["surveys"]
    assert new["id"] == survey.id
