"""Which points of two photos show the same ground.

What the photos' tags say of their poses is used twice: only photos whose footprints meet are compared, and only points
that would lie near each other. In a field of plants that all look alike that leaves few wrong pairs; what is left of
them a homography, with most points in favour, takes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.special import ndtr

from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]

LEAST_OVERLAP = 0.1
"""Of the smaller footprint: with less in common two photos share too little to be compared."""
NEIGHBOURS = 10
"""Each photo is compared with so many others at most, those with the largest overlap: the work grows with the photos,
not with their square. Where positions are less sure than photos are wide, a pair counts as its chance to overlap."""
MOST_NEIGHBOURS = 24
"""However small their chances."""
BETWEEN_PHOTOS = 0.7
"""Of a stated position error: what differs from one photo to the next; the rest is the whole flight's."""
LEAST_SHARED = 12
"""Fewer points than that in agreement are chance."""
RATIO = 0.9
"""The second-best likeness may be this share of the way from none to the best: Lowe's ratio test, on angles."""
WITHIN_PX = 3.0
"""Of the searched picture: a point this far off the homography disagrees."""
LEAST_OF_USUAL = 0.4
"""Where photos truly meet, a third to two thirds of the points of the common ground agree (a tenth under tall trees);
where soil or rows repeat themselves and put one off by their period, a tenth of that where the right place would have
had a half. A pair with so much less than is usual for one of its photos is not believed."""
MOST_TURN_DEG = 25.0
MOST_ZOOM = 1.3


@dataclass(frozen=True)
class Points:
    """The points of one photo, as matching wants them.

    likeness     float32 [N, 128], unit length
    ground       [N, 2] east, north in metres by the photo's stated pose
    metres       of ground to a pixel of the searched picture
    reach_m      how far off `ground` may be: three standard errors of the stated pose
    ring         [K, 2] the photo's footprint by that pose
    error_m, size_m  stated error of its place; half its long side on the ground
    """

    likeness: NDArray[np.float32]
    ground: Array
    metres: float
    reach_m: float
    ring: Array
    error_m: float
    size_m: float


@dataclass(frozen=True)
class Pair:
    """Two photos and their common points, as numbers of points: int [M] each.

    share    of the points that either has on the ground they have in common, so many are common (0 to 1)
    shift_m  east and north by which the first's told place has to move, less that of the second
    error_m  how far off the told places may be from each other, standard error
    size_m   half the long side of the smaller photo on the ground
    """

    first: int
    second: int
    of_first: NDArray[np.intp]
    of_second: NDArray[np.intp]
    share: float
    shift_m: tuple[float, float]
    error_m: float
    size_m: float


def points_of(
    xy: NDArray[np.float32], descriptors: NDArray[np.uint8], step_px: float, geometry: PhotoGeometry
) -> Points:
    """Points of a photo (see `imagery.features`) with its stated pose."""
    likeness = descriptors.astype(np.float32)
    likeness /= np.maximum(np.linalg.norm(likeness, axis=1, keepdims=True), 1e-9)
    metres = geometry.gsd_m * step_px
    pose, size = geometry.pose, max(geometry.camera.width, geometry.camera.height) * geometry.gsd_m / 2
    turned = math.radians(pose.yaw_error_deg) * size
    tilted = math.radians(pose.tilt_error_deg) * pose.height_m
    lower = pose.height_error_m / pose.height_m * size
    reach = 3 * math.sqrt(pose.error_m**2 + turned**2 + tilted**2 + lower**2)
    ground = geometry.pixel_to_ground(xy)
    return Points(likeness, ground, metres, reach, geometry.footprint(), pose.error_m, size)


def neighbours(geometries: Sequence[PhotoGeometry]) -> list[tuple[int, int]]:
    """Pairs of photos worth comparing, each once, lower number first."""
    sure = np.array([BETWEEN_PHOTOS * one.pose.error_m for one in geometries])
    rings = np.array([shapely.Polygon(one.footprint()) for one in geometries], object)
    first, second = shapely.STRtree(rings).query(rings, predicate="dwithin", distance=2.0 * sure)
    # Each of both may have found the other: the surer of the two need not reach far.
    pairs = np.unique(np.sort(np.column_stack([first, second]), axis=1), axis=0)
    first, second = pairs[pairs[:, 0] < pairs[:, 1]].T
    share, chance = _overlaps(rings, first, second, np.hypot(sure[first], sure[second]))
    wanted: list[tuple[int, int]] = []
    taken, counted = np.zeros(len(rings)), np.zeros(len(rings), int)
    # The largest overlaps first; a photo that has enough neighbours still serves one that has not.
    for number in np.argsort(-share, kind="stable").tolist():
        if share[number] < LEAST_OVERLAP:
            break
        both = [int(first[number]), int(second[number])]
        if (taken[both].min() < NEIGHBOURS) and (counted[both].min() < MOST_NEIGHBOURS):
            wanted.append((both[0], both[1]))
            taken[both] += chance[number]
            counted[both] += 1
    return sorted(wanted)


