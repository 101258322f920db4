"""What became of a field between two surveys, cell by cell.

The chance of a difference is that of the counts (Poisson) and what else could make one where nothing changed:

- the model. Its counts are off by a factor that the whole field shares; the release states its interval. Both dates are of the
  same release: what that factor owes to the model and the crop is the same at both and drops out; what it owes to the day (how
  large the weeds were, light, resolution) does not. How much is which was not measured: half of the variance is taken as
  shared (`SHARED`).
- what is left of the shift between the maps: a cell beside a steep edge takes in some of its neighbour. Its part is the slope
  of the (smoothed) map times the error of the shift, on each axis.
- ground that was not seen: counts are per square metre of seen ground, and less ground counts less.

Where maps lie on each other to a few centimetres most weeds that are left are found again at their places. What is the same
plant at both dates is no chance: only weeds that one date alone has count (as in the test of McNemar 1947, Psychometrika 12,
153-157). Without such places no weed is known to be the same, and all count.

Counts are compared by the conditional test of two Poisson means (Przyborowski and Wilenski 1940, Biometrika 31, 313-323): of
k0 + k1 weeds, how many the second survey has is binomial. Where more than Poisson's variance is expected both counts are
divided by that factor (quasi-Poisson). Covers are compared by their standard errors.

Cells are called so that of those that are called, 5 in 100 are expected to be wrong (Benjamini and Hochberg 1995, J. R.
Statist. Soc. B 57, 289-300): with a thousand cells, a plain 5 % test would find 50 changes where there are none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve
from scipy.special import betainc, ndtr

from fieldbox.domain import CellChange, Compared, FieldMap, Interval, Measure, Shift, ShiftBasis
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.overlay import Dated, Floats, Frame, Standing, Tally, counts, frame_of, standing, tally

Z95 = 1.959964
FALSE_CALLS = 0.05
"""Share of the called cells that may be wrong."""
SHARED = 0.5
"""Of the variance of the model's factor, what two dates of one release share."""
LEAST_SEEN = 0.5
"""Share of a cell that both surveys have to have seen."""
LEAST_EXPECTED = 8.0
"""Weeds to a cell: cells are made larger until that many stand in one on average. One that loses them all can be called then;
with fewer nothing can be told."""
LARGEST_FOR_COUNTS_M = 5.0
LARGEST_M = 25.0
OVER_ERROR = 2.0
"""A cell is at least so many times as wide as the 95 % radius by which the maps may lie wrong to each other."""


@dataclass(frozen=True, eq=False, slots=True)
class Both:
    """Two maps in the same cells."""

    frame: Frame
    before: Tally
    after: Tally
    judged: NDArray[np.bool_]
    """Cells that both saw enough of."""
    again: Floats
    """Weeds that both found, [rows, columns]; 0 where they are not known one by one."""
    weeds: Standing | None = None

    @property
    def common_m2(self) -> float:
        """Ground of the cells that are judged, as far as both saw it."""
        return float(np.minimum(self.before.seen_m2, self.after.seen_m2)[self.judged].sum())


@dataclass(frozen=True, eq=False, slots=True)
class Noise:
    """What makes a difference where nothing changed, beside the counts themselves."""

    count_error: float
    """Of the ratio of the model's counts at the two dates, relative; the whole field shares it."""
    cover_error: float
    shift_error_m: float
    weed_m2: float

    @classmethod
    def of(cls, before: Dated, after: Dated, shift: Shift) -> Noise:
        """Of two surveys of one release."""
        return cls(
            not_shared(before.count_error, after.count_error),
            not_shared(before.cover_error, after.cover_error),
            shift.error_m,
            max(before.weed_m2, after.weed_m2),
        )


def not_shared(one: float, other: float) -> float:
    """Standard error of the ratio of two figures of one model whose factors have these relative errors."""
    return math.sqrt(max(one**2 + other**2 - 2 * SHARED * one * other, 0.0))


def cell_size(before: Dated, after: Dated, shift: Shift) -> tuple[float, Sentence | None]:
    """How wide cells have to be, and why they are wider than those of the maps."""
    finest = max(before.grid.cell_m, after.grid.cell_m)
    for_error = OVER_ERROR * shift.error95_m
    for_counts = min(_for_counts(before.grid, after.grid, after.weed_m2), LARGEST_FOR_COUNTS_M)
    size = finest * math.ceil(max(for_error, for_counts, finest) / finest - 1e-9)
    if size <= finest:
        return finest, None
    told = {"cell": round(size, 2), "error": round(shift.error95_m, 1)}
    if shift.basis is ShiftBasis.STATED:
        template = N_(
            "The two maps could not be aligned, so cells of {cell} m are compared: their positions may be {error} m apart."
        )
        return size, Sentence(template, told)
    if for_error >= for_counts:
        return size, Sentence(N_("The maps agree to {error} m, so cells of {cell} m are compared."), told)
    return size, Sentence(
        N_("Weeds are few, so cells of {cell} m are compared: in smaller ones chance rules."), told
    )


