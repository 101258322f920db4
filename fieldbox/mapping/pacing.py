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
from scipy.cluster.hierarchy import fcluster, linkage

from fieldbox.domain import FromCorner, InRows, Side
from fieldbox.mapping.rows import ByRow, Rows

PACE_M = 0.75
"""Of a grown person on soft ground, as sheets state it."""
LEAST_PLANTS = 4
"""Fewer plants than these are no row to count: a stray weed beside the field looks like one."""
_STEP_M = 1.5
"""That the way along a row is straight for."""
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


def find(ground: Ground, grounds: Sequence[ArrayLike]) -> list[InRows | FromCorner]:
    """How to walk to each of some pieces of ground: [K, 2] a place inside, then some along its outline."""
    points = [np.asarray(one, float).reshape(-1, 2) for one in grounds]
    counted = _Counted.of(ground)
    by_rows = counted.grounds(points) if counted else [None] * len(points)
    return [told or _from_corner(ground, piece[0]) for told, piece in zip(by_rows, points, strict=True)]


def side(east: float, north: float, convergence_deg: float = 0.0) -> Side:
    """The eighth of the compass in which a step on the grid points."""
    return list(Side)[round(_bearing(east, north, convergence_deg) / 45) % 8]


def _towards(step: Floats, convergence_deg: float) -> Side:
    return side(float(step[0]), float(step[1]), convergence_deg)


def _bearing(east: float, north: float, convergence_deg: float) -> float:
    return (math.degrees(math.atan2(east, north)) + convergence_deg) % 360


def paces(metres: float) -> int:
    """So many steps."""
    return round(float(metres) / PACE_M)


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
        every = {
            number: _Plot.of(ground.plants, found, number)
            for number in np.unique(found.plot[found.plot >= 0]).tolist()
        }
        return cls(ground, rows, {number: plot for number, plot in every.items() if plot})

    def grounds(self, pieces: Sequence[Floats]) -> list[InRows | None]:
        """None for a piece whose place is outside all rows that can be counted."""
        if not pieces:
            return []
        here = self.rows.at(np.concatenate(pieces))
        ends = np.cumsum([len(one) for one in pieces])
        whose = np.repeat(np.arange(len(pieces)), [len(one) for one in pieces])
        plot = here.plot[ends - [len(one) for one in pieces]][whose]
        mine = (here.plot == plot) & np.isin(plot, list(self.by_plot))
        points, along = np.concatenate(pieces)[mine], here.along[mine]
        walked = self._walk(np.tile(points, (2, 1)), np.concatenate([along, -along]))
        both = [
            _Walk(walked.metres[half], walked.ends[half])
            for half in (slice(None, len(points)), slice(len(points), None))
        ]
        told = _Told(here.row[mine], along, plot[mine], whose[mine])
        return [self._piece(told, both, np.flatnonzero(told.piece == one)) for one in range(len(pieces))]

    def _piece(self, told: _Told, both: Sequence[_Walk], members: NDArray[np.intp]) -> InRows | None:
        if not len(members):
            return None
        plot, turn = self.by_plot[int(told.plot[members[0]])], self.ground.convergence_deg
        near, far = sorted(both, key=lambda one: float(one.metres[members[0]]))
        rows = np.clip(told.row[members], plot.first, plot.last)
        low = rows[0] - plot.first <= plot.last - rows[0]
        numbers = rows - plot.first + 1 if low else plot.last - rows + 1
        away = near.metres[members]
        return InRows(
            rows=(int(numbers.min()), int(numbers.max())),
            edge=_beside(plot.to_first if low else -plot.to_first, told.along[members[0]], turn),
            paces=(paces(away.min()), paces(away.max())),
            end=_towards(near.ends[members[0]] - far.ends[members[0]], turn),
        )

    def _walk(self, points: Floats, along: Floats) -> _Walk:
        """Along the rows, to the edge of the field: N places at once, each in a direction of its own."""
        boundary = self.ground.boundary
        shapely.prepare(boundary)
        start = self.rows.at(points)
        places, ahead, metres = points.copy(), along.copy(), np.zeros(len(points))
        going = np.flatnonzero(shapely.contains_xy(boundary, places[:, 0], places[:, 1]))
        for _step in range(int(_MOST_M / _STEP_M)):
            if not len(going):
                break
            share = _until_edge(boundary, places[going], places[going] + _STEP_M * ahead[going])
            metres[going] += share * _STEP_M
            places[going] += (share * _STEP_M)[:, None] * ahead[going]
            going = going[share >= 1]
            there = self.rows.at(places[going])
            same = (there.plot == start.plot[going])[:, None]
            # The step was straight: back beside the same row, as far from it as at the start.
            off = (there.row - start.row[going]) * there.spacing_m + there.aside_m - start.aside_m[going]
            across = np.column_stack([there.along[:, 1], -there.along[:, 0]])
            places[going] -= np.where(same & (np.abs(off)[:, None] < _STEP_M), off[:, None] * across, 0.0)
            turned = np.sign(np.einsum("nd,nd->n", there.along, ahead[going]))[:, None] * there.along
            ahead[going] = np.where(same, turned, ahead[going])
        return _Walk(metres, places)


@dataclass(frozen=True, eq=False, slots=True)
class _Told:
    """M places by their rows, and of which piece of ground each is."""

    row: NDArray[np.int64]
    along: Floats
    plot: NDArray[np.int64]
    piece: NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class _Walk:
    metres: Floats
    """[N]"""
    ends: Floats
    """[N, 2]"""


def _until_edge(boundary: shapely.Polygon, inside: Floats, tried: Floats) -> Floats:
    """[N] share of a step that stays in the field: 1 where all of it does."""
    low, high = np.zeros(len(inside)), np.ones(len(inside))
    stays = np.asarray(shapely.contains_xy(boundary, tried[:, 0], tried[:, 1]))
    for _round in range(5):
        middle = (low + high) / 2
        at = inside + middle[:, None] * (tried - inside)
        within = shapely.contains_xy(boundary, at[:, 0], at[:, 1])
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return np.where(stays, 1.0, low)


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
    return _towards(across, convergence_deg)


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


def start_of(ground: Ground, places: ArrayLike) -> tuple[Side, tuple[float, float]]:
    """The corner from which `places` [K, 2] are nearest on the whole, and where it is."""
    points = np.asarray(places, float).reshape(-1, 2)
    every = corners(ground.boundary, ground.convergence_deg)
    name = min(every, key=lambda one: float(np.hypot(*(points - every[one]).T).sum()))
    return name, every[name]


def gathered(places: ArrayLike, most: int) -> list[list[int]]:
    """Groups of `places` [K, 2] that lie beside each other, at most `most`; of each the one in its middle first.

    Complete linkage: no group is wider than it need be.
    """
    points = np.asarray(places, float).reshape(-1, 2)
    if len(points) <= most:
        return [[number] for number in range(len(points))]
    label = fcluster(linkage(points, "complete"), most, "maxclust")
    groups = [np.flatnonzero(label == one) for one in np.unique(label)]
    return [_from_its_middle(points, one) for one in groups]


def _from_its_middle(points: Floats, group: NDArray[np.intp]) -> list[int]:
    away = np.hypot(*(points[group] - points[group].mean(axis=0)).T)
    return [int(one) for one in group[np.argsort(away, kind="stable")]]