def _overlaps(
    rings: NDArray[np.object_], first: NDArray[np.intp], second: NDArray[np.intp], error: Array
) -> tuple[Array, Array]:
    """Of pairs whose places differ by `error` [E] more or less on each axis: expected overlap, and its chance.

    Overlap as a share of what it would be, so unsure, at the same place; both as of upright boxes of the footprints'
    areas where places are not sure, and of the footprints themselves where they are.
    """
    if not len(first):
        return np.zeros(0), np.zeros(0)
    area, middle = shapely.area(rings), shapely.get_coordinates(shapely.centroid(rings))
    side = np.sqrt(area)
    off = np.abs(middle[first] - middle[second])
    one, other, spread = side[first], side[second], np.maximum(error, 1e-9)
    least, half = np.minimum(one, other), (one + other) / 2
    near, far = half - least, half
    ramp = _ramp(off, near, far, spread) / np.maximum(_ramp(0 * off, near, far, spread), 1e-12)
    limit = (far - LEAST_OVERLAP * least)[:, None]
    inside = ndtr((limit - off) / spread[:, None]) - ndtr((-limit - off) / spread[:, None])
    common = shapely.area(shapely.intersection(rings[first], rings[second]))
    plain = common / np.maximum(np.minimum(area[first], area[second]), 1e-12)
    unsure = np.minimum(spread / np.maximum(least, 1e-12), 1.0)
    share = (1 - unsure) * plain + unsure * ramp.prod(axis=1)
    return share, (1 - unsure) + unsure * inside.prod(axis=1)


def _ramp(off: Array, near: Array, far: Array, spread: Array) -> Array:
    """[E, 2] expected overlap of two intervals whose middles are `off` [E, 2] apart, give or take `spread` [E].

    The overlap is constant to `near` and falls to 0 at `far`; its mean under a normal error in closed form.
    """

    def rise(at: Array) -> Array:
        ratio = at / spread[:, None]
        bell = np.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
        return np.asarray(at * ndtr(ratio) + spread[:, None] * bell)

    n, f = near[:, None], far[:, None]
    return np.asarray(rise(off + f) - rise(off + n) - rise(off - n) + rise(off - f))


def match(first: int, one: Points, second: int, other: Points) -> Pair | None:
    """What two photos have in common; None if that is not enough to be sure.

    Where that is nothing within reach of what was told, it is looked for half a photo around: of wrong yaws, one like
    the other, nothing is told.
    """
    reach = math.hypot(one.reach_m, other.reach_m)
    near = _matched(first, one, second, other, reach)
    wide = max(one.size_m, other.size_m)
    return near if near or reach >= wide else _matched(first, one, second, other, wide)


def _matched(first: int, one: Points, second: int, other: Points, reach: float) -> Pair | None:
    pairs = _alike(one, other, reach)
    seen = np.isfinite(one.ground[pairs[:, 0]]).all(axis=1) & np.isfinite(other.ground[pairs[:, 1]]).all(
        axis=1
    )
    pairs = pairs[seen]
    if len(pairs) < LEAST_SHARED:
        return None
    here, there = one.ground[pairs[:, 0]], other.ground[pairs[:, 1]]
    metres = max(one.metres, other.metres)
    middle: Array = here.mean(0)
    model, agree = cv2.findHomography(
        (there - middle) / metres,
        (here - middle) / metres,
        cv2.USAC_MAGSAC,
        WITHIN_PX,
        maxIters=2000,
        confidence=0.999,
    )
    if model is None or not _plausible(np.asarray(model), reach / metres):
        return None
    pairs = pairs[agree.ravel() > 0]
    if len(pairs) < LEAST_SHARED:
        return None
    share = len(pairs) / max(_in_common(one, other, np.asarray(model), middle, metres), len(pairs))
    east, north = (other.ground[pairs[:, 1]] - one.ground[pairs[:, 0]]).mean(axis=0).tolist()
    error, size = math.hypot(one.error_m, other.error_m), min(one.size_m, other.size_m)
    return Pair(first, second, pairs[:, 0], pairs[:, 1], share, (east, north), error, size)


