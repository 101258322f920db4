"""The worker: an error of a flight becomes its job's reason, and the next flight goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldbox.config import Config
from fieldbox.errors import FieldboxError, Rejected, Unavailable
from fieldbox.placing import Cancelled, Progress
from fieldbox.services import worker
from fieldbox.storage.rows import Job, JobState
from fieldbox.storage.store import Store
from tests.storage.samples import add_flight


@dataclass
class Analysis:
    """Ends as it is told."""

    error: BaseException | None = None
    steps: int = 0

    def run(self, _flight: str, progress: Progress) -> None:
        for done in range(self.steps):
            progress("look", done + 1, self.steps)
        if self.error:
            raise self.error


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "fieldbox.db") as opened:
        yield opened


def worked(store: Store, analysis: Analysis) -> Job:
    """The job of a new flight after one try."""
    flight = add_flight(store)
    store.enqueue(flight.id, release_sha="r1")
    job = store.claim()
    assert job is not None
    worker.work_on(job, store, analysis)  # type: ignore[arg-type]
    (after,) = store.jobs()
    return after


def test_done(store: Store) -> None:
    job = worked(store, Analysis(steps=40))
    assert (job.state, job.step, job.done, job.total) == (JobState.DONE, "look", 40, 40)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Rejected("The flight is {what}.", what="empty"), JobState.FAILED),
        (Unavailable("It is full."), JobState.WAITING),
    ],
)
def test_an_error_is_the_reason(store: Store, error: FieldboxError, state: JobState) -> None:
    job = worked(store, Analysis(error))
    assert (job.state, job.attempts, job.reason) == (state, 1, error.sentence)
    assert store.claim() is None


def test_a_fault_of_ours_does_not_stop_the_worker(store: Store) -> None:
    job = worked(store, Analysis(ZeroDivisionError("oh")))
    assert job.state is JobState.WAITING
    assert "ZeroDivisionError" in str(job.reason)
    assert "report" in str(job.reason)


def test_stopped_work_counts_as_nothing(store: Store) -> None:
    job = worked(store, Analysis(Cancelled()))
    assert (job.state, job.attempts, job.reason) == (JobState.RUNNING, 0, None)
    assert store.release_claims() == 1


def test_asking_again_makes_a_resting_job_due_at_once(store: Store) -> None:
    """The disk was full and is not any more: nobody waits ten minutes for it."""
    job = worked(store, Analysis(Unavailable("It is full.")))
    assert store.claim() is None
    assert store.enqueue("flight", release_sha="r1") == job.id
    again = store.claim()
    assert again is not None
    assert (again.id, again.attempts, again.deaths) == (job.id, 0, 1)


def test_drain_without_flights_needs_no_model(store: Store, tmp_path: Path) -> None:
    worker.drain(Config(), store, [])
    assert store.jobs() == []


def test_a_person_stops_the_job_in_work(store: Store) -> None:
    flight = add_flight(store)
    store.enqueue(flight.id, release_sha="r1")
    job = store.claim()
    assert job is not None
    watch = worker.Watch(store)
    assert not watch()
    watch.job_id = job.id
    store.ask_to_stop(flight.id, "Asha")
    assert watch()
    worker.work_on(job, store, Analysis(Cancelled()))  # type: ignore[arg-type]
    (after,) = store.jobs()
    assert after.state is JobState.FAILED
    assert "Asha stopped the work" in str(after.reason)


def test_the_seconds_of_each_step_are_kept(store: Store) -> None:
    job = worked(store, Analysis(steps=4))
    assert job.spent is not None and job.spent["look"] >= 0
    assert job.worked == {"look": 3}
