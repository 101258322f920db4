"""Two mosaics of one field: points that both show, and what these say of how the maps lie to each other.

It is for surveys without single plants. Points are described by the soil and the plants about them (`imagery.features`); what
grew, was hoed or rained on does not look the same, so that many days apart few or none are found again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.georef.sameground import Agreement, Bounds, Points, agree
from fieldbox.imagery.features import find_features
from fieldbox.mapping.pieces import Piece, gsd_of, read_piece

Floats = NDArray[np.float64]

SEARCHED_M = 0.02
"""Metres to a pixel in which points are looked for: a descriptor spans half a metre."""
LEAST_SIDE_M = 8.0
"""Of the pieces in which points are looked for."""
MOST_PIECES = 64
RATIO = 0.9
"""The second-best likeness may be this share of the way from none to the best (Lowe 2004), on angles."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A survey's mosaic, in the zone that both share."""

    path: Path
    bounds: tuple[float, float, float, float]
    """West, south, east, north of the ground that may be common."""


def agree_by_pictures(before: Mosaic, after: Mosaic, bounds: Bounds) -> Agreement | None:
    """How the maps lie to each other by what both mosaics show; None: no telling."""
    gsd = max(gsd_of(before.path), gsd_of(after.path), SEARCHED_M)
    one, other = _points(before, gsd), _points(after, gsd)
    if not len(one.places) or not len(other.places):
        return None
    pairs = _alike(one, other, bounds.reach_m)
    return agree(Points(one.places[pairs[:, 0]], other.places[pairs[:, 1]]), bounds)


@dataclass(frozen=True, eq=False, slots=True)
class _Described:
    places: Floats
    likeness: NDArray[np.float32]


def _points(mosaic: Mosaic, gsd_m: float) -> _Described:
    places, likeness = [np.zeros((0, 2))], [np.zeros((0, 128), np.float32)]
    for bounds in _pieces(mosaic.bounds):
        piece = read_piece(mosaic.path, bounds, gsd_m)
        found = find_features(piece.pixels, 1.0, 0.0, 1.0)
        if not len(found):
            continue
        shown = _well_inside(piece, found.xy)
        ground = np.array([piece.west, piece.north]) + (found.xy[shown] + 0.5) * (gsd_m, -gsd_m)
        described = found.descriptors[shown].astype(np.float32)
        places.append(np.asarray(ground, float))
        likeness.append(described / np.maximum(np.linalg.norm(described, axis=1, keepdims=True), 1e-9))
    return _Described(np.concatenate(places), np.concatenate(likeness))


def _pieces(bounds: tuple[float, float, float, float]) -> list[tuple[float, float, float, float]]:
    """The ground in pieces, larger ones (and fewer points to the square metre) where there is much of it."""
    west, south, east, north = bounds
    side = max(LEAST_SIDE_M, ((east - west) * (north - south) / MOST_PIECES) ** 0.5)
    columns, rows = (max(1, math.ceil(length / side - 0.25)) for length in (east - west, north - south))
    across, down = np.linspace(west, east, columns + 1).tolist(), np.linspace(north, south, rows + 1).tolist()
    return [(x, low, right, y) for y, low in pairwise(down) for x, right in pairwise(across)]


def _well_inside(piece: Piece, xy: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[N] points all around which there is a picture: an edge of the mosaic is no mark on the ground."""
    row, column = (
        np.rint(xy[:, axis]).astype(int).clip(0, piece.mask.shape[1 - axis] - 1) for axis in (1, 0)
    )
    gone = np.cumsum(np.cumsum(np.pad(~piece.mask, ((13, 12), (13, 12)), mode="edge"), axis=0), axis=1)
    count = gone[row + 25, column + 25] - gone[row, column + 25] - gone[row + 25, column] + gone[row, column]
    return np.asarray(count == 0, bool)


def _alike(one: _Described, other: _Described, reach_m: float) -> NDArray[np.intp]:
    """[M, 2] points that are each other's most alike of those in reach, and plainly so."""
    best, second, back = _nearest(one, other, reach_m)
    top, _second, forth = _nearest(other, one, reach_m)
    own = np.arange(len(back))
    found = (back >= 0) & (top[np.maximum(back, 0)] > 0)
    mutual = found & (forth[np.maximum(back, 0)] == own)
    clear = np.arccos(np.clip(best, -1, 1)) < RATIO * np.arccos(np.clip(np.maximum(second, 0), -1, 1))
    kept = np.flatnonzero(mutual & clear)
    return np.column_stack([kept, back[kept]])


def _nearest(
    one: _Described, other: _Described, reach_m: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
    """Of each point the likeness of the best and the second best in reach, and which the best is (-1: none is in reach)."""
    count = len(one.places)
    best, second, partner = (
        np.full(count, -1, np.float32),
        np.full(count, -1, np.float32),
        np.full(count, -1, np.intp),
    )
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        here = one.places[part]
        # Points come piece by piece: those of a batch are near each other.
        low, high = here.min(axis=0) - reach_m, here.max(axis=0) + reach_m
        near = np.flatnonzero(((other.places >= low) & (other.places <= high)).all(axis=1))
        if not len(near):
            continue
        alike = one.likeness[part] @ other.likeness[near].T
        off = (here[:, None] - other.places[near][None]).astype(np.float32)
        alike[np.square(off).sum(axis=2) > reach_m**2] = -1
        rows, top = np.arange(len(here)), alike.argmax(axis=1)
        best[part] = alike[rows, top]
        partner[part] = np.where(best[part] > -1, near[top], -1)
        alike[rows, top] = -1
        second[part] = alike.max(axis=1)
    return best, second, partner


def common_bounds(one: shapely.Geometry, other: shapely.Geometry) -> tuple[float, float, float, float] | None:
    """West, south, east, north of what two areas have in common; None: nothing."""
    both = shapely.intersection(one, other)
    return None if both.is_empty else tuple(float(v) for v in both.bounds)  # type: ignore[return-value]
