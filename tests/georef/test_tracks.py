"""Pairs of points become tracks."""

from __future__ import annotations

import numpy as np

from fieldbox.georef.matching import Pair
from fieldbox.georef.tracks import thinned, tracks_of

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


def test_of_too_many_ties_whole_tracks_are_kept_and_every_photo_has_some() -> None:
    rng = np.random.default_rng(4)
    length = rng.integers(2, 8, 4000)
    track = np.repeat(np.arange(4000), length).astype(np.intp)
    photo = np.concatenate([rng.choice(40, size, replace=False) for size in length]).astype(np.intp)
    rows = thinned(photo, track, 6000)
    assert 4500 < len(rows) <= 6000
    assert np.array_equal(
        np.bincount(track[rows], minlength=4000)[np.unique(track[rows])], length[np.unique(track[rows])]
    )
    each = np.bincount(photo[rows], minlength=40)
    assert each.min() > 0.7 * each.mean()
    # Few tracks of two photos while longer ones are to be had.
    assert (length[np.unique(track[rows])] == 2).mean() < 0.02
    assert np.array_equal(thinned(photo, track, 10**6), np.arange(len(track)))
