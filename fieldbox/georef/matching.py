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

from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]

LEAST_OVERLAP = 0.1
"""Of the smaller footprint: with less in common two photos share too little to be compared."""
NEIGHBOURS = 10
"""Each photo is compared with so many others at most, those with the largest overlap: the work grows with the photos,
not with their square."""
LEAST_SHARED = 12
"""Fewer points than that in agreement are chance."""
RATIO = 0.9
"""The second-best likeness may be this share of the way from none to the best: Lowe's ratio test, on angles."""
WITHIN_PX = 3.0
"""Of the searched picture: a point this far off the homography disagrees."""
MOST_TURN_DEG = 25.0
MOST_ZOOM = 1.3


@dataclass(frozen=True)
class Points:
    """The points of one photo, as matching wants them.

    likeness     float32 [N, 128], unit length
    ground       [N, 2] east, north in metres by the photo's stated pose
    metres       of ground to a pixel of the searched picture
    reach_m      how far off `ground` may be: three standard errors of the stated pose
    """

    likeness: NDArray[np.float32]
    ground: Array
    metres: float
    reach_m: float


@dataclass(frozen=True)
class Pair:
    """Two photos and their common points, as numbers of points: int [M] each."""

    first: int
    second: int
    of_first: NDArray[np.intp]
    of_second: NDArray[np.intp]


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
    return Points(likeness, geometry.pixel_to_ground(xy), metres, reach)


def neighbours(geometries: Sequence[PhotoGeometry]) -> list[tuple[int, int]]:
    """Pairs of photos worth comparing, each once, lower number first."""
    rings = [shapely.Polygon(one.footprint()) for one in geometries]
    tree = shapely.STRtree(rings)
    first, second = tree.query(rings, predicate="intersects")
    kept = first < second
    first, second = first[kept], second[kept]
    shapes = np.array(rings, object)
    common = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    share = common / np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    wanted: set[tuple[int, int]] = set()
    taken = np.zeros(len(rings), int)
    # The largest overlaps first; a photo that has enough neighbours still serves one that has not.
    for number in np.argsort(-share, kind="stable").tolist():
        if share[number] < LEAST_OVERLAP:
            break
        a, b = int(first[number]), int(second[number])
        if min(taken[a], taken[b]) < NEIGHBOURS:
            wanted.add((a, b))
            taken[[a, b]] += 1
    return sorted(wanted)


def match(first: int, one: Points, second: int, other: Points) -> Pair | None:
    """What two photos have in common; None if that is not enough to be sure."""
    reach = math.hypot(one.reach_m, other.reach_m)
    pairs = _alike(one, other, reach)
    if len(pairs) < LEAST_SHARED:
        return None
    here, there = one.ground[pairs[:, 0]], other.ground[pairs[:, 1]]
    metres = max(one.metres, other.metres)
    middle = here.mean(0)
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
    return Pair(first, second, pairs[:, 0], pairs[:, 1])


def _alike(one: Points, other: Points, reach: float) -> NDArray[np.intp]:
    """[M, 2] points of both that are each other's most alike of those in reach, and plainly so."""
    if not len(one.ground) or not len(other.ground):
        return np.zeros((0, 2), np.intp)
    away = ((one.ground[:, None] - other.ground[None]) ** 2).sum(-1)
    alike = np.where(away <= reach**2, one.likeness @ other.likeness.T, np.float32(-1))
    best = alike.argmax(1)
    rows = np.arange(len(best))
    mutual = (alike.argmax(0)[best] == rows) & (alike[rows, best] > 0)
    top = alike[rows, best]
    alike[rows, best] = -1
    second = np.maximum(alike.max(1), 0)
    clear = np.arccos(np.clip(top, -1, 1)) < RATIO * np.arccos(np.clip(second, -1, 1))
    kept = np.flatnonzero(mutual & clear)
    return np.stack([kept, best[kept]], 1)


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
