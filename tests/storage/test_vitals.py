"""Readings of the box are kept in full for two weeks, and one a day after that."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from fieldbox.domain import Vital
from fieldbox.storage.schema import vitals
from fieldbox.storage.store import Store
from tests.storage.samples import add_flight, survey, told

START = datetime(2027, 3, 1, tzinfo=UTC)
SOME = Vital(START, 50.0, False, False, 100, 1000, 40, 0.5)


def fill(store: Store, days: int, a_day: int = 4) -> None:
    """So many readings a day: hottest and fullest in the middle of each."""
    for day in range(days):
        for part in range(a_day):
            middle = part == a_day // 2
            at = START + timedelta(days=day, hours=24 * part / a_day)
            store.keep_vital(
                replace(
                    SOME,
                    at=at,
                    temperature_c=70.0 + day if middle else None,
                    weak_power=middle if day % 2 else None,
                    disk_free=100 - day - middle,
                    memory_free=10 if middle else 40,
                    load=2.0 if middle else None,
                )
            )


def test_two_weeks_are_kept_in_full(store: Store) -> None:
    fill(store, 14)
    assert len(store.vitals(START)) == 14 * 4


def test_of_a_day_before_that_its_worst_is_kept(store: Store) -> None:
    fill(store, 20)
    kept = store.vitals(START)
    days = [one for one in kept if one.at < START + timedelta(days=5)]
    assert [one.at for one in days] == [START + timedelta(days=day) for day in range(5)]
    third = days[3]
    assert (third.temperature_c, third.weak_power, third.slowed) == (73.0, True, False)
    assert (third.disk_free, third.memory_free, third.load) == (96, 10, 2.0)
    assert days[2].weak_power is None, "nobody said anything: not known, and not no"
    assert len(kept) == 5 + 15 * 4


def fill_at_once(store: Store, days: range) -> None:
    """One reading a day."""
    rows = [asdict(replace(SOME, at=START + timedelta(days=day))) for day in days]
    with store._database.write() as connection:
        connection.execute(insert(vitals), rows)


def test_beyond_the_newest_nothing_is_kept_for_longer_than_two_years(store: Store) -> None:
    fill_at_once(store, range(1100))
    store.keep_vital(replace(SOME, at=START + timedelta(days=1100)))
    kept = [one.at for one in store.vitals(START)]
    assert kept == [START + timedelta(days=day) for day in range(101, 1101)]
    fill_in_full(store, 1101)
    kept = [one.at for one in store.vitals(START)]
    assert min(kept) == START + timedelta(days=1101 - 730)


def fill_in_full(store: Store, day: int) -> None:
    """A day's reading, and before it two weeks of which each has a hundred."""
    first = START + timedelta(days=day - 14)
    rows = [asdict(replace(SOME, at=first + timedelta(minutes=1 + 14 * number))) for number in range(1400)]
    with store._database.write() as connection:
        connection.execute(insert(vitals), rows)
    store.keep_vital(replace(SOME, at=START + timedelta(days=day)))


def test_a_clock_that_is_years_ahead_takes_no_day_away(store: Store) -> None:
    fill_at_once(store, range(700))
    fill_in_full(store, 700)
    for day in range(5):
        store.keep_vital(replace(SOME, at=START + timedelta(days=9000 + day)))
    kept = {one.at.date() for one in store.vitals(START)}
    assert {(START + timedelta(days=day)).date() for day in range(700)} <= kept


def test_after_a_clock_that_was_ahead_once_days_are_drawn_together_as_ever(store: Store) -> None:
    store.keep_vital(replace(SOME, at=START + timedelta(days=9000)))
    fill(store, 20)
    assert len(store.vitals(START)) == 5 + 15 * 4 + 1


def test_two_readings_of_one_moment_are_one(store: Store) -> None:
    store.keep_vital(SOME)
    store.keep_vital(replace(SOME, temperature_c=51.0))
    assert [one.temperature_c for one in store.vitals(START)] == [51.0]


def test_a_clock_that_was_put_back_loses_nothing_new(store: Store) -> None:
    store.keep_vital(replace(SOME, at=START + timedelta(days=400)))
    store.keep_vital(SOME)
    assert [one.at for one in store.vitals(START)] == [START, START + timedelta(days=400)]


def test_the_database_tells_what_is_in_it(store: Store) -> None:
    store.keep_vital(SOME)
    contents = store.contents()
    assert contents.revision == "0016"
    assert (contents.rows["vitals"], contents.rows["surveys"]) == (1, 0)


def test_surveys_are_counted_by_the_model_that_made_them(store: Store) -> None:
    for number, release in enumerate(("weeds 1", "weeds 2", "weeds 1")):
        flight = add_flight(store, f"flight {number}", first=1 + 5 * number)
        made = replace(
            survey(flight), id=f"sv-{number}", release=release, made_at=START + timedelta(days=number)
        )
        store.save_survey(
            made,
            [],
            told(),
            plan_key=f"p{number}",
            release_sha="s",
            to_geographic=lambda east, north: (north, east),
        )
    found = [(one.release, one.surveys, one.first_at, one.last_at) for one in store.releases()]
    assert found == [
        ("weeds 1", 2, START, START + timedelta(days=2)),
        ("weeds 2", 1, START + timedelta(days=1), START + timedelta(days=1)),
    ]


@pytest.mark.parametrize("days", [30, 100])
def test_what_a_day_costs_stays_small(store: Store, days: int) -> None:
    fill(store, days)
    assert len(store.vitals(START)) == 15 * 4 + days - 15