def _for_counts(before: FieldMap, after: FieldMap, weed_m2: float) -> float:
    """Side of a cell with LEAST_EXPECTED weeds; where they are not counted, so many as their cover makes."""
    found = []
    for grid in (before, after):
        density = grid.weed_density if np.isfinite(grid.weed_density).any() else grid.weed_cover / weed_m2
        known = np.isfinite(density) & (grid.seen > 0)
        if known.any():
            found.append(
                float(np.average(density[known].astype(float), weights=grid.seen[known].astype(float)))
            )
    mean = float(np.mean(found)) if found else 0.0
    return math.sqrt(LEAST_EXPECTED / mean) if mean > 0 else math.inf


def lay(before: Dated, after: Dated, shift: Shift, cell_m: float) -> Both | None:
    """Both maps in common cells; None: they have none."""
    frame = frame_of(before.grid, after.grid, shift, cell_m)
    if frame is None:
        return None
    weeds = standing(before, after, shift)
    one = tally(before, frame, shift, weeds.before if weeds else None)
    other = tally(after, frame, None, weeds.after if weeds else None)
    judged = np.minimum(one.seen_m2, other.seen_m2) >= LEAST_SEEN * cell_m**2
    again = counts(weeds.again, frame) if weeds else np.zeros(judged.shape)
    return Both(frame, one, other, judged, again, weeds)


def compare_cells(both: Both, noise: Noise, measure: Measure) -> CellChange:
    """What changed in each cell, and which of it is called."""
    density = _rates(both, both.before.weeds, both.after.weeds)
    cover = _rates(both, both.before.weed_m2, both.after.weed_m2)
    count_error = _density_errors(both, density, noise)
    cover_error = _cover_errors(both, cover, noise)
    if measure is Measure.COUNT:
        chance = _count_chance(both, density, noise)
        change = density[1] - density[0]
    else:
        change = cover[1] - cover[0]
        chance = 2 * ndtr(-np.abs(change) / cover_error)
    chance = np.where(both.judged, chance, np.nan)
    called = discovered(chance, FALSE_CALLS)
    call = np.where(called, np.sign(change), 0.0)
    call[~both.judged] = np.nan
    seen = np.minimum(both.before.seen_m2, both.after.seen_m2) / both.frame.cell_m**2
    counted = np.nan if measure is Measure.COVER else 1.0
    layers = {
        "seen": np.minimum(seen, 1.0),
        "density_before": density[0] * counted,
        "density_after": density[1] * counted,
        "density_error": count_error * counted,
        "cover_before": cover[0],
        "cover_after": cover[1],
        "cover_error": cover_error,
        "chance": chance,
        "call": call,
    }
    frame = both.frame
    kept = {name: layer.astype(np.float32) for name, layer in layers.items()}
    return CellChange(frame.epsg, frame.west, frame.north, frame.cell_m, **kept)


