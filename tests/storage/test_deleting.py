"""A flight goes for good, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldbox.domain import FileKind, FileState, Flight, MessageState, Original
from fieldbox.errors import Rejected
from fieldbox.storage.rows import ViewKey
from fieldbox.storage.store import Store
from tests.storage.kept import bring, chart, original
from tests.storage.samples import capture, detection, near_bangalore, survey, told


@pytest.fixture
def flight(store: Store) -> Flight:
    """A mapped flight whose summary waits."""
    made = bring(store, "flight")
    chart(store, made, sent=False)
    return made


def test_all_rows_of_a_flight_go_and_its_originals_are_noted(store: Store, flight: Flight) -> None:
    other = bring(store, "other", first=50)
    chart(store, other)
    going = store.delete_flight("flight", "asha")
    assert (len(going.captures), going.originals, going.shared) == (3, 3, 0)
    assert going.bytes == sum(one.size for one in flight.captures)
    assert going.surveys == ("survey of flight",)
    assert store.flight("flight") is None
    assert store.surveys(flight_id="flight") == []
    assert store.job_for_flight("flight") is None
    assert not any(store.known(one.digest) for one in flight.captures)
    assert {one.digest for one in store.gone()} == {one.digest for one in flight.captures}
    assert store.check() == []
    assert store.flight("other") == other
    assert len(store.surveys(flight_id="other")) == 1
    assert [(one.actor, one.action) for one in store.audits()] == [("asha", "flight deleted")]


def test_what_is_told_before_is_what_goes(store: Store, flight: Flight) -> None:
    assert store.what_goes("flight") == store.delete_flight("flight", "asha")
    assert store.what_goes("flight") is None


def test_a_waiting_summary_is_withdrawn_and_a_sent_one_stays_as_history(store: Store) -> None:
    for name, sent in (("waits", False), ("sent", True)):
        made = bring(store, name, first=10 if sent else 1)
        chart(store, made, sent=sent)
        going = store.delete_flight(name, "asha")
        assert (len(going.waiting), going.sent) == ((0, 0) if sent else (1, 0))
    states = {one.state for one in store.messages()}
    assert states == {MessageState.REFUSED, MessageState.ACKNOWLEDGED}
    assert all(store.survey_told(one.id) is None for one in store.messages())


def test_photos_of_another_flight_stay(store: Store, flight: Flight) -> None:
    both = replace(flight, id="both", captures=(flight.captures[0],))
    store.save_flight(both)
    going = store.delete_flight("flight", "asha")
    assert (len(going.captures), going.shared, going.originals) == (2, 1, 2)
    assert store.flight("both") == both
    assert {one.digest for one in store.gone()} == {one.digest for one in flight.captures[1:]}


def test_photos_that_another_flights_survey_shows_stay(store: Store, flight: Flight) -> None:
    other = bring(store, "other", first=50)
    plants = [detection(flight, 3.0, 4.0)]
    store.save_survey(
        survey(other, "s"), plants, told("m"), plan_key="p", release_sha="r", to_geographic=near_bangalore
    )
    assert store.delete_flight("flight", "asha").shared == 1
    assert store.known(flight.captures[0].digest)
    assert store.detections("s")


@pytest.mark.parametrize("others", [0, 1])
def test_the_same_card_comes_in_as_new(store: Store, flight: Flight, others: int) -> None:
    """Also where the box has photos of other flights."""
    for number in range(others):
        bring(store, f"other {number}", first=50 + 10 * number)
    store.delete_flight(flight.id, "asha")
    ingest = store.begin_ingest("card")
    given = [original(number) for number in (1, 2, 3)]
    assert store.add_given(ingest, given) == {one.digest for one in given}
    assert all(store.add_capture(capture(number), ingest_id=ingest) for number in (1, 2, 3))
    assert store.gone() == []
    assert {one.digest for one in store.given_in(ingest, state=FileState.TAKEN)} == {
        one.digest for one in given
    }


def test_a_list_that_came_again_with_another_flight_goes_with_the_last_of_them(store: Store) -> None:
    marks = Original("marks", "Timestamp.MRK", 10, FileKind.TEXT)
    for name, first in (("flight", 1), ("other", 10)):
        bring(store, name, first=first, also=[marks])
    store.delete_flight("flight", "asha")
    assert "marks" not in {one.digest for one in store.gone()}
    store.delete_flight("other", "asha")
    assert "marks" in {one.digest for one in store.gone()}


def test_a_list_that_is_being_copied_again_stays(store: Store) -> None:
    marks = Original("marks", "Timestamp.MRK", 10, FileKind.TEXT)
    bring(store, "flight", also=[marks])
    ingest = store.begin_ingest("the card again")
    store.add_given(ingest, [marks])
    store.delete_flight("flight", "asha")
    store.end_ingest(ingest, 0)
    assert "marks" not in {one.digest for one in store.gone()}


def test_a_flight_in_work_stays(store: Store, flight: Flight) -> None:
    store.enqueue("flight", release_sha="r2")
    store.claim()
    with pytest.raises(Rejected, match="being mapped"):
        store.delete_flight("flight", "asha")
    assert store.flight("flight") == flight


def test_a_flight_that_waits_goes_with_its_job(store: Store, flight: Flight) -> None:
    store.enqueue("flight", release_sha="r2")
    store.delete_flight("flight", "asha")
    assert store.claim() is None


def test_a_flight_that_is_being_copied_stays(store: Store, flight: Flight) -> None:
    ingest = store.begin_ingest("card")
    store.expect_file(ingest, flight.captures[0].digest, "DJI_0001.JPG")
    with pytest.raises(Rejected, match="being copied"):
        store.delete_flight("flight", "asha")
    store.end_ingest(ingest, 0)
    store.delete_flight("flight", "asha")


def test_kept_views_of_the_flight_go_and_those_of_others_stay(store: Store, flight: Flight) -> None:
    shared = flight.captures[0].digest
    store.save_flight(replace(flight, id="both", captures=flight.captures[:1]))
    for plan, digests in {"mine": flight.captures, "both": flight.captures[:1]}.items():
        for one in digests:
            store.save_view(ViewKey(one.digest, plan, "r"), b"seen", None)
    store.delete_flight("flight", "asha")
    assert store.views_done("mine", "r") == set()
    assert store.views_done("both", "r") == {shared}


def test_there_is_no_such_flight(store: Store) -> None:
    with pytest.raises(Rejected, match="no such flight"):
        store.delete_flight("nothing", "asha")