def likely(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs whose points agree about as much as is usual for their photos: see LEAST_OF_USUAL.

    Usual is the median of a photo's shares, weighted by points. A photo whose pairs are all of the wrong place is
    measured by what is usual for the others.
    """
    if not pairs:
        return []
    photos = np.array([(one.first, one.second) for one in pairs])
    share, points = np.array([(one.share, len(one.of_first)) for one in pairs]).T
    usual = _medians(photos.ravel(), np.repeat(share, 2), np.repeat(points, 2))
    kept = share >= LEAST_OF_USUAL * usual[photos].max(axis=1)
    return [one for one, good in zip(pairs, kept, strict=True) if good]


def _medians(group: NDArray[np.intp], value: Array, weight: Array) -> Array:
    """[groups] weighted median of each group's values; 0 of none."""
    order = np.lexsort((value, group))
    total = np.concatenate([[0.0], weight[order].cumsum()])
    bounds = np.searchsorted(group[order], np.arange(int(group.max()) + 2))
    middle = (total[bounds[:-1]] + total[bounds[1:]]) / 2
    place = np.searchsorted(total[1:], middle)
    return np.where(np.diff(bounds) > 0, value[order][np.minimum(place, len(order) - 1)], 0.0)


def _in_common(one: Points, other: Points, model: Array, middle: Array, metres: float) -> int:
    """How many points the photo that has fewer of them has on the ground that both show, by their homography."""
    back = np.asarray(np.linalg.inv(model), float)
    here = _moved(one.ground, back, middle, metres)
    there = _moved(other.ground, model, middle, metres)
    return min(int(_within(other.ring, here).sum()), int(_within(one.ring, there).sum()))


def _moved(ground: Array, model: Array, middle: Array, metres: float) -> Array:
    """Points [N, 2] through a homography of pixels about `middle`."""
    raised = np.column_stack([(ground - middle) / metres, np.ones(len(ground))]) @ model.T
    return np.asarray(raised[:, :2] / raised[:, 2:] * metres + middle)


def _within(ring: Array, points: Array) -> NDArray[np.bool_]:
    """[N] points that lie in a convex ring [K, 2]."""
    sides = np.roll(ring, -1, axis=0) - ring
    turn = np.sign((ring[:, 0] * np.roll(ring[:, 1], -1) - np.roll(ring[:, 0], -1) * ring[:, 1]).sum())
    off = points[:, None] - ring
    left = sides[:, 0] * off[:, :, 1] - sides[:, 1] * off[:, :, 0]
    return np.asarray((left * turn >= 0).all(axis=1))


def _alike(one: Points, other: Points, reach: float) -> NDArray[np.intp]:
    """[M, 2] points of both that are each other's most alike of those in reach, and plainly so."""
    if not len(one.ground) or not len(other.ground):
        return np.zeros((0, 2), np.intp)
    alike = one.likeness @ other.likeness.T
    np.copyto(alike, np.float32(-1), where=_beyond(one.ground, other.ground, reach))
    best = alike.argmax(1)
    rows = np.arange(len(best))
    top = alike[rows, best]
    kept = np.flatnonzero((alike.argmax(0)[best] == rows) & (top > 0))
    best, top, others = best[kept], top[kept], alike[kept]
    others[np.arange(len(kept)), best] = -1
    second = np.maximum(others.max(1, initial=-1), 0)
    clear = np.arccos(np.clip(top, -1, 1)) < RATIO * np.arccos(np.clip(second, -1, 1))
    return np.stack([kept[clear], best[clear]], 1)


def _beyond(here: Array, there: Array, reach: float) -> NDArray[np.bool_]:
    """[N, M] pairs of places further apart than the reach; in float32 about a place among them, which is enough.

    Where a ray misses the ground (NaN) there is no place, and nothing is in reach.
    """
    middle = here[np.isfinite(here).all(axis=1).argmax()]
    one, other = (here - middle).astype(np.float32), (there - middle).astype(np.float32)
    away = np.square(one[:, 0, None] - other[None, :, 0])
    away += np.square(one[:, 1, None] - other[None, :, 1])
    return np.asarray(~(away <= np.float32(reach**2)))


def _plausible(model: Array, reach_px: float) -> bool:
    """Whether two photos can lie so to each other, for all that their poses may be off."""
    scale = math.sqrt(abs(model[0, 0] * model[1, 1] - model[0, 1] * model[1, 0])) / abs(model[2, 2])
    turn = math.degrees(math.atan2(model[1, 0] - model[0, 1], model[0, 0] + model[1, 1]))
    shift = math.hypot(model[0, 2], model[1, 2]) / abs(model[2, 2])
    flipped = model[0, 0] * model[1, 1] < model[0, 1] * model[1, 0]
    return (
        not flipped
        and 1 / MOST_ZOOM < scale < MOST_ZOOM
        and abs(turn) < MOST_TURN_DEG
        and shift < 1.5 * reach_px
    )
