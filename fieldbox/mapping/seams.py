"""Plants at the seams between views: each one once.

Views report the plants of their own ground and, flagged, those in a narrow band around it. A plant
near a seam is thus seen by two views or more, and each may place it a little to either side:

- detections of different views that lie closer than half a plant (or than the views can be off
  against each other) are one plant, never two detections of the same view;
- of these, the one that a view owns is kept, else (each view thought it to be the other's) the best;
- a detection in the band without a partner is a plant that the owner of the ground did not see. It is
  kept only if it lies so close to the seam that the owner may have had it beyond its own band.

The result does not depend on the order of the views.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.viewresult import ViewResult

RELATIVE_M = 0.12
"""How far two views may place the same plant apart, whatever its size."""
MAX_RELATIVE_M = 0.12
KEEP_BEYOND_M = 0.03
TWIN_M, TWIN_SCORE = 0.15, 0.65
"""Chosen on flights over columns 0-1, 5-6 and 11-12 of the potato field, where a quarter of the weeds have another within
15 cm: F1 is 0.863, 0.752, 0.831, and 2.2, 0, 0 % of the weeds are reported twice; with every pair thinned out F1 is 0.769,
0.735, 0.810."""


def reconcile(results: Iterable[ViewResult], *, relative_m: float = RELATIVE_M) -> tuple[Detection, ...]:
    """Plants of the whole flight, each once, ordered by capture and place in it; all `owned`.

    `relative_m` is how far neighbouring views may be off against each other (capped at 0.12 m: past
    that, neighbouring plants would be taken for one). 50,000 plants take well under two seconds.
    """
    views = sorted((one for one in results if len(one.plants)), key=lambda one: one.digest)
    if not views:
        return ()
    found = _Stack(views)
    group = _groups(found, min(relative_m, MAX_RELATIVE_M))
    order = np.lexsort((found.index, found.view, -found.score, found.beyond > 0, group))
    first = np.r_[True, np.diff(group[order]) != 0]
    size = np.diff(np.r_[np.flatnonzero(first), len(order)])
    best = order[first]
    kept = best[(found.beyond[best] <= KEEP_BEYOND_M) | (size > 1)]
    return tuple(
        replace(
            views[found.view[one]].plants.detection(found.index[one], views[found.view[one]].digest),
            owned=True,
        )
        for one in sorted(kept.tolist())
    )


def without_doubtful_twins(detections: Sequence[Detection]) -> tuple[Detection, ...]:
    """Leave out weeds of a score below TWIN_SCORE that stand within TWIN_M of one with a higher score.

    They are as often a second look at the same plant as a second plant, and no decision hangs on
    them: the spot is on the map already. The order stays.
    """
    weeds = [index for index, one in enumerate(detections) if one.cover is Cover.WEED]
    if not weeds:
        return tuple(detections)
    points = shapely.points([(detections[index].east, detections[index].north) for index in weeds])
    here, there = shapely.STRtree(points).query(points, predicate="dwithin", distance=TWIN_M)
    score = np.array([detections[index].score for index in weeds])
    twin = (score[here] < TWIN_SCORE) & (score[there] > score[here])
    dropped = {weeds[index] for index in here[twin].tolist()}
    return tuple(one for index, one in enumerate(detections) if index not in dropped)


class _Stack:
    """The plants of all views in one set of arrays, in an order that is theirs alone."""

    def __init__(self, views: list[ViewResult]) -> None:
        orders = [
            np.lexsort((one.plants.score, one.plants.cover, one.plants.pixel[:, 0], one.plants.pixel[:, 1]))
            for one in views
        ]
        pairs = list(zip(views, orders, strict=True))
        self.index: NDArray[np.int64] = np.concatenate(orders)
        self.view = np.repeat(np.arange(len(views)), [len(order) for order in orders])
        self.place = np.concatenate([one.plants.place[order] for one, order in pairs])
        self.score = np.concatenate([one.plants.score[order] for one, order in pairs])
        self.beyond = np.concatenate([one.plants.beyond_m[order] for one, order in pairs])
        area = np.concatenate([one.plants.area_m2[order] for one, order in pairs])
        self.half_plant = np.sqrt(area.astype(float) / np.pi)


def _groups(found: _Stack, relative_m: float) -> NDArray[np.int64]:
    """[N] number of the group of each detection: closest pairs first, one detection of a view in each."""
    first, second = _pairs(found, relative_m)
    parent = list(range(len(found.view)))
    members: dict[int, frozenset[int]] = {}
    view = found.view.tolist()
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        root_a, root_b = sorted((_root(parent, a), _root(parent, b)))
        if root_a == root_b:
            continue
        views_a = members.get(root_a, frozenset((view[root_a],)))
        views_b = members.get(root_b, frozenset((view[root_b],)))
        if views_a.isdisjoint(views_b):
            parent[root_b] = root_a
            members[root_a] = views_a | views_b
    return np.array([_root(parent, one) for one in range(len(parent))], np.int64)


def _root(parent: list[int], one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


def _pairs(found: _Stack, relative_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of different views within reach of each other, closest first."""
    reach = np.maximum(found.half_plant, relative_m)
    points = shapely.points(found.place)
    first, second = shapely.STRtree(points).query(points, predicate="dwithin", distance=reach)
    # The reach of a pair is that of the smaller plant: both have to have found the other.
    different = (found.view[first] != found.view[second]) & (first < second)
    first, second = first[different], second[different]
    distance = np.hypot(*(found.place[first] - found.place[second]).T)
    near = distance <= np.minimum(reach[first], reach[second])
    first, second, distance = first[near], second[near], distance[near]
    order = np.lexsort((second, first, distance))
    return first[order], second[order]
