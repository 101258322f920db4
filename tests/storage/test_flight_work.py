"""What is kept of the work on flights: who stopped it, what it took, under what a map was made."""

from __future__ import annotations

import pytest

from fieldbox.storage.rows import Anew, Job, JobState, ViewKey
from fieldbox.storage.store import Store
from tests.storage.samples import add_flight


@pytest.fixture
def job(store: Store) -> int:
    """Of the flight `flight`, which has a field."""
    return store.enqueue(add_flight(store).id, release_sha="r1")


def newest(store: Store) -> Job:
    found = store.job_for_flight("flight")
    assert found is not None
    return found


def test_a_waiting_job_stops_at_once_and_says_who_did_it(store: Store, job: int) -> None:
    assert store.ask_to_stop("flight", "Asha")
    assert newest(store).state is JobState.FAILED
    assert "Asha" in str(newest(store).reason)
    assert store.claim() is None
    assert not store.ask_to_stop("flight", "Asha")


def test_a_running_job_stops_when_the_worker_looks(store: Store, job: int) -> None:
    store.claim()
    assert not store.stop(job)
    assert not store.wanted_to_stop(job)
    store.ask_to_stop("flight", "Asha")
    assert store.wanted_to_stop(job)
    assert newest(store).state is JobState.RUNNING
    assert store.stop(job)
    assert newest(store).state is JobState.FAILED


def test_what_was_to_stop_does_not_go_on_after_a_power_cut(store: Store, job: int) -> None:
    store.claim()
    store.ask_to_stop("flight", "Asha")
    assert store.release_claims() == 0
    assert newest(store).state is JobState.FAILED


def test_asking_again_outweighs_the_wish_to_stop(store: Store, job: int) -> None:
    store.claim()
    store.ask_to_stop("flight", "Asha")
    assert store.enqueue("flight", release_sha="r1") == job
    assert not store.wanted_to_stop(job)


def test_seconds_and_parts_of_steps_add_up_over_restarts(store: Store, job: int) -> None:
    store.claim()
    store.progress(job, "look", 3, 9, spent={"plan": 1.0, "look": 6.0}, worked={"plan": 1, "look": 3})
    store.release_claims()
    store.claim()
    store.progress(job, "look", 9, 9, spent={"look": 12.5}, worked={"look": 6})
    assert newest(store).spent == {"plan": 1.0, "look": 18.5}
    assert newest(store).worked == {"plan": 1, "look": 9}
    assert newest(store).started_at is not None


def test_only_what_drew_a_map_tells_what_the_next_takes(store: Store, job: int) -> None:
    store.progress(job, "mosaic", 1, 1, spent={"look": 6.0, "mosaic": 2.0}, worked={"look": 3, "mosaic": 1})
    assert store.worked_lately() == []
    store.finish(job)
    again = store.enqueue("flight", release_sha="r1")
    store.progress(again, "plan", 0, 1, spent={"align": 0.1}, worked={"align": 0})
    store.finish(again)
    (one,) = store.worked_lately()
    assert (one.photos, one.spent, one.reached) == (3, {"look": 6.0, "mosaic": 2.0}, {"mosaic": 1})


def test_looking_anew_forgets_what_was_kept_of_this_flight_once(store: Store, job: int) -> None:
    other = add_flight(store, "other", first=50)
    store.finish(job)
    for flight, plan in (("flight", "plan"), ("other", "elsewhere")):
        captures = store.flight(flight)
        assert captures is not None
        store.save_view(ViewKey(captures.captures[0].digest, plan, "r1"), b"seen", None)
    wanted = store.enqueue("flight", release_sha="r1", anew=True)
    claimed = store.claim()
    assert claimed is not None and (claimed.id, claimed.anew) == (wanted, Anew.WANTED)
    store.begin_anew(wanted, "flight")
    assert newest(store).anew is Anew.BEGUN
    assert store.views_done("plan", "r1") == set()
    assert store.views_done("elsewhere", "r1") == {other.captures[0].digest}


def test_conditions_tell_what_changed_since_the_map(store: Store, job: int) -> None:
    assert store.mapped_under("flight") is None
    store.claim()
    store.finish(job)
    under = store.mapped_under("flight")
    assert under is not None and under.release_sha == "r1"
    assert under.conditions == store.conditions("flight")
    flight = store.flight("flight")
    assert flight is not None and flight.field_id is not None
    store.update_field(flight.field_id, boundary=[(77.0, 12.0), (77.1, 12.0), (77.1, 12.1)], drawn=False)
    assert under.conditions == store.conditions("flight"), (
        "a boundary that follows the flights changes nothing"
    )
    store.update_field(flight.field_id, boundary=[(77.0, 12.0), (77.2, 12.0), (77.2, 12.1)], crop="Maize")
    now = store.conditions("flight")
    assert {name for name, told in now.items() if told != under.conditions[name]} == {"boundary", "crop"}
