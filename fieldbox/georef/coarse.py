"""A first alignment in the ground plane: shift, turn and scale of each photo, from all ties at once.

With tilt and height as told, each pixel is a vector on the ground, g, in its photo's own frame. A photo's
shift c and turn-and-scale a (complex numbers) put it at c + a g: linear, so wherever the photo starts, even
turned by 180 degrees, one solution comes out, and the ties' own places are solved for on the way. Wrong
matches are weighted down in steps (graduated non-convexity: Cauchy weights whose scale follows the
residuals' median). Tilt errors are shifts to first order; what is left of them is the bundle's work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.arrow import Array, Arrow, Chain, Incidence, Index, eliminate

Complex = NDArray[np.complex128]

TURN_ERROR = 0.5
"""Weak prior of turn-and-scale about what was told (1 is a radian, or 100 % of scale)."""
ROUNDS = 10
_SLOWLY = 0.4
_ANCHOR_ROUNDS = 5
TURN_KNOWN = 0.1
"""Radians (and share of scale): a block whose places tell its turn better than this needs no told yaw."""
_DEPENDENCE = 3.0
"""Errors of a photo's ties are mostly its tilt's: many count for few."""
_MEDIAN_RADIUS = 1.1774
"""Median length of a two-dimensional normal of unit sigma."""
_FIRST_RADIUS = 2.5
_OUTSIDE_SCALES = 5.0
_OUTSIDE_HEIGHT = 0.06
"""Share of the height below which a residual may still be tilt."""
_LEAST_SCALE = 0.004
"""Of the height."""
_LEAST_SCALE_TOLD = 0.5
"""Heights are not told so wrong: a photo that is put lower is not believed to be."""


@dataclass(frozen=True)
class Coarse:
    """Shift [N, 2] in metres, turn [N] (radians clockwise, to add to the yaw), scale [N], kept [n]."""

    place: Array
    turn: Array
    scale: Array
    kept: NDArray[np.bool_]
    anchored: NDArray[np.bool_]
    """[N] the told places of the photo's block tell its turn and scale."""


def coarse(
    seen: Incidence, chain: Chain, vectors: Array, height: Array, told: Array, error: Array, block: Index
) -> Coarse:
    """Align photos in the plane.

    `vectors` [n, 2] east, north from below the camera in metres with pose as told, `height` [n] of the
    camera that saw each, `told` [N, 2] east, north and `error` [N] of it in metres (infinite: not known),
    `block` [N]: which photos hang together.
    """
    by_photo = _by_photo(vectors)
    known = np.isfinite(error)
    start = np.zeros((seen.photos, 4))
    start[:, :2] = np.where(known[:, None], told, told[known].mean(axis=0))
    start[:, 2] = 1.0
    weight, trust = np.ones(len(vectors)), np.ones((seen.photos, 2))
    middle = float(np.median(height))
    scale = float(np.median(error[known])) + 0.02 * middle
    for _round in range(ROUNDS):
        found, off = _solve(seen, chain, by_photo, weight, _DEPENDENCE * scale, start, _prior(error, trust))
        anchored = _anchor_all(found, told, error, block)
        # Shrinking all photos shrinks all residuals: only what is left at the told scale can be judged. So does
        # shrinking one, if all of its ties are wrong: to a point, where all of them agree.
        own = np.abs(anchored.factor)
        shrunk = np.hypot(found[:, 2], found[:, 3]) / own * np.minimum(own / _LEAST_SCALE_TOLD, 1.0)
        size = np.hypot(off[:, 0], off[:, 1]) / np.maximum(shrunk, 1e-3)[seen.photo]
        # In steps: a photo whose told place is far off needs its ties until that is found out.
        scale = max(float(np.median(size)) / _MEDIAN_RADIUS, _LEAST_SCALE * middle, _SLOWLY * scale)
        weight = 1.0 / (1.0 + (size / (_FIRST_RADIUS * scale)) ** 2) ** 2
        turned = np.hypot(found[:, 2] - 1.0, found[:, 3]) / (TURN_ERROR / 2)
        trust = np.column_stack([anchored.trust, 1.0 / (1.0 + turned**2) ** 2])
    kept = size < np.maximum(_OUTSIDE_SCALES * scale, _OUTSIDE_HEIGHT * height)
    places = np.column_stack([anchored.place.real, anchored.place.imag])
    factor = anchored.factor
    return Coarse(places, -np.angle(factor), np.abs(factor), kept, anchored.sure)


