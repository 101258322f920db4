"""Pairs of photos that agree with each other about where the photos lie.

A pair tells how far its two photos are from where they were told to be, less each other: a difference. Around any ring of
photos true differences add up to nothing; that of a pair matched a period of the soil or the rows off does not, unless
the ring has another of the same period. So the places of all photos are found from all differences at once,
by least squares whose weights fall for what disagrees (graduated non-convexity: Cauchy weights whose scale falls in
steps, as in Yang et al. 2020, RA-L 5(2)). It is a graph's Laplacian with two unknowns a photo, which no wrong pair can
make shrink or turn; the adjustment, which can do both, is given what agrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from fieldbox.georef.matching import Array, Pair

LIMIT = 0.5
"""Of half a photo's long side on the ground: further off, a pair contradicts the others. Nearer, it may be yaw or tilt;
the adjustment can tell."""
LEAST_AGREED = 0.7
"""Of the weight of a photo's pairs: with less, two places are nearly as likely, and none is taken."""
_LAST = 0.06
"""Of the same: scale of the weights in the end."""
_STEP = 0.85
_OUTSIDE = 2.5
"""Scales at which a pair's weight has fallen to a quarter."""


def consistent(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that agree with most others around them, without those of photos of which too few do."""
    if not pairs:
        return []
    ends = np.array([(one.first, one.second) for one in pairs])
    shift = np.array([one.shift_m for one in pairs])
    error, size = np.array([(one.error_m, one.size_m) for one in pairs]).T
    # Many points, and a large share of those that could agree: both tell a true pair.
    sure = np.array([len(one.of_first) * one.share**2 for one in pairs])
    # Places told to the centimetre may still disagree with ground that is told by wrong yaws.
    told = _told_weight(ends, np.hypot(error, LIMIT * size))
    width, weight = float(np.median(size)), np.ones(len(pairs))
    scale, last = max(float(np.median(error)), _LAST * width), _LAST * width
    while True:
        off = _off(ends, shift, sure / np.median(sure) * weight / scale**2, told)
        if scale <= last:
            break
        scale = max(_STEP * scale, last)
        weight = 1.0 / (1.0 + (off / (_OUTSIDE * scale)) ** 2) ** 2
    agree = off <= LIMIT * size
    agree &= ~_contested(ends, sure, agree)[ends].any(axis=1)
    return [one for one, good in zip(pairs, agree, strict=True) if good]


def _contested(ends: NDArray[np.intp], sure: Array, agree: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[photos] of whose pairs too many say that it lies elsewhere, in the weight of what they have in common."""
    total = np.bincount(ends.ravel(), np.repeat(sure, 2))
    agreed = np.bincount(ends.ravel(), np.repeat(sure * agree, 2))
    return np.asarray(agreed < LEAST_AGREED * total)


def _told_weight(ends: NDArray[np.intp], error: Array) -> Array:
    """[photos] 1 / variance of what was told of a photo's place: the least of what its pairs say of both."""
    least = np.full(int(ends.max()) + 1, np.inf)
    np.minimum.at(least, ends, error[:, None])
    # A number that is in no pair has nothing to be solved for: any weight will do.
    return np.asarray(1.0 / np.where(np.isfinite(least), least, 1.0) ** 2)


def _off(ends: NDArray[np.intp], shift: Array, weight: Array, told: Array) -> Array:
    """[E] metres by which each pair is off the places that all of them give."""
    first, second = ends.T
    row = np.concatenate([first, second, first, second, np.arange(len(told))])
    column = np.concatenate([first, second, second, first, np.arange(len(told))])
    value = np.concatenate([weight, weight, -weight, -weight, told])
    matrix = coo_array((value, (row, column)), shape=(len(told), len(told))).tocsc()
    right = np.zeros((len(told), 2))
    np.add.at(right, first, weight[:, None] * shift)
    np.add.at(right, second, -weight[:, None] * shift)
    place = np.asarray(splu(matrix).solve(right))
    return np.asarray(np.linalg.norm(place[first] - place[second] - shift, axis=1))
