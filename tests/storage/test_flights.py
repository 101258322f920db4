from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fieldbox.domain import Flight, Placement
from fieldbox.errors import Rejected
from fieldbox.storage.rows import JobState
from fieldbox.storage.store import Store
from tests.storage.kept import bring, original
from tests.storage.samples import RING, add_captures, add_flight, capture, near_bangalore, survey, told


def test_a_flight_comes_back_with_its_captures_in_order(store: Store) -> None:
    flight = add_flight(store)
    turned = replace(flight, captures=flight.captures[::-1])
    assert store.flight(flight.id) == flight
    store.save_flight(turned)
    assert store.flight(flight.id) == turned
    assert store.flight("none") is None


def test_saving_again_replaces_and_keeps_the_time_of_the_first(store: Store) -> None:
    flight = add_flight(store)
    saved_at = store.flights()[0].saved_at
    smaller = replace(flight, field_id=None, captures=flight.captures[:1], simulated=True)
    store.save_flight(smaller)
    assert store.flight(flight.id) == smaller
    assert store.flights()[0].saved_at == saved_at


def test_the_list_is_light_and_newest_first(store: Store) -> None:
    older = add_flight(store, "older")
    add_captures(store, [capture(10), capture(11, placed=False)])
    newer = Flight("newer", None, None, None, (capture(10), capture(11, placed=False)))
    store.save_flight(newer)
    empty = Flight("empty", None, None, None, ())
    store.save_flight(empty)
    job = store.enqueue(older.id, release_sha="r1")
    rows = {row.id: row for row in store.flights()}
    assert list(rows) == ["empty", "newer", "older"]
    assert [(row.captures, row.placed) for row in rows.values()] == [(0, 0), (2, 1), (3, 3)]
    assert rows["older"].job is not None
    assert (rows["older"].job.id, rows["older"].job.state) == (job, JobState.WAITING)
    assert rows["newer"].job is None
    assert [row.id for row in store.flights(field_id=older.field_id)] == ["older"]


def test_a_capture_leads_to_the_flight_saved_last(store: Store) -> None:
    flight = add_flight(store)
    digest = flight.captures[0].digest
    assert store.flight_of_capture(digest) == flight.id
    store.save_flight(replace(flight, id="whole card"))
    assert store.flight_of_capture(digest) == "whole card"
    assert store.flight_of_capture("unknown") is None


def test_a_flight_of_unknown_photos_is_refused_whole(store: Store) -> None:
    with pytest.raises(Rejected, match="DJI_0005"):
        store.save_flight(Flight("flight", None, None, None, (capture(5),)))
    assert store.flight("flight") is None


def test_photos_placed_by_a_list_are_counted_as_the_survey_that_counts_has_them(store: Store) -> None:
    add_flight(store)
    lost = capture(11, placed=False)
    add_captures(store, [capture(10), lost])
    flight = Flight("listed", store.flights()[0].field_id, None, None, (capture(10), lost))
    store.save_flight(flight)
    pose = capture(10).pose
    assert pose
    placed = Placement(lost.digest, pose, 0, 2.5, 0.1, None, 3, (), RING)
    for number, placements in enumerate([(placed,), ()]):
        made = survey(flight, f"survey {number}")
        made = replace(made, made_at=made.made_at + timedelta(hours=number))
        store.save_survey(
            made, [], told(made.id), plan_key=made.id, release_sha="r1",
            to_geographic=near_bangalore, placed=placements,
        )  # fmt: skip
        assert store.flights()[0].placed == 2 - number
    store.confirm_survey("survey 0", [])
    assert store.flights()[0].placed == 2


def test_flights_are_given_in_parts_with_how_many_there_are(store: Store) -> None:
    for number in range(5):
        add_flight(store, f"flight-{number}", first=1 + 3 * number)
    rows, total = store.flight_page(limit=2, offset=1)
    assert ([one.id for one in rows], total) == (["flight-3", "flight-2"], 5)
    assert [one.captures for one in rows] == [3, 3]
    assert [one.id for one in store.flight_rows(["flight-1", "nothing", "flight-4"])] == [
        "flight-1",
        "flight-4",
    ]


def test_flights_are_given_by_when_they_were_flown_or_came_if_that_is_not_known(store: Store) -> None:
    for number in range(4):
        add_flight(store, f"flight-{number}", first=1 + 3 * number)
    for number, year in ((0, 2025), (1, 2031), (2, 2024)):
        found = store.flight(f"flight-{number}")
        assert found is not None
        store.save_flight(replace(found, started_at=datetime(year, 6, 3), ended_at=datetime(year, 6, 4)))
    timeless = store.flight("flight-3")
    assert timeless is not None
    store.save_flight(replace(timeless, started_at=None, ended_at=None))
    rows, total = store.flight_page(limit=3, by_flown=True)
    assert ([one.id for one in rows], total) == (["flight-1", "flight-3", "flight-0"], 4)
    assert [one.id for one in store.flight_page(limit=3, offset=3, by_flown=True)[0]] == ["flight-2"]


def test_flights_are_found_by_the_state_of_their_newest_job(store: Store) -> None:
    for number in range(3):
        add_flight(store, f"flight-{number}", first=1 + 3 * number)
    store.finish(store.enqueue("flight-0", release_sha="r"))
    store.finish(store.enqueue("flight-1", release_sha="r"))
    store.enqueue("flight-1", release_sha="r")
    assert [one.id for one in store.flight_page(limit=9, states=("done",))[0]] == ["flight-0"]
    assert [one.id for one in store.flight_page(limit=9, states=("waiting", "running"))[0]] == ["flight-1"]
    assert store.flight_page(limit=9, placed=False) == ([], 0)


def test_flights_in_work_come_in_the_order_of_the_queue(store: Store) -> None:
    for number in range(3):
        add_flight(store, f"flight-{number}", first=1 + 3 * number)
        store.enqueue(f"flight-{number}", release_sha="r")
    store.claim()
    assert [one.id for one in store.flights_in_work()] == ["flight-0", "flight-1", "flight-2"]


def test_where_photos_of_a_flight_came_from(store: Store) -> None:
    flight = bring(store, "flight")
    again = store.begin_ingest("the same card")
    store.add_given(again, [original(1), original(2)])
    told = [(one.source, one.new, one.known) for one in store.brought(flight.id)]
    assert told == [("the same card", 0, 2), ("card of flight", 3, 0)]
