"""Which control points the photos bear out: before they hold a map in place, they are held against it.

The photos alone give each point a place, off as a whole by the GPS's error, by a little turn and scale. Points that lie
to each other as the list says follow one such shift; those that were swapped, mistyped, marked on the wrong thing or
given in another datum do not, and would tear photos apart that fit together.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.arrow import Array

OFF_M, OFF_SHARE = 0.5, 0.002
"""What a block may be bent by without control: metres, and of its extent."""
MOST_CHANGE = 0.1
"""Turn (radians) and scale of a block by which its points may lie off the list's."""
SHIFT_SIGMAS = 4.0
"""Standard errors of the block's place by which its points may lie off as a whole."""
MOST_TRIED = 40
"""Points of which all pairs are tried; of more, so many evenly."""


def borne_out(known: Array, found: Array, error_m: float) -> NDArray[np.bool_]:
    """[G] points to use.

    `known` and `found` [G, 2] are the list's places and those by the photos alone, NaN where they have none; `error_m`
    the standard error, on each axis, of the latter as a whole. At least half of the points have to agree.
    """
    unit = np.array([1.0, 1j])
    told, seen = known @ unit, found @ unit
    there = np.flatnonzero(np.isfinite(told) & np.isfinite(seen))
    out = np.zeros(len(known), np.bool_)
    if not len(there):
        return out
    extent = float(np.abs(told[there] - told[there].mean()).max()) * 2
    limit, furthest = OFF_M + OFF_SHARE * extent, SHIFT_SIGMAS * error_m + OFF_M
    best: tuple[int, float] = (0, 0.0)
    step = max(1, len(there) // MOST_TRIED)
    pairs = itertools.combinations(there[::step].tolist(), 2) if len(there) > 1 else [(int(there[0]),) * 2]
    for first, second in pairs:
        factor = _factor(told, seen, first, second)
        off = np.abs(told[there] - told[first] - factor * (seen[there] - seen[first]))
        agree = there[off <= limit]
        shift = abs(complex((told[agree] - seen[agree]).mean()))
        rank = len(agree), -abs(factor - 1)
        if abs(factor - 1) <= MOST_CHANGE and shift <= furthest and rank > best:
            best, out = rank, np.isin(np.arange(len(known)), agree)
    return out if 2 * out.sum() >= len(there) else np.zeros(len(known), np.bool_)


def _factor(told: NDArray[np.complex128], seen: NDArray[np.complex128], first: int, second: int) -> complex:
    """Turn and scale from one pair of points; none where they are one, or too close to tell."""
    arm = complex(seen[second] - seen[first])
    return complex(told[second] - told[first]) / arm if abs(arm) > 2 * OFF_M else 1.0 + 0.0j