def _by_photo(vectors: Array) -> Array:
    """[n, 2, 4] derivatives of c + a g by c and a."""
    out = np.zeros((len(vectors), 2, 4))
    out[:, 0, 0] = out[:, 1, 1] = 1.0
    out[:, 0, 2], out[:, 0, 3] = vectors[:, 0], -vectors[:, 1]
    out[:, 1, 2], out[:, 1, 3] = vectors[:, 1], vectors[:, 0]
    return out


@dataclass(frozen=True)
class _Anchored:
    """Places and factors [N] at the told scale; whether the places told it; trust in each told place."""

    place: Complex
    factor: Complex
    sure: NDArray[np.bool_]
    trust: Array


def _anchor_all(found: Array, told: Array, error: Array, block: Index) -> _Anchored:
    unit = np.array([1.0, 1j])
    place, factor, aim = found[:, :2] @ unit, found[:, 2:] @ unit, told @ unit
    sure, trust = np.zeros(len(found), np.bool_), np.ones(len(found))
    for number in np.unique(block):
        mine = np.flatnonzero(block == number)
        part = _anchor(place[mine], factor[mine], aim[mine], error[mine])
        place[mine], factor[mine], sure[mine], trust[mine] = part.place, part.factor, part.sure, part.trust
    return _Anchored(place, factor, sure, trust)


def _anchor(place: Complex, factor: Complex, told: Complex, error: Array) -> _Anchored:
    """Shift, turn and scale a block as a whole onto the told places, its shape as it is.

    Told places are regressed on the block's, not the other way round, so that their errors do not shrink
    it. Where they are too close together to tell a turn, the photos' median turn and scale stay as told.
    """
    common = max(float(np.median(np.abs(factor))), 1e-6) * _direction(factor)
    place, factor = place / common, factor / common
    known = np.isfinite(error)
    size = np.where(known, np.maximum(error, 1e-2), np.inf)
    trust = np.ones(len(place))
    change, moment = 1.0 + 0.0j, 0.0
    for _round in range(_ANCHOR_ROUNDS):
        weight = trust / size**2
        here = (weight * place).sum() / weight.sum()
        there = (weight * told).sum() / weight.sum()
        arms = place - here
        moment = float((weight * np.abs(arms) ** 2).sum())
        if moment * TURN_KNOWN**2 > 1.0:
            change = (weight * np.conj(arms) * (told - there)).sum() / moment
        off = np.abs(told - there - change * arms) / size
        usual = max(float(np.median(off[known])) / _MEDIAN_RADIUS, 1.0)
        trust = 1.0 / (1.0 + (off / (3.0 * usual)) ** 2) ** 2
    sure = np.full(len(place), moment * TURN_KNOWN**2 > 1.0)
    return _Anchored(there + change * (place - here), factor * change, sure, trust)


def _direction(factor: Complex) -> complex:
    """Of unit length, the median direction (of each part: robust against a few turned photos)."""
    unit = factor / np.abs(factor)
    middle = complex(np.median(unit.real), np.median(unit.imag))
    return middle / abs(middle) if abs(middle) > 1e-3 else 1.0 + 0.0j


def _prior(error: Array, trust: Array) -> Array:
    """[N, 4] 1 / variance of what was told, by trust [N, 2] in place and turn."""
    place = np.where(np.isfinite(error), trust[:, 0] / np.maximum(error, 1e-2) ** 2, 1e-8)
    turn = trust[:, 1] / TURN_ERROR**2
    return np.stack([place, place, turn, turn], axis=1)


def _solve(
    seen: Incidence, chain: Chain, by_photo: Array, weight: Array, scale: float, start: Array, prior: Array
) -> tuple[Array, Array]:
    root = np.sqrt(weight) / scale
    placed = np.einsum("nij,nj->ni", by_photo, start[seen.photo])
    by_point = np.broadcast_to(-np.eye(2), (len(root), 2, 2)) * root[:, None, None]
    hold = np.broadcast_to(np.eye(2) * 1e-9, (seen.tracks, 2, 2))
    solved = eliminate(
        seen,
        by_photo * root[:, None, None],
        by_point,
        placed * root[:, None],
        hold,
        np.zeros((seen.tracks, 2)),
    )
    own = solved.own + prior[:, :, None] * np.eye(4)
    matrix = replace(solved, own=own).matrix()
    empty = np.zeros((4 * seen.photos, 0))
    change, _shared = Arrow(matrix, chain.bounds, empty, np.zeros((0, 0))).solve(solved.right, np.zeros(0))
    points = solved.points(change)
    found = start + change.reshape(-1, 4)
    return found, np.einsum("nij,nj->ni", by_photo, found[seen.photo]) - points[seen.track]
