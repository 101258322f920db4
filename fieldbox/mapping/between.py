"""Weeds of a crop that the model does not know: vegetation that stands off the crop rows.

A strip along each row is left to the crop and whatever grows in it: half a strip is STRIP_SPREADS times
the plants' own scatter about their rows, at least STRIP_LEAST and at most STRIP_MOST of the row spacing.
What is green beyond it is weed; its cover is a share of the ground beyond the strips. In the strips
nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import FieldMap, Interval
from fieldbox.mapping.grid import cells_of
from fieldbox.mapping.rows import Rows, find_rows
from fieldbox.mapping.viewresult import ViewResult

STRIP_SPREADS = 2.5
STRIP_LEAST, STRIP_MOST = 0.15, 0.35
STRIP_DOUBT = 0.2
"""The half strip may as well be this share narrower or wider: that is most of the figure's interval."""
GREEN_RATIO = Interval(0.8, 1.25)
"""True over seen cover of vegetation by its colour: precision and recall were 0.88 (see imagery.indices)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Between:
    """Vegetation off the rows."""

    cover: NDArray[np.float32]
    """[rows, columns] of the map: share of the ground between the strips that is green; NaN where unseen."""
    percent: float
    """The same over the field."""
    interval95: Interval
    spacing_m: float
    strip_m: float
    """Half the width of a strip."""
    rows: Rows


@dataclass(frozen=True, eq=False, slots=True)
class Vegetation:
    """Green patches on the ground."""

    places: Floats
    """[N, 2] east, north."""
    areas_m2: Floats

    @classmethod
    def of(cls, results: Iterable[ViewResult]) -> Vegetation:
        """The patches of all views; each view reports those of its own ground."""
        found = [(one.plants.place, one.plants.area_m2) for one in results]
        places: list[Floats] = [np.zeros((0, 2)), *(place for place, _ in found)]
        areas = [np.zeros(0), *(area.astype(float) for _, area in found)]
        return cls(np.concatenate(places), np.concatenate(areas))


def vegetation_percent(vegetation: Vegetation, grid: FieldMap) -> float | None:
    """Share of the seen ground that is green; None if nothing was seen."""
    seen_m2 = float(grid.seen.sum()) * grid.cell_m**2
    _row, _column, inside = cells_of(grid, vegetation.places)
    return 100 * float(vegetation.areas_m2[inside].sum()) / seen_m2 if seen_m2 > 0 else None


def between_rows(
    vegetation: Vegetation, grid: FieldMap, direction_deg: float | None = None
) -> Between | None:
    """What grows off the rows; None where no rows can be found. `direction_deg`: as somebody told it, from grid north."""
    rows = find_rows(vegetation.places, vegetation.areas_m2, direction_deg=direction_deg)
    if rows is None or not (grid.seen > 0).any():
        return None
    strip = half_strip(rows)
    # Where no rows run nothing tells a weed.
    away = np.nan_to_num(np.abs(rows.at(vegetation.places).aside_m))
    layer, percent = _cover(vegetation, away, strip, rows.spacing_m, grid)
    others = [
        _cover(vegetation, away, strip * factor, rows.spacing_m, grid)[1]
        for factor in (1 - STRIP_DOUBT, 1 + STRIP_DOUBT)
    ]
    low, high = min(percent, *others) * GREEN_RATIO.low, max(percent, *others) * GREEN_RATIO.high
    return Between(layer, percent, Interval(low, min(100.0, high)), rows.spacing_m, strip, rows)


def half_strip(rows: Rows) -> float:
    """Half the width of the strip along a row that is not judged, in metres."""
    limits = STRIP_LEAST * rows.spacing_m, STRIP_MOST * rows.spacing_m
    return float(np.clip(STRIP_SPREADS * rows.spread_m, *limits))


def _cover(
    vegetation: Vegetation, away: Floats, strip: float, spacing: float, grid: FieldMap
) -> tuple[NDArray[np.float32], float]:
    """Cover for each cell, and in percent over all, of the ground farther than `strip` from the rows."""
    row, column, inside = cells_of(grid, vegetation.places)
    off = inside & (away > strip)
    green = np.zeros(grid.seen.shape)
    np.add.at(green, (row[off], column[off]), vegetation.areas_m2[off])
    ground = grid.seen.astype(float) * grid.cell_m**2 * (1 - 2 * strip / spacing)
    cover = np.full(grid.seen.shape, np.nan, np.float32)
    np.divide(green, ground, out=cover, where=ground > 0, casting="unsafe")
    return np.minimum(cover, np.float32(1)), 100 * float(green.sum() / ground.sum())
