"""Plants by the crop rows: which stand in them and which between, where each row runs, and what a field's stand is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from fieldbox.domain import CropStand, Interval
from fieldbox.mapping.between import half_strip
from fieldbox.mapping.rows import ByRow, Rows
from fieldbox.mapping.stand import OFF_ROW, Stand, chain_of, on_middle

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


NEAR_ROWS = 2.0
"""Where no crop plant stands within so many spacings no row runs: rows are known a little beyond the crop."""


class Place(StrEnum):
    """Where a plant stands by the crop rows."""

    IN_ROW = "in row"
    """Within the crop's own strip: see `half_strip`."""
    BETWEEN = "between rows"


@dataclass(frozen=True, slots=True)
class Weeds:
    """Weeds by the crop rows."""

    in_rows: int
    between: int
    off_plots: int
    """Where no rows run."""


@dataclass(frozen=True, eq=False, slots=True)
class InRows:
    """The rows of a field, and what is known of the plants by them."""

    rows: Rows
    stand: Stand | None = None
    weeds: Weeds | None = None
    """None: weeds are not told one by one."""


@dataclass(frozen=True, eq=False, slots=True)
class RowLine:
    """A stretch of a row without long breaks."""

    plot: int
    """From 1, see `RowNumbers`."""
    row: int
    """From 1 within its plot."""
    points: Floats
    """[K, 2] east, north along its middle."""
    direction_deg: float
    """Mean, clockwise from grid north, 0 to 180."""
    spacing_m: float
    """Mean, to the rows beside it."""

    @property
    def length_m(self) -> float:
        """Along it."""
        return float(np.hypot(*np.diff(self.points, axis=0).T).sum())


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """Numbers that people count by: plots from 1, the one with the most crop plants first, and their rows from 1."""

    plots: Mapping[int, int]
    """By those of `ByRow`."""
    first: Mapping[int, int]
    """The lowest row of `ByRow` with a crop plant, by its plots."""

    @classmethod
    def of(cls, places: ArrayLike, rows: Rows) -> RowNumbers:
        """Those of the rows that the crop plants at `places` [N, 2] stand in."""
        found = rows.at(places)
        kept = found.on_row(OFF_ROW)
        plots, counts = np.unique(found.plot[kept], return_counts=True)
        ranked = plots[np.argsort(-counts, kind="stable")].tolist()
        first = {plot: int(found.row[kept & (found.plot == plot)].min()) for plot in ranked}
        return cls({plot: rank for rank, plot in enumerate(ranked, start=1)}, first)

    def told(self, found: ByRow) -> tuple[Whole, Whole]:
        """Plot and row [N] of places; plot 0 where no rows run."""
        plot = [self.plots.get(one, 0) for one in found.plot.tolist()]
        row = [
            one - self.first.get(mine, 0) + 1 if mine in self.plots else 0
            for mine, one in zip(found.plot.tolist(), found.row.tolist(), strict=True)
        ]
        return np.array(plot, np.int64), np.array(row, np.int64)


def places_by_row(places: ArrayLike, rows: Rows | None, crop: ArrayLike) -> list[Place | None]:
    """Where each of `places` [N, 2] (east, north) stands; None where no rows run: outside the plots, or too far from all crop
    plants (at `crop` [M, 2]) that stand in rows."""
    points = np.asarray(places, float).reshape(-1, 2)
    plants = np.asarray(crop, float).reshape(-1, 2)
    if rows is None or not len(points):
        return [None] * len(points)
    plants = plants[rows.at(plants).on_row(OFF_ROW)]
    if not len(plants):
        return [None] * len(points)
    found = rows.at(points)
    away = cKDTree(plants).query(points)[0]
    runs = (found.plot >= 0) & (away <= NEAR_ROWS * found.spacing_m)
    inside = np.abs(found.aside_m) <= half_strip(rows)
    return [
        None if not there else Place.IN_ROW if near else Place.BETWEEN
        for there, near in zip(runs.tolist(), inside.tolist(), strict=True)
    ]


def weeds_by_row(places: ArrayLike, rows: Rows, crop: ArrayLike) -> Weeds:
    """How many of the weeds at `places` [N, 2] stand where, by rows and crop plants."""
    told = places_by_row(places, rows, crop)
    return Weeds(told.count(Place.IN_ROW), told.count(Place.BETWEEN), told.count(None))


def crop_stand(
    found: InRows, convergence_deg: float, per_ha: float | None, per_ha_interval95: Interval | None
) -> CropStand:
    """What a survey says of its rows; `convergence_deg` is the azimuth of grid north, clockwise from true north."""
    largest, stand, weeds = found.rows.plots[0], found.stand, found.weeds
    return CropStand(
        direction_deg=(largest.direction_deg + convergence_deg) % 180,
        spacing_m=found.rows.spacing_m,
        bend_deg=largest.bend_deg,
        plots=len(found.rows.plots),
        step_m=stand.step_m if stand else None,
        per_ha=per_ha,
        per_ha_interval95=per_ha_interval95,
        missing=stand.missing if stand else None,
        doubles=stand.doubles if stand else None,
        weeds_in_rows=weeds.in_rows if weeds else None,
        weeds_between=weeds.between if weeds else None,
        weeds_off_plots=weeds.off_plots if weeds else None,
    )


def row_lines(places: ArrayLike, rows: Rows) -> list[RowLine]:
    """Where each row runs, from its first crop plant to its last, by plot and number; `places` [N, 2] of crop plants.

    A row whose next plant is out of reach goes on as another line.
    """
    points = np.asarray(places, float).reshape(-1, 2)
    feet = on_middle(points[rows.at(points).on_row(OFF_ROW)], rows)
    told = rows.at(feet)
    plots, numbers = RowNumbers.of(points, rows).told(told)
    chain = chain_of(feet, rows)
    lines = []
    for members in _walked(chain.before, chain.after):
        along = told.along[members]
        # Twice the angle: a row has no front.
        double = np.exp(2j * np.arctan2(along[:, 0], along[:, 1])).mean()
        direction = math.degrees(np.angle(double) / 2) % 180
        spacing = float(told.spacing_m[members].mean())
        plot, row = int(plots[members[0]]), int(numbers[members[0]])
        lines.append(RowLine(plot, row, feet[members], direction, spacing))
    return sorted(lines, key=lambda one: (one.plot, one.row, *one.points[0].tolist()))


def _walked(before: Whole, after: Whole) -> Iterator[Whole]:
    """Members of each chain of two and more, in order; those of a ring from any one, which comes again at the end."""
    left = set(np.flatnonzero((before >= 0) | (after >= 0)).tolist())
    ends = [at for at in sorted(left) if before[at] < 0]
    while left:
        first = ends.pop(0) if ends else min(left)
        members, at = [first], int(after[first])
        left.discard(first)
        while at in left:
            members.append(at)
            left.discard(at)
            at = int(after[at])
        if at == first:
            members.append(first)
        yield np.array(members, np.int64)