def _rates(both: Both, before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Per square metre of seen ground; NaN where not judged."""
    one, other = (np.where(both.judged, layer, np.nan) for layer in (both.before.seen_m2, both.after.seen_m2))
    return before / one, after / other


def _slopes(both: Both, rates: tuple[Floats, Floats]) -> Floats:
    """Squared length of the slope (per metre) of the maps, smoothed over 3 x 3 cells; at each place that of the steeper one: a
    patch that went had an edge, and so has one that came."""
    found = np.zeros(both.judged.shape)
    weight = both.judged.astype(float)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    around = np.maximum(convolve(weight, kernel, mode="nearest"), 1e-9)
    for rate in rates:
        smooth = convolve(np.where(both.judged, rate, 0.0), kernel, mode="nearest") / around
        # What was not judged has no slope: its neighbours' mean stands for it.
        down, across = (
            np.gradient(smooth, both.frame.cell_m, axis=axis)
            if smooth.shape[axis] > 1
            else np.zeros_like(smooth)
            for axis in (0, 1)
        )
        found = np.maximum(found, down**2 + across**2)
    return found


def _extra(both: Both, rates: tuple[Floats, Floats], error: float, shift_m: float) -> Floats:
    """Variance that model and shift add to the difference of two rates."""
    return np.asarray((error * (rates[0] + rates[1]) / 2) ** 2 + shift_m**2 * _slopes(both, rates))


def _density_errors(both: Both, density: tuple[Floats, Floats], noise: Noise) -> Floats:
    """Standard error of the difference. Half a weed is added to each count: none seen is not none for certain."""
    one, other = (
        (tally.weeds - both.again + 0.5) / np.where(both.judged, tally.seen_m2, np.nan) ** 2
        for tally in (both.before, both.after)
    )
    return np.asarray(np.sqrt(one + other + _extra(both, density, noise.count_error, noise.shift_error_m)))


def _cover_errors(both: Both, cover: tuple[Floats, Floats], noise: Noise) -> Floats:
    """Standard error of the difference: plants of some size come and go (a compound Poisson process)."""
    one, other = (
        (tally.weed_m2 + 0.5 * noise.weed_m2)
        * noise.weed_m2
        / np.where(both.judged, tally.seen_m2, np.nan) ** 2
        for tally in (both.before, both.after)
    )
    return np.asarray(np.sqrt(one + other + _extra(both, cover, noise.cover_error, noise.shift_error_m)))


def _count_chance(both: Both, density: tuple[Floats, Floats], noise: Noise) -> Floats:
    """Two-sided p-value that both dates have the same density: of the weeds that only one of them has."""
    k0, k1 = both.before.weeds - both.again, both.after.weeds - both.again
    a0, a1 = (np.where(both.judged, tally.seen_m2, 1.0) for tally in (both.before, both.after))
    pooled = (k0 + k1) / (a0 + a1)
    counting = np.maximum(pooled, 1e-12) * (1 / a0 + 1 / a1)
    extra = np.nan_to_num(_extra(both, density, noise.count_error, noise.shift_error_m))
    over = 1 + extra / counting
    return two_poisson(k0 / over, k1 / over, a1 / (a0 + a1))


def two_poisson(before: Floats, after: Floats, share: Floats) -> Floats:
    """Two-sided mid-p value that counts come of the same rate; `share` of the ground belongs to the second one.

    Twice the smaller tail of the binomial, with half of the chance of what was seen itself (Lancaster 1961, J. Am. Statist.
    Assoc. 56, 223-234: with whole tails, such small counts would be called too seldom). Through the incomplete beta function it
    takes counts that are no whole numbers, too.
    """
    upper = (_tail(after, before, share) + _tail(after + 1, before - 1, share)) / 2
    lower = (_tail(before, after, 1 - share) + _tail(before + 1, after - 1, 1 - share)) / 2
    return np.asarray(np.minimum(2 * np.minimum(upper, lower), 1.0))


def _tail(least: Floats, others: Floats, share: Floats) -> Floats:
    """Chance of at least so many out of all, each with this share."""
    tail = betainc(np.maximum(least, 1e-9), np.maximum(others + 1, 1e-9), share)
    return np.where(least <= 0, 1.0, np.where(others <= -1, 0.0, tail))


def discovered(chance: Floats, share: float) -> NDArray[np.bool_]:
    """Which p-values (NaN: none) are called, so that this share of the calls is expected to be wrong."""
    known = np.isfinite(chance)
    found = np.zeros(chance.shape, bool)
    values = np.sort(chance[known])
    below = np.flatnonzero(values <= share * np.arange(1, len(values) + 1) / max(len(values), 1))
    if below.size:
        found[known] = chance[known] <= values[below[-1]]
    return found


def total(before: float, after: float, variance: tuple[float, float], error: float) -> Compared:
    """A figure of all common ground before and after, with the variances of both and the error of their ratio (relative)."""
    change = after - before
    spread = Z95 * math.sqrt(variance[0] + variance[1] + (error * (before + after) / 2) ** 2)
    interval = Interval(change - spread, change + spread)
    if before <= 0:
        return Compared(before, after, change, interval, None, None)
    ratio = after / before
    relative = (
        error**2 + variance[0] / before**2 + variance[1] / max(after, math.sqrt(variance[1]), 1e-12) ** 2
    )
    factor = math.exp(Z95 * math.sqrt(relative))
    # Of nothing left, what could be there unseen.
    high = max(ratio, math.sqrt(variance[1]) / before) * factor
    return Compared(before, after, change, interval, ratio, Interval(ratio / factor, high))


def total_weeds(both: Both, noise: Noise) -> Compared:
    """Weeds found on the common ground; the counts are of the ground that was seen less, at both dates."""
    before, after = (_common(both, tally, tally.weeds) for tally in (both.before, both.after))
    again = float(both.again[both.judged].sum())
    return total(
        before, after, (max(before - again, 0.0) + 0.5, max(after - again, 0.0) + 0.5), noise.count_error
    )


def total_cover(both: Both, noise: Noise) -> Compared:
    """Percent of the common ground that weeds cover."""
    ground = max(both.common_m2, 1e-9)
    before, after = (_common(both, tally, tally.weed_m2) for tally in (both.before, both.after))
    variance = tuple(
        (one + 0.5 * noise.weed_m2) * noise.weed_m2 * (100 / ground) ** 2 for one in (before, after)
    )
    return total(100 * before / ground, 100 * after / ground, (variance[0], variance[1]), noise.cover_error)


def _common(both: Both, tally: Tally, layer: Floats) -> float:
    """Sum over the judged cells, as if each survey had seen no more of them than the other."""
    least = np.minimum(both.before.seen_m2, both.after.seen_m2)
    here = both.judged
    return float((layer[here] * least[here] / tally.seen_m2[here]).sum())
