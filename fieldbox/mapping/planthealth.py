"""How each crop plant compares with its own row and its own field: size, colour, gaps. Relative only.

All comparisons are robust (median and 1.4826 x median absolute deviation), against up to WINDOW plants on
either side in the same row; without rows, against the nearest plants. Light, soil and growth that change
slowly over a field fall on the neighbours too and drop out. Nothing here names a cause.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import Cover, Detection, Gap
from fieldbox.mapping.rows import Rows, find_rows

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

FEATURES = ("size_row_z", "colour_row_z", "colour_size_z")
"""Columns of `Judged.features`, each a robust z-score, low is poor:

size_row_z     log area against the plants around it in its row, over the field's scatter about such rows
colour_row_z   (G - R) / (G + R) of its mean colour against its row: low is yellow
colour_size_z  the same, less what its size lets expect in this field: at the edges of small plants leaf and
               soil mix, so they look less green

Each is scaled by this field's own scatter, so that a threshold calls the same small share of the plants of
any field without symptoms, be they even or uneven.
"""
MIN_PLANTS = 30
"""Fewer crop plants than this are not compared."""
WINDOW = 6
NEAREST = 12
LEAST_NEIGHBOURS = 4
REACH_M = 6.0
"""Plants farther along the row than this are no neighbours."""
OFF_ROW = 0.25
"""A crop plant farther from its row than this share of the spacing belongs to none."""
GAP = 1.6
"""Plants this many steps apart have at least one missing between them."""
MOST_MISSING = 20
"""Longer stretches without plants are ground that was not sown (a headland, a track)."""
_TOUCHING = 0.05
"""Metres: plants of a row nearer than this count as one when steps are measured."""
_OFF = (0.06, 0.09, 0.13, 0.18, 0.24, 0.3)
"""How far off its step a plant may stand, in steps: those tried."""
_PLAINER = 0.03
"""Gain in mean log likelihood. Over 20 simulated fields without a step the highest was 0.06 (50 plants)."""
_ALIKE = 8.0
"""Shape of the gamma distribution above which distances scatter so little (35 %) that they have one peak."""
_MOST = 3000
_MAD_TO_SIGMA = 1.4826
_Z_LIMIT = 8.0


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """What is known of N crop plants, before any verdict. NaN where not known."""

    features: NDArray[np.float32]
    """[N, len(FEATURES)], clipped to +-8. A row is all NaN for a plant without size, without
    enough neighbours, or in a field with too few plants; the colour columns alone are NaN without colour."""

    @property
    def size_z(self) -> NDArray[np.float32]:
        """[N] against the plant's own row."""
        return self.features[:, FEATURES.index("size_row_z")]

    @property
    def colour_z(self) -> NDArray[np.float32]:
        """[N] against the plant's own row, for its size."""
        return self.features[:, FEATURES.index("colour_size_z")]


def crop_rows(detections: Sequence[Detection]) -> Rows | None:
    """The rows that the crop plants stand in, if they do; surer plants count more."""
    crop = [one for one in detections if one.cover is Cover.CROP]
    places = np.array([(one.east, one.north) for one in crop]).reshape(-1, 2)
    return find_rows(places, [one.score for one in crop])


