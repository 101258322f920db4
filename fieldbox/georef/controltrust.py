"""Which control points the photos bear out: before they hold a map in place, they are held against it.

The photos alone give each point a place, off as a whole by the GPS's error, by a little turn and scale. Points that lie
to each other as the list says follow one such shift; those that were swapped, mistyped, marked on the wrong thing or
given in another datum do not, and would tear photos apart that fit together.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.arrow import Array

OFF_M, OFF_SHARE = 0.5, 0.002
"""What a block may be bent by without control: metres, and of its extent."""
MOST_CHANGE = 0.1
"""Turn (radians) and scale of a block by which its points may lie off the list's."""
SHIFT_SIGMAS = 4.0
"""Standard errors of the block's place by which its points may lie off as a whole."""
CHECKED = 3
"""Points that agree, from which on they check each other: two always follow some shift, turn and scale."""
UNLIKELY = 3.5
"""Standard errors, in two dimensions, that one good pair of points in five hundred exceeds."""
POINT_M = 0.1
"""Of a good point: its coordinates and its marks."""
MOST_TRIED = 40
"""Points of which all pairs are tried; of more, so many evenly."""


@dataclass(frozen=True, slots=True)
class Freedom:
    """Standard errors of a block by its photos alone."""

    place_m: float
    """On each axis, as a whole."""
    turn: float
    """Radians."""
    scale: float

    @classmethod
    def of(cls, pose: Array, covariance: Array) -> Freedom:
        """Of a block's photos: `pose` [N, 6] and `covariance` [N, 6, 6] as an adjustment gives them.

        A block's scale is told by its heights as much as by its places, and the errors of one block's photos are for
        the most part shared: so a photo's own are those of the whole, a little too large rather than too small.
        """
        spread = covariance.mean(axis=0)
        return cls(
            math.sqrt((spread[0, 0] + spread[1, 1]) / 2),
            math.radians(math.sqrt(spread[3, 3])),
            math.sqrt(spread[2, 2]) / float(np.abs(pose[:, 2]).mean()),
        )


def borne_out(known: Array, found: Array, free: Freedom) -> NDArray[np.bool_]:
    """[G] points to use.

    `known` and `found` [G, 2] are the list's places and those by the photos alone, NaN where they have none. At least
    half of the points have to agree. Fewer than `CHECKED` cannot check each other: they are held against what the
    photos by themselves leave open.
    """
    unit = np.array([1.0, 1j])
    told, seen = known @ unit, found @ unit
    there = np.flatnonzero(np.isfinite(told) & np.isfinite(seen))
    out = np.zeros(len(known), np.bool_)
    if not len(there):
        return out
    extent = float(np.abs(told[there] - told[there].mean()).max()) * 2
    limit, furthest = OFF_M + OFF_SHARE * extent, SHIFT_SIGMAS * free.place_m + OFF_M
    best: tuple[int, float] = (0, 0.0)
    step = max(1, len(there) // MOST_TRIED)
    pairs = itertools.combinations(there[::step].tolist(), 2) if len(there) > 1 else [(int(there[0]),) * 2]
    for first, second in pairs:
        factor = _factor(told, seen, first, second)
        off = np.abs(told[there] - told[first] - factor * (seen[there] - seen[first]))
        agree = there[off <= limit]
        shift = abs(complex((told[agree] - seen[agree]).mean()))
        rank = len(agree), -abs(factor - 1)
        likely = len(agree) >= CHECKED or _likely(
            factor, abs(complex(seen[second] - seen[first])), shift, free
        )
        if likely and abs(factor - 1) <= MOST_CHANGE and shift <= furthest and rank > best:
            best, out = rank, np.isin(np.arange(len(known)), agree)
    return out if 2 * out.sum() >= len(there) else np.zeros(len(known), np.bool_)


def _factor(told: NDArray[np.complex128], seen: NDArray[np.complex128], first: int, second: int) -> complex:
    """Turn and scale from one pair of points; none where they are one, or too close to tell."""
    arm = complex(seen[second] - seen[first])
    return complex(told[second] - told[first]) / arm if abs(arm) > 2 * OFF_M else 1.0 + 0.0j


def _likely(factor: complex, arm_m: float, shift_m: float, free: Freedom) -> bool:
    """Whether a block as free as this may be off by this turn, scale and shift, by no more than a pair of points."""
    if shift_m > UNLIKELY * math.hypot(free.place_m, POINT_M):
        return False
    if factor == 1.0:
        return True
    point = math.sqrt(2) * POINT_M / arm_m
    turn, scale = math.hypot(free.turn, point), math.hypot(free.scale, point)
    return math.hypot((factor.real - 1) / scale, factor.imag / turn) <= UNLIKELY
