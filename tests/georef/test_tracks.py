"""Pairs of points become tracks."""

from __future__ import annotations

import numpy as np

from fieldbox.georef.matching import Pair
from fieldbox.georef.tracks import tracks_of

XY = [np.array([[n, 10 * photo] for n in range(4)], np.float32) for photo in range(3)]


def pair(first: int, second: int, *points: tuple[int, int]) -> Pair:
    here, there = np.array(points, np.intp).reshape(-1, 2).T
    return Pair(first, second, here, there, 0.5, (0.0, 0.0), 1.0, 5.0)


def told(*pairs: Pair) -> set[frozenset[tuple[int, int]]]:
    """Tracks as sets of (photo, point)."""
    ties = tracks_of(pairs, XY, [4.0] * 3)
    assert ties.sigma_px > 1
    assert (ties.xy[:, 1] == 10 * ties.photo).all()
    points = ties.xy[:, 0].astype(int)
    return {
        frozenset(zip(ties.photo[ties.track == n].tolist(), points[ties.track == n].tolist(), strict=True))
        for n in np.unique(ties.track)
    }


def test_what_three_photos_show_is_one_track() -> None:
    found = told(pair(0, 1, (0, 1), (2, 2)), pair(1, 2, (1, 3)))
    assert found == {frozenset({(0, 0), (1, 1), (2, 3)}), frozenset({(0, 2), (1, 2)})}


def test_a_track_that_meets_a_photo_twice_is_left_out() -> None:
    found = told(pair(0, 1, (0, 1), (3, 3)), pair(1, 2, (1, 3)), pair(0, 2, (1, 3)))
    assert found == {frozenset({(0, 3), (1, 3)})}


def test_nothing_matched_is_no_track() -> None:
    assert told() == set()
    assert len(tracks_of([], [], []).photo) == 0