def compare(places: ArrayLike, areas: ArrayLike, colours: ArrayLike, rows: Rows | None) -> Judged:
    """Compare crop plants with their neighbours.

    `places` [N, 2] east, north; `areas` [N] m2; `colours` [N, 3] mean red, green, blue (NaN: not known).
    """
    place = np.asarray(places, float).reshape(-1, 2)
    area = np.asarray(areas, float).reshape(-1)
    colour = np.asarray(colours, float).reshape(-1, 3)
    features = np.full((len(place), len(FEATURES)), np.nan, np.float32)
    if len(place) < MIN_PLANTS:
        return Judged(features)
    near = _neighbours(place, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(area > 0, np.log(area), np.nan)
        red, green, _blue = colour.T
        yellow = (green - red) / (green + red)
    size_gap, yellow_gap = _against(size, near), _against(yellow, near)
    columns = (_scaled(size_gap), _scaled(yellow_gap), _scaled(_without(yellow_gap, size_gap)))
    features[:] = np.clip(np.stack(columns, axis=1), -_Z_LIMIT, _Z_LIMIT)
    features[np.isnan(features[:, 0])] = np.nan
    return Judged(features)


def find_gaps(places: ArrayLike, rows: Rows | None) -> tuple[Gap, ...] | None:
    """Where plants are missing in the rows, in order; None where that cannot be told.

    The step from plant to plant is the one that fits the whole field's distances best. Without rows, or if
    plants keep no regular step, nothing is said. `places` [N, 2] are those of the crop plants.
    """
    place = np.asarray(places, float).reshape(-1, 2)
    if rows is None or len(place) < MIN_PLANTS:
        return None
    before, after, distance = _steps(place, rows)
    step = regular_step(distance)
    if step is None:
        return None
    missing = np.rint(distance / step).astype(np.int64) - 1
    told = (distance >= GAP * step) & (missing >= 1) & (missing <= MOST_MISSING)
    return tuple(
        Gap(tuple(place[before[i]].tolist()), tuple(place[after[i]].tolist()), int(missing[i]))
        for i in np.flatnonzero(told)
    )


def missing_places(gaps: Sequence[Gap]) -> Floats:
    """[M, 2] east, north of where the missing plants would stand."""
    spots = [
        np.array(gap.start) + (np.array(gap.end) - np.array(gap.start)) * number / (gap.missing + 1)
        for gap in gaps
        for number in range(1, gap.missing + 1)
    ]
    return np.array(spots).reshape(-1, 2)


def regular_step(distance: Floats) -> float | None:
    """The distance (m) that plants were sown apart, from those between neighbours in rows; None: no such.

    Two descriptions of the distances are held against each other by their likelihood: plants at one step,
    each a little off, a share of them missing (peaks at whole multiples of the step); and no step at all (a
    gamma distribution). The first has to be plainly better, or the distances to be nearly alike.
    """
    distance = distance[(distance > _TOUCHING) & (distance < REACH_M)]
    if len(distance) < MIN_PLANTS:
        return None
    if len(distance) > _MOST:
        distance = np.sort(distance)[:: math.ceil(len(distance) / _MOST)]
    mean = float(distance.mean())
    none, shape = _gamma(distance)
    best, found = -math.inf, mean
    for step in np.geomspace(max(_TOUCHING, float(np.quantile(distance, 0.03))), 1.02 * mean, 60).tolist():
        for off in _OFF:
            fit = _stepped(distance, step, off * step, mean)
            if fit > best:
                best, found = fit, step
    plain = best - none > max(_PLAINER, 8 / len(distance))
    return found if plain or shape > _ALIKE else None


def _stepped(distance: Floats, step: float, off: float, mean: float) -> float:
    """Mean log likelihood of distances k step +- off, k geometric so that the mean fits; 6 % are anything."""
    stands = min(step / mean, 0.98)
    times = np.arange(1, 16)
    share = stands * (1 - stands) ** (times - 1) / (off * math.sqrt(2 * math.pi))
    peaks = np.exp(-0.5 * ((distance[:, None] - times * step) / off) ** 2) @ share
    return float(np.log(0.94 * peaks + 0.06 / (4 * mean) * (distance < 4 * mean) + 1e-4).mean())


def _gamma(distance: Floats) -> tuple[float, float]:
    """Mean log likelihood of a gamma distribution fitted to the distances, and its shape.

    The shape by Minka's approximation (2002, "Estimating a gamma distribution").
    """
    mean = float(distance.mean())
    gap = max(math.log(mean) - float(np.log(distance).mean()), 1e-6)
    shape = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    fit = (shape - 1) * np.log(distance) - distance * shape / mean
    return float(fit.mean()) - math.lgamma(shape) - shape * math.log(mean / shape), shape


# -- neighbours ---------------------------------------------------------------------------------


def _neighbours(place: Floats, rows: Rows | None) -> Whole:
    """[N, K] indices of the plants that each is compared with, -1 where there are fewer."""
    near = _nearest(place) if rows is None else _in_row(place, rows)
    few = (near >= 0).sum(axis=1) < LEAST_NEIGHBOURS
    if rows is not None and few.any():
        near[few] = _nearest(place)[few]
    return near


def _in_row(place: Floats, rows: Rows) -> Whole:
    number, away = rows.row_of(place)
    ahead = rows.ahead(place)
    number = np.where(away <= OFF_ROW * rows.spacing_m, number, -1)
    order = np.lexsort((ahead, number))
    near = np.full((len(place), 2 * WINDOW), -1, np.int64)
    for column, shift in enumerate([*range(-WINDOW, 0), *range(1, WINDOW + 1)]):
        other = np.roll(order, -shift)
        inside = np.arange(len(order)) + shift
        same = (number[order] == number[other]) & (number[order] >= 0)
        same &= (inside >= 0) & (inside < len(order)) & (np.abs(ahead[other] - ahead[order]) <= REACH_M)
        near[order[same], column] = other[same]
    return near


def _nearest(place: Floats) -> Whole:
    """[N, 2 WINDOW] the nearest plants within reach, any row."""
    points = shapely.points(place)
    # A reach that holds about three times as many plants as are wanted.
    area = max(float(np.prod(np.ptp(place, axis=0))), 1e-6)
    reach = min(REACH_M, float(np.sqrt(3 * NEAREST * area / (np.pi * len(place)))))
    here, there = shapely.STRtree(points).query(points, predicate="dwithin", distance=reach)
    other = here != there
    here, there = here[other], there[other]
    distance = np.hypot(*(place[here] - place[there]).T)
    order = np.lexsort((distance, here))
    here, there = here[order], there[order]
    rank = np.arange(len(here)) - np.searchsorted(here, here)
    near = np.full((len(place), 2 * WINDOW), -1, np.int64)
    kept = rank < near.shape[1]
    near[here[kept], rank[kept]] = there[kept]
    return near


def _against(values: Floats, near: Whole) -> Floats:
    """Each value minus the median of its neighbours' values; NaN for fewer than LEAST_NEIGHBOURS known ones."""
    theirs = np.where(near >= 0, values[near], np.nan)
    enough = np.isfinite(theirs).sum(axis=1) >= LEAST_NEIGHBOURS
    found = np.full(len(values), np.nan)
    if enough.any():
        found[enough] = values[enough] - np.nanmedian(theirs[enough], axis=1)
    return found


def _middle(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _without(values: Floats, cause: Floats) -> Floats:
    """Values less their resistant line over a cause (Tukey 1977, "Exploratory Data Analysis": medians of the
    outer thirds)."""
    known = np.isfinite(values) & np.isfinite(cause)
    if known.sum() < MIN_PLANTS:
        return np.full(len(values), np.nan)
    low, high = np.quantile(cause[known], [1 / 3, 2 / 3])
    small, large = known & (cause <= low), known & (cause >= high)
    run = _middle(cause[large]) - _middle(cause[small])
    slope = (_middle(values[large]) - _middle(values[small])) / run if run > 0 else 0.0
    rest = values - slope * cause
    return rest - _middle(rest)


def _scaled(values: Floats) -> Floats:
    """Over 1.4826 times the median absolute deviation; NaN where there is no scatter."""
    spread = _MAD_TO_SIGMA * _middle(np.abs(values - _middle(values)))
    return values / spread if spread > 0 else np.full(len(values), np.nan)


def _steps(place: Floats, rows: Rows) -> tuple[Whole, Whole, Floats]:
    """Neighbours in the rows: index of the one before, of the one after, and their distance along the row."""
    number, away = rows.row_of(place)
    kept = np.flatnonzero(away <= OFF_ROW * rows.spacing_m)
    ahead = rows.ahead(place)
    order = kept[np.lexsort((ahead[kept], number[kept]))]
    same = number[order[1:]] == number[order[:-1]]
    before, after = order[:-1][same], order[1:][same]
    return before, after, ahead[after] - ahead[before]
