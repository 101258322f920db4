"""Places told so that somebody on foot finds them: the row's number and paces, or a bearing and paces from a corner.

Rows are counted along the field's edge that is nearer, from the first row that plants stand in; paces along the row, however it
bends, from the end that is nearer. Where no rows run, from the nearest corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import FromCorner, InRows, Side
from fieldbox.mapping.rows import ByRow, Rows

PACE_M = 0.75
"""Of a grown person on soft ground, as sheets state it."""
LEAST_PLANTS = 4
"""Fewer plants than these are no row to count: a stray weed beside the field looks like one."""
_STEP_M = 0.5
_MOST_M = 3000.0
"""Longer rows are followed no further."""
_SIMPLER_M = 2.0
"""Bends of a boundary smaller than this make no corner."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """A field to walk on. Metres east and north on its map's grid."""

    boundary: shapely.Polygon
    rows: Rows | None
    plants: Floats
    """[N, 2] crop plants, which tell where rows begin and end."""
    convergence_deg: float = 0.0
    """Azimuth of the grid's north, clockwise from true north."""


def find(ground: Ground, places: ArrayLike) -> list[InRows | FromCorner]:
    """How to walk to each of `places` [K, 2]."""
    points = np.asarray(places, float).reshape(-1, 2)
    counted = _Counted.of(ground) if ground.rows is not None else None
    return [(counted.place(one) if counted else None) or _from_corner(ground, one) for one in points]


def side(east: float, north: float, convergence_deg: float = 0.0) -> Side:
    """The eighth of the compass in which a step on the grid points."""
    return list(Side)[round(_bearing(east, north, convergence_deg) / 45) % 8]


def _bearing(east: float, north: float, convergence_deg: float) -> float:
    return (math.degrees(math.atan2(east, north)) + convergence_deg) % 360


def paces(metres: float) -> int:
    """So many steps."""
    return round(metres / PACE_M)


