from __future__ import annotations

from dataclasses import replace

from fieldbox.domain import Flight, FlightHeadings, FlightHeight
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, capture

FOUND = FlightHeight(41.5, 1.25, 0.4, 560.25, by_altitude=True)
REFUSED = Sentence("It cannot be found.")


def test_a_height_comes_back_with_the_poses_it_gives(store: Store) -> None:
    bare = replace(capture(1, placed=False), unplaced=REFUSED)
    placed = replace(bare, pose=capture(2).pose, unplaced=None)
    add_captures(store, [bare])
    store.save_flight(Flight("flight", None, None, None, (bare,)))
    assert store.height("flight") is None
    store.keep_height("flight", "key", FOUND, [placed])
    row = store.height("flight")
    assert row is not None
    assert (row.key, row.told) == ("key", FOUND)
    assert store.captures([bare.digest]) == [placed]


def test_what_is_found_later_counts(store: Store) -> None:
    one = capture(1)
    add_captures(store, [one])
    store.save_flight(Flight("flight", None, None, None, (one,)))
    store.keep_height("flight", "key", REFUSED, [])
    row = store.height("flight")
    assert row is not None
    assert row.told == REFUSED
    store.keep_height("flight", "other", replace(FOUND, ground_m=None), [])
    row = store.height("flight")
    assert row is not None
    assert (row.key, row.told) == ("other", replace(FOUND, ground_m=None))
    assert store.captures([one.digest]) == [one]


def test_captures_are_placed_elsewhere(store: Store) -> None:
    one, two = capture(1), capture(2)
    add_captures(store, [one, two])
    store.place([replace(one, pose=two.pose)])
    assert store.captures([one.digest, two.digest]) == [replace(one, pose=two.pose), two]


def test_directions_and_height_are_kept_beside_each_other(store: Store) -> None:
    one = capture(1)
    add_captures(store, [one])
    store.save_flight(Flight("flight", None, None, None, (one,)))
    assert store.headings("flight") is None
    told = FlightHeadings({one.digest: (271.5, 3.25)}, {"ab" * 32: REFUSED})
    store.keep_headings("flight", "key", told)
    assert store.height("flight") is None
    store.keep_height("flight", "high", FOUND, [])
    store.keep_headings("flight", "other", told)
    row, height = store.headings("flight"), store.height("flight")
    assert row is not None
    assert (row.key, row.told) == ("other", told)
    assert height is not None
    assert (height.key, height.told) == ("high", FOUND)
