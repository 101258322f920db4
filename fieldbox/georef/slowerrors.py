"""Errors that photos share: GPS drift, barometer, compass and gimbal.

The errors of a drone's poses are not independent. A consumer GPS is off by about the same from one photo
to the next (Gauss-Markov, minutes), a barometer by the same the whole flight, compass and gimbal each have
their own bias. Averaged as if they were independent, a flight's position would seem to get better with the
square root of the number of photos, which it does not. So a pose's stated error is split into

    white (each photo its own)  +  bias (one a flight)  +  drift (of the position only, knots in time)

The white part is estimated from the residuals, since the photos' ties show it. What is left of the stated
variance is slow; half of the position's is bias, half drift (nothing in a flight tells its bias).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from fieldbox.georef.arrow import Array, Index, Sparse

KNOT_S = 60.0
"""Time between the knots of the drift."""
MAX_KNOTS = 40
"""A flight; a longer one has them further apart."""
MEMORY_S = 300.0
"""Time in which the drift's correlation falls to 1/e."""
PHOTO_S = 2.0
"""Between photos whose time is not known."""
DRIFT_SHARE = 0.5
"""Of the slow variance of the position."""
GROUPS = 4
"""Kinds of error: position, height, yaw, tilt."""
GROUP_OF: Index = np.array([0, 0, 1, 2, 3, 3])
"""Kind of each of a pose's six numbers."""
FIRST_WHITE: Array = np.array([0.5, 0.1, 0.5, 0.75])
"""White share of the stated variance before any residual is known: position, height, yaw, tilt."""
LEAST_SLOW: Array = np.array([0.5, 0.5, 0.25, 0.1])
"""Of the stated variance (or of the white one, if larger): what no residual can argue away. Receivers that
state less than their white noise alone are common, and their slow errors are not smaller than that."""


def slow_shares(white: Array) -> Array:
    """[4] slow share of the stated variance for a white share [4]."""
    return np.maximum(1.0 - white, LEAST_SLOW * np.maximum(1.0, white))


@dataclass(frozen=True)
class SlowErrors:
    """Unknowns in units of the stated error: per flight six biases, then knots east and knots north."""

    rows: Sparse
    """[6 N, unknowns]: slow error of each pose's numbers (metres, radians)."""
    knots: tuple[Array, ...]
    """Of each flight: times, seconds."""

    @classmethod
    def of(cls, stated: Array, taken_at: Array, flight: Index) -> SlowErrors:
        """From stated errors [N, 6] (infinite: not known), times [N] (NaN: not known) and flights [N]."""
        count = len(stated)
        finite = np.where(np.isfinite(stated), stated, 0.0)
        photo, column, value, knots = [], [], [], []
        offset = 0
        for number in np.unique(flight):
            mine = np.flatnonzero(flight == number)
            times = _times(taken_at[mine])
            grid = _knots(times)
            for axis in range(6):
                photo.append(6 * mine + axis)
                column.append(np.full(len(mine), offset + axis))
                value.append(finite[mine, axis])
            place, share = _between(times, grid)
            for axis in range(2):
                for step, weight in ((0, 1 - share), (1, share)):
                    photo.append(6 * mine + axis)
                    column.append(offset + 6 + axis * len(grid) + place + step)
                    value.append(finite[mine, axis] * weight)
            knots.append(grid)
            offset += 6 + 2 * len(grid)
        entries = (np.concatenate(photo), np.concatenate(column))
        table = coo_array((np.concatenate(value), entries), shape=(6 * count, offset))
        return cls(csr_array(table), tuple(knots))

    def information(self, white: Array) -> Array:
        """[unknowns, unknowns] prior for the white shares [4]."""
        slow = slow_shares(white)
        size = self.rows.shape[1]
        matrix, offset = np.zeros((size, size)), 0
        bias = slow[GROUP_OF] * np.where(GROUP_OF == 0, 1.0 - DRIFT_SHARE, 1.0)
        for grid in self.knots:
            places = np.arange(offset, offset + 6)
            matrix[places, places] = 1.0 / bias
            spread = np.exp(-np.abs(grid[:, None] - grid[None, :]) / MEMORY_S) * slow[0] * DRIFT_SHARE
            inverse = np.linalg.inv(spread)
            for axis in range(2):
                first = offset + 6 + axis * len(grid)
                matrix[first : first + len(grid), first : first + len(grid)] = inverse
            offset += 6 + 2 * len(grid)
        return matrix


def _times(taken_at: Array) -> Array:
    """Seconds from the first; photos without a time stand between those before and after."""
    known = np.isfinite(taken_at)
    order = np.arange(len(taken_at), dtype=float)
    if known.sum() < 2:
        return order * PHOTO_S
    filled = np.interp(order, order[known], taken_at[known])
    return np.asarray(filled - filled.min())


def _knots(times: Array) -> Array:
    count = int(min(MAX_KNOTS, max(2, np.ceil(times.max() / KNOT_S) + 1)))
    return np.linspace(0.0, max(float(times.max()), KNOT_S), count)


def _between(times: Array, grid: Array) -> tuple[Index, Array]:
    place = np.clip(np.searchsorted(grid, times, side="right") - 1, 0, len(grid) - 2)
    return place, (times - grid[place]) / (grid[place + 1] - grid[place])
