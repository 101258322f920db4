"""Whether a photo lies where its ties say.

In a field that repeats itself a photo can be tied, without contradiction, to the wrong place: soil or rows look alike
a period further on, and ties that agree there outvote nothing, since the photo has no others. Two things
give it away. Of the ties it had, more were rejected than kept. Or it misses what it should show: where it is put,
other photos see hundreds of points that fall inside its frame, and of a photo in its right place a good
share of them is tied to it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fieldbox.georef.arrow import Array, Incidence, Index
from fieldbox.georef.bundle import Bundle, State
from fieldbox.georef.preparing import Task, ground_vectors

LEAST_KEPT = 0.5
"""Of a photo's ties; with fewer left after rejection, those left may be chance."""
LEAST_SHOWN = 0.2
"""Of the usual share of the points of others that a photo shows too. Photos that lie right by the ties of few
pairs come near it (their neighbours by what was told were not their neighbours); from others they look the same."""
LEAST_TO_SHOW = 50
"""Points of others inside a photo's frame before their share tells anything."""
_SEEN_BY = 2
"""Other photos that must see a point: matched but once, it may be a chance match of these two."""
_RIM = 0.03
"""Of the frame: points so near its edge are not looked for (their surroundings are cut off)."""
_PHOTOS = 64
"""Photos looked at together."""


def unheld(task: Task, state: State, used: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[N] photos of the task that are not shown to lie where the adjustment put them. `used` [n]: observations."""
    seen, tie = task.bundle.seen, task.tie
    had = np.bincount(seen.photo[tie], minlength=seen.photos)
    kept = np.bincount(seen.photo[tie & used], minlength=seen.photos)
    rejected = kept < LEAST_KEPT * had
    shown, expected = _shown(task.bundle, state, tie & used)
    telling = expected >= LEAST_TO_SHOW
    share = shown / np.maximum(expected, 1)
    usual = float(np.median(share[telling])) if telling.any() else 0.0
    return np.asarray(rejected | (telling & (share < LEAST_SHOWN * usual)))


def _shown(bundle: Bundle, state: State, used: NDArray[np.bool_]) -> tuple[Index, Index]:
    """[N], [N] of the points that others see and that fall into a photo's frame: those it shows, and all."""
    seen = bundle.seen
    views = seen.count_tracks(used.astype(float))
    own = np.unique(seen.photo[used].astype(np.int64) * seen.tracks + seen.track[used])
    shown, expected = np.zeros(seen.photos, np.intp), np.zeros(seen.photos, np.intp)
    for photo, track in _near(bundle, state, np.flatnonzero(views > _SEEN_BY - 1)):
        mine = np.isin(photo.astype(np.int64) * seen.tracks + track, own)
        inside = (views[track] - mine >= _SEEN_BY) & _inside(bundle, state, photo, track)
        expected += np.bincount(photo[inside], minlength=seen.photos)
        shown += np.bincount(photo[inside & mine], minlength=seen.photos)
    return shown, expected


def _near(bundle: Bundle, state: State, tracks: Index) -> Iterator[tuple[Index, Index]]:
    """Photos and the points, of those wanted, that lie around the ground they show; some photos at a time."""
    photos = bundle.seen.photos
    corner = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) * bundle.lenses.size[bundle.camera][:, None]
    of = np.repeat(np.arange(photos), 4)
    reach = ground_vectors(state.pose, corner.reshape(-1, 2), of, bundle.camera, bundle.lenses)
    reach = reach.reshape(photos, 4, 2)
    middle = reach.mean(axis=1)
    radius = np.linalg.norm(reach - middle[:, None], axis=2).max(axis=1)
    tree = cKDTree(state.point[tracks, :2])
    for start in range(0, photos, _PHOTOS):
        part = slice(start, start + _PHOTOS)
        found = tree.query_ball_point(state.pose[part, :2] + middle[part], radius[part], return_sorted=True)
        sizes = np.array([len(one) for one in found])
        yield np.repeat(start + np.arange(len(found)), sizes), tracks[np.concatenate(found).astype(np.intp)]


def _inside(bundle: Bundle, state: State, photo: Index, track: Index) -> NDArray[np.bool_]:
    """[n] whether the photo's frame holds the point."""
    order = Incidence(photo, track, bundle.seen.photos, bundle.seen.tracks)
    pixels: Array = replace(bundle, seen=order, xy=np.zeros((len(photo), 2))).pixels(state)
    share = pixels / bundle.lenses.size[bundle.camera[photo]]
    return np.asarray(((share > _RIM) & (share < 1 - _RIM)).all(axis=1))