# -- by rows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Counted:
    """The rows that plants stand in, by plots."""

    ground: Ground
    rows: Rows
    by_plot: dict[int, _Plot]

    @classmethod
    def of(cls, ground: Ground) -> _Counted | None:
        rows = ground.rows
        if rows is None or not len(ground.plants):
            return None
        found = rows.at(ground.plants)
        plots = {}
        for number in np.unique(found.plot[found.plot >= 0]).tolist():
            plot = _Plot.of(ground.plants, found, number)
            if plot is not None:
                plots[number] = plot
        return cls(ground, rows, plots)

    def place(self, point: Floats) -> InRows | None:
        """None outside all rows that can be counted."""
        here = self.rows.at(point)
        plot = self.by_plot.get(int(here.plot[0]))
        if plot is None:
            return None
        row = min(max(int(here.row[0]), plot.first), plot.last)
        ways = [_walked(self.ground, self.rows, point, here, sign) for sign in (1.0, -1.0)]
        away, end = min(ways, key=lambda one: one[0])
        turn = self.ground.convergence_deg
        low = row - plot.first <= plot.last - row
        outwards = plot.to_first if low else -plot.to_first
        return InRows(
            row=row - plot.first + 1 if low else plot.last - row + 1,
            edge=_beside(outwards, here.along[0], turn),
            paces=paces(away),
            end=side(*(end - point).tolist(), turn) if away > _STEP_M else side(*_out(ways, point), turn),
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Plot:
    first: int
    """Number of its outermost row."""
    last: int
    to_first: Floats
    """From the middle of its last row to that of its first."""

    @classmethod
    def of(cls, plants: Floats, found: ByRow, number: int) -> _Plot | None:
        mine = (found.plot == number) & found.on_row(0.35)
        rows, count = np.unique(found.row[mine], return_counts=True)
        rows = rows[count >= LEAST_PLANTS]
        if len(rows) < 2:
            return None
        first, last = int(rows[0]), int(rows[-1])
        middles = [plants[mine & (found.row == row)].mean(axis=0) for row in (first, last)]
        return cls(first, last, middles[0] - middles[1])


def _beside(outwards: Floats, along: Floats, convergence_deg: float) -> Side:
    """The edge that lies across the rows on one side: what of `outwards` runs along them does not count."""
    across = outwards - along * float(outwards @ along)
    return side(*across.tolist(), convergence_deg)


def _out(ways: Sequence[tuple[float, Floats]], point: Floats) -> tuple[float, float]:
    """Where the nearer end lies, of a place that stands on it: away from the farther one."""
    far = max(ways, key=lambda one: one[0])[1]
    east, north = (point - far).tolist()
    return east, north


def _walked(ground: Ground, rows: Rows, start: Floats, here: ByRow, sign: float) -> tuple[float, Floats]:
    """Metres along the row to the edge of the field, or to where the rows end; and that place."""
    point, ahead = start.copy(), sign * here.along[0]
    plot = int(here.plot[0])
    shapely.prepare(ground.boundary)
    away = 0.0
    while away < _MOST_M:
        tried = point + _STEP_M * ahead
        if not shapely.contains_xy(ground.boundary, *tried.tolist()):
            return away + _to_edge(ground.boundary, point, tried), tried
        there = rows.at(tried)
        if int(there.plot[0]) == plot:
            along = there.along[0]
            ahead = along if float(along @ ahead) > 0 else -along
        point, away = tried, away + _STEP_M
    return away, point


def _to_edge(boundary: shapely.Polygon, inside: Floats, outside: Floats) -> float:
    step = shapely.LineString([inside.tolist(), outside.tolist()])
    return float(min(step.intersection(boundary).length, _STEP_M))


# -- by corners ------------------------------------------------------------------------------------

_CORNERS = (Side.NORTH_EAST, Side.SOUTH_EAST, Side.SOUTH_WEST, Side.NORTH_WEST)


def corners(boundary: shapely.Polygon, convergence_deg: float = 0.0) -> dict[Side, tuple[float, float]]:
    """The four corners of a field, by the side of it on which each lies farthest out."""
    ring = np.asarray(boundary.simplify(_SIMPLER_M).exterior.coords)[:-1, :2]
    found: dict[Side, tuple[float, float]] = {}
    for one in _CORNERS:
        turn = math.radians(list(Side).index(one) * 45 - convergence_deg)
        outwards = np.array([math.sin(turn), math.cos(turn)])
        best = ring[int(np.argmax(ring @ outwards))]
        found[one] = (float(best[0]), float(best[1]))
    return found


def _from_corner(ground: Ground, point: Floats) -> FromCorner:
    every = corners(ground.boundary, ground.convergence_deg)
    name, place = min(every.items(), key=lambda one: math.dist(one[1], point))
    east, north = (point - np.array(place)).tolist()
    bearing = _bearing(east, north, ground.convergence_deg)
    return FromCorner(
        name, bearing, side(east, north, ground.convergence_deg), paces(math.hypot(east, north))
    )


# -- the order -------------------------------------------------------------------------------------


def best_start(ground: Ground, places: ArrayLike) -> tuple[Side, list[int]]:
    """The corner from which the walk to `places` [K, 2] is shortest, and the order of the places from there."""
    points = np.asarray(places, float).reshape(-1, 2)
    every = corners(ground.boundary, ground.convergence_deg)
    tried = {name: walking_order(points, corner) for name, corner in every.items()}
    name = min(tried, key=lambda one: _length(np.vstack([every[one], points[tried[one]]])))
    return name, tried[name]


def _length(points: Floats) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def walking_order(places: ArrayLike, start: tuple[float, float]) -> list[int]:
    """In which order to walk to `places` [K, 2] from `start`: to the nearest next one, then uncrossed (2-opt), not back."""
    points = np.vstack([np.asarray(start, float), np.asarray(places, float).reshape(-1, 2)])
    away = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
    left, order = set(range(1, len(points))), [0]
    while left:
        order.append(min(left, key=lambda one: (away[order[-1], one], one)))
        left.remove(order[-1])
    while _uncrossed(order, away):
        pass
    return [one - 1 for one in order[1:]]


def _uncrossed(order: list[int], away: Floats) -> bool:
    """Turn one stretch round that is shorter so; False where none is."""
    for i in range(1, len(order) - 1):
        for j in range(i + 1, len(order)):
            after = order[j + 1] if j + 1 < len(order) else None
            now = away[order[i - 1], order[i]] + (away[order[j], after] if after is not None else 0.0)
            turned = away[order[i - 1], order[j]] + (away[order[i], after] if after is not None else 0.0)
            if turned < now - 1e-9:
                order[i : j + 1] = order[i : j + 1][::-1]
                return True
    return False


def joined(steps: Sequence[float], most: int) -> list[list[int]]:
    """Places of a walk in their order, put together to at most `most` stops: those nearest to each other are joined.

    `steps` are the metres from each place to the next, one fewer than there are places.
    """
    groups = [[number] for number in range(len(steps) + 1)]
    gaps = list(steps)
    while len(groups) > max(1, most):
        nearest = min(range(len(gaps)), key=lambda number: gaps[number])
        groups[nearest : nearest + 2] = [groups[nearest] + groups[nearest + 1]]
        del gaps[nearest]
    return groups
