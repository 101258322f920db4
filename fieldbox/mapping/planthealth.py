"""How each crop plant compares with its own row and its own field: size and colour. Relative only.

All comparisons are robust (median and 1.4826 x median absolute deviation), against up to WINDOW plants on
either side in the same row; without rows, against the nearest plants. Light, soil and growth that change
slowly over a field fall on the neighbours too and drop out. Nothing here names a cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.rows import Rows, find_rows
from fieldbox.mapping.stand import MIN_PLANTS, REACH_M, chain_of

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
WINDOW = 6
NEAREST = 12
LEAST_NEIGHBOURS = 4
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


def crop_rows(detections: Sequence[Detection], direction_deg: float | None = None) -> Rows | None:
    """The rows that the crop plants stand in, if they do; surer plants count more. `direction_deg`: as somebody told it,
    clockwise from grid north."""
    crop = [one for one in detections if one.cover is Cover.CROP]
    places = np.array([(one.east, one.north) for one in crop]).reshape(-1, 2)
    return find_rows(places, [one.score for one in crop], direction_deg=direction_deg)


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


# -- neighbours ---------------------------------------------------------------------------------


def _neighbours(place: Floats, rows: Rows | None) -> Whole:
    """[N, K] indices of the plants that each is compared with, -1 where there are fewer."""
    near = _nearest(place) if rows is None else _in_row(place, rows)
    few = (near >= 0).sum(axis=1) < LEAST_NEIGHBOURS
    if rows is not None and few.any():
        near[few] = _nearest(place)[few]
    return near


def _in_row(place: Floats, rows: Rows) -> Whole:
    """[N, 2 WINDOW] the plants before and after each in its row."""
    chain = chain_of(place, rows)
    columns = []
    for follow in (chain.before, chain.after):
        at = np.arange(len(place))
        for _step in range(WINDOW):
            at = np.where(at >= 0, follow[at], -1)
            far = np.hypot(*(place[at] - place).T) > REACH_M
            columns.append(np.where(far, -1, at))
    return np.stack(columns, axis=1)


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
