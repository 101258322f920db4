"""Which originals go, decided without a disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fieldbox.retention import Need, to_go, unused_to_go
from fieldbox.storage.rows import Hold, Holding, Unused

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def flight(
    name: str, days: float, *sizes: int, holds: frozenset[Hold] = frozenset(), unsent: bool = False
) -> Holding:
    """A flight that came so many days ago, with originals of its own."""
    files = {f"{name}-{number}": size for number, size in enumerate(sizes)}
    return Holding(name, NOW - timedelta(days=days), files, holds, unsent=unsent)


def room(wanted: int, **more: bool) -> Need:
    return Need(NOW, None, wanted, **more)


def test_the_oldest_goes_first_and_no_more_than_needed() -> None:
    held = [flight("new", 1, 50), flight("old", 9, 20, 30), flight("middle", 5, 50)]
    assert to_go(held, room(1)) == ["old"]
    assert to_go(held, room(51)) == ["old", "middle"]
    assert to_go(held, room(150)) == ["old", "middle", "new"]
    assert to_go(held, room(0)) == []


def test_where_all_that_may_go_is_too_little_nothing_goes_for_a_copy() -> None:
    held = [flight("a", 9, 50), flight("b", 8, 50, holds=frozenset({Hold.PINNED}))]
    assert to_go(held, room(51)) == []
    assert to_go(held, room(51, partly=True)) == ["a"]


def test_what_is_older_than_is_kept_goes_though_no_room_is_needed() -> None:
    held = [flight("a", 31, 1), flight("b", 30, 1), flight("c", 31, 1, holds=frozenset({Hold.PINNED}))]
    assert to_go(held, Need(NOW, timedelta(days=30))) == ["a"]
    assert to_go(held, Need(NOW, None)) == []


def test_what_has_not_arrived_goes_after_all_others_and_not_by_its_age() -> None:
    held = [flight("oldest", 99, 50, unsent=True), flight("older", 50, 50, unsent=True), flight("new", 1, 50)]
    assert to_go(held, room(1)) == ["new"]
    assert to_go(held, room(51)) == ["new", "oldest"]
    assert to_go(held, room(150)) == ["new", "oldest", "older"]
    assert to_go(held, Need(NOW, timedelta(days=30))) == []
    assert to_go(held, Need(NOW, timedelta(days=30), 51)) == ["new", "oldest"]


def test_a_flight_that_shares_files_with_one_that_has_not_arrived_waits_with_it() -> None:
    shared = {"panel": 5}
    one = Holding("one", NOW - timedelta(days=9), {**shared, "x": 1})
    two = Holding("two", NOW - timedelta(days=8), {**shared, "y": 1}, unsent=True)
    three = Holding("three", NOW - timedelta(days=2), {"z": 1})
    assert to_go([one, two, three], room(1)) == ["three"]
    assert to_go([one, two, three], room(2)) == ["three", "one", "two"]


def test_each_reason_holds_a_flight() -> None:
    for hold in Hold:
        held = [flight("a", 99, 10, holds=frozenset({hold})), flight("b", 1, 10)]
        assert to_go(held, Need(NOW, timedelta(days=1), 5)) == ["b"], hold


def test_a_panel_that_a_flight_that_stays_needs_stays_with_its_flight() -> None:
    shared = {"panel": 5}
    one = Holding("one", NOW - timedelta(days=9), {**shared, "x": 1})
    two = Holding("two", NOW - timedelta(days=1), {**shared, "y": 1}, frozenset({Hold.PINNED}))
    three = Holding("three", NOW - timedelta(days=2), {"z": 1})
    assert to_go([one, two, three], room(1)) == ["three"]
    free = Holding("two", NOW - timedelta(days=1), {**shared, "y": 1})
    assert to_go([one, free, three], room(2)) == ["three", "one", "two"]  # as old as the younger of the two
    assert to_go([one, free, three], room(9)) == []  # the panel counts once


def test_refused_files_go_oldest_first_as_far_as_needed() -> None:
    unused = [Unused("new", 10, NOW - timedelta(days=1)), Unused("old", 10, NOW - timedelta(days=40))]

    def going(need: Need) -> list[str]:
        return [one.digest for one in unused_to_go(unused, need)]

    assert going(room(0)) == []
    assert going(room(1)) == ["old"]
    assert going(room(11)) == ["old", "new"]
    assert going(room(999)) == ["old", "new"]
    assert going(Need(NOW, timedelta(days=30))) == ["old"]


NAMES = st.sampled_from([f"file {number}" for number in range(9)])
HOLDINGS = st.lists(
    st.builds(
        Holding,
        flight_id=st.uuids().map(str),
        since=st.integers(0, 400).map(lambda days: NOW - timedelta(days=days)),
        files=st.sets(NAMES, min_size=1, max_size=3).map(lambda names: {one: len(one) * 10 for one in names}),
        holds=st.frozensets(st.sampled_from(list(Hold)), max_size=1),
        made_bytes=st.integers(0, 30),
        unsent=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda one: one.flight_id,
)
NEEDS = st.builds(
    Need,
    now=st.just(NOW),
    keep=st.none() | st.integers(1, 400).map(lambda days: timedelta(days=days)),
    bytes=st.integers(0, 500),
    partly=st.booleans(),
)


@given(HOLDINGS, NEEDS)
def test_nothing_that_is_held_goes_and_no_file_of_what_stays(held: list[Holding], need: Need) -> None:
    names = to_go(held, need)
    assert len(set(names)) == len(names)
    going = [one for one in held if one.flight_id in names]
    staying = [one for one in held if one.flight_id not in names]
    assert len(going) == len(names)
    assert not any(one.holds for one in going)
    assert not {file for one in going for file in one.files} & {file for one in staying for file in one.files}


@given(HOLDINGS, st.integers(1, 500))
def test_either_there_is_enough_room_afterwards_or_nothing_went(held: list[Holding], wanted: int) -> None:
    going = [one for one in held if one.flight_id in to_go(held, room(wanted))]
    files = {name: size for one in going for name, size in one.files.items()}
    assert not going or sum(files.values()) + sum(one.made_bytes for one in going) >= wanted


@given(HOLDINGS, NEEDS)
def test_the_order_in_which_flights_are_told_does_not_matter(held: list[Holding], need: Need) -> None:
    unique = list({one.since: one for one in held}.values())  # of one moment any may go first
    assert set(to_go(unique, need)) == set(to_go(unique[::-1], need))


@given(HOLDINGS, NEEDS)
def test_nothing_that_has_not_arrived_goes_while_something_that_has_could(
    held: list[Holding], need: Need
) -> None:
    alone = [replace(one, files={one.flight_id: 10}) for one in held]  # no two share a file
    going = {one.flight_id for one in alone if one.flight_id in to_go(alone, need)}
    free = [one for one in alone if not one.holds]
    if any(one.unsent for one in free if one.flight_id in going):
        assert all(one.flight_id in going for one in free if not one.unsent)
