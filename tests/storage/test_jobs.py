from __future__ import annotations

from datetime import timedelta

import pytest

from fieldbox.i18n import Sentence
from fieldbox.storage.jobs import MAX_DEATHS
from fieldbox.storage.rows import Job, JobState
from fieldbox.storage.store import Store
from tests.storage.samples import Clock, add_flight

REASON = Sentence("The disk is full.")


@pytest.fixture
def job(store: Store) -> int:
    return store.enqueue(add_flight(store).id, release_sha="r1")


def claimed(store: Store) -> Job:
    job = store.claim()
    assert job is not None
    return job


def newest(store: Store) -> Job:
    job = store.job_for_flight("flight")
    assert job is not None
    return job


def test_there_is_one_live_job_for_a_flight_and_release(store: Store, job: int) -> None:
    assert store.enqueue("flight", release_sha="r1") == job
    assert store.enqueue("flight", release_sha="r2") != job
    claimed(store)
    assert store.enqueue("flight", release_sha="r1") == job
    store.finish(job)
    assert store.enqueue("flight", release_sha="r1") != job


def test_a_job_is_claimed_once_and_the_oldest_first(store: Store, job: int) -> None:
    second = store.enqueue(add_flight(store, "second", first=10).id, release_sha="r1")
    assert [claimed(store).id, claimed(store).id] == [job, second]
    assert store.claim() is None
    assert [each.id for each in store.jobs({JobState.RUNNING})] == [second, job]
    assert store.jobs([JobState.DONE]) == []
    assert len(store.jobs()) == 2


def test_progress_and_end(store: Store, job: int) -> None:
    claimed(store)
    store.progress(job, "look", 3, 9)
    running = newest(store)
    assert (running.step, running.done, running.total, running.state) == ("look", 3, 9, JobState.RUNNING)
    store.finish(job)
    assert newest(store).state is JobState.DONE
    assert newest(store).finished_at is not None


def test_a_failed_job_waits_for_its_time(store: Store, job: int, clock: Clock) -> None:
    claimed(store)
    assert store.fail(job, REASON, retry_at=clock.now + timedelta(minutes=5)) is JobState.WAITING
    assert newest(store).reason == REASON
    assert store.claim() is None
    clock.now += timedelta(minutes=6)
    assert claimed(store).attempts == 1


def test_the_third_error_is_final(store: Store, job: int, clock: Clock) -> None:
    for expected in (JobState.WAITING, JobState.WAITING, JobState.FAILED):
        claimed(store)
        assert store.fail(job, REASON, retry_at=clock.now) is expected
    assert store.claim() is None
    assert newest(store).attempts == 3


def test_an_error_that_no_retry_helps_is_final_at_once(store: Store, job: int) -> None:
    claimed(store)
    assert store.fail(job, REASON, retry_at=None) is JobState.FAILED
    assert newest(store).finished_at is not None


def test_power_cuts_do_not_stop_work_that_gets_on(store: Store, job: int, clock: Clock) -> None:
    for photo in range(4 * MAX_DEATHS):
        claimed(store)
        store.progress(job, "look", photo, 99)
        assert store.release_claims() == 1
        clock.now += timedelta(minutes=1)
    assert claimed(store).attempts == 0


def test_work_that_dies_at_the_same_place_each_time_is_given_up(store: Store, job: int, clock: Clock) -> None:
    for _ in range(MAX_DEATHS + 1):
        claimed(store)
        store.progress(job, "plan", 1, 1)
        store.progress(job, "look", 57, 99)
        store.release_claims()
        clock.now += timedelta(minutes=10)
    assert store.claim() is None
    given_up = newest(store)
    assert given_up.state is JobState.FAILED
    assert given_up.attempts == 0
    assert "broke off 5 times" in str(given_up.reason)


def test_a_due_time_set_by_a_wrong_clock_does_not_stall_a_job(store: Store, job: int, clock: Clock) -> None:
    clock.now -= timedelta(days=900)
    assert claimed(store).id == job


def test_one_process_at_a_time_is_the_worker(store: Store) -> None:
    with store.worker_lock() as mine, store.worker_lock() as another:
        assert mine
        assert not another
    with store.worker_lock() as mine:
        assert mine
