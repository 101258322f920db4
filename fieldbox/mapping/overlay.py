"""Two maps of one field, laid on each other: what each of them saw in the cells of a common raster.

The maps may have other origins, other cells and other zones. The ground of each cell is cut into small squares, and each of
these is counted in the common cell that its middle falls into: what was seen and what stood there is shared out, none of it
is lost or invented. Weeds whose places are known are counted one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from fieldbox.domain import FieldMap, Shift, ShiftBasis
from fieldbox.mapping.geo import easting_northing, lon_lat

Floats = NDArray[np.float64]

CUTS = 10
"""Squares along the side of the smaller of both cells."""
SAME_M = 0.05
"""Weeds no farther apart at both dates, beyond the error of the shift, are the same plant."""
SMALL_WEED_M2 = 0.004
"""Where weeds are not measured one by one: a plant of 7 cm."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Dated:
    """A survey's map with what is known of its errors."""

    grid: FieldMap
    ring: Floats | None = None
    """[K, 2] the field's boundary in the map's zone: beyond it nothing counts; None: all of the map does."""
    weeds: Floats | None = None
    """[N, 2] places of its weeds in the map's zone; None: what the map's densities say."""
    weed_m2: float = SMALL_WEED_M2
    """Of a weed, mean weighted by area: what one plant more or less does to the cover."""
    count_error: float = 0.0
    """Of the model's counts, relative, as far as the whole field shares it."""
    cover_error: float = 0.0
    """Of its covers, likewise."""
    false_share: float = 0.0
    """Of what it calls weeds, that are none."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A raster in a zone, aligned to multiples of its cells."""

    epsg: int
    top: int
    left: int
    rows: int
    columns: int
    cell_m: float

    @property
    def west(self) -> float:
        """Of its left edge."""
        return self.left * self.cell_m

    @property
    def north(self) -> float:
        """Of its upper edge."""
        return -self.top * self.cell_m

    def numbers(self, en: Floats) -> NDArray[np.int64]:
        """[N] number of the cell of each point [N, 2]; -1 outside."""
        column = np.floor(en[:, 0] / self.cell_m).astype(np.int64) - self.left
        row = np.floor(-en[:, 1] / self.cell_m).astype(np.int64) - self.top
        inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(inside, row * self.columns + column, -1)

    def middles(self) -> tuple[Floats, Floats]:
        """East and north of the cells' middles, [rows, columns] each."""
        east = self.west + (np.arange(self.columns) + 0.5) * self.cell_m
        north = self.north - (np.arange(self.rows) + 0.5) * self.cell_m
        return np.broadcast_to(east, (self.rows, self.columns)), np.broadcast_to(
            north[:, None], (self.rows, self.columns)
        )


@dataclass(frozen=True, eq=False, slots=True)
class Tally:
    """What one map has in the cells of a frame, [rows, columns] each."""

    seen_m2: Floats
    weed_m2: Floats
    """Of ground that weeds cover."""
    weeds: Floats
    """NaN everywhere: not counted."""

    @property
    def counted(self) -> bool:
        """Whether weeds were counted."""
        return bool(np.isfinite(self.weeds).any())


def move(points: ArrayLike, epsg: int, target: int, shift: Shift | None) -> Floats:
    """Places [N, 2] of the earlier map at those of the later one: first to its zone, then by the shift."""
    places = np.asarray(points, float).reshape(-1, 2)
    if epsg != target and len(places):
        places = easting_northing(target, lon_lat(epsg, places))
    if shift is None:
        return places
    turn, pivot = math.radians(shift.turn_deg), np.array(shift.pivot)
    matrix = shift.scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return np.asarray((places - pivot) @ matrix.T + pivot + (shift.east_m, shift.north_m))


def frame_of(before: FieldMap, after: FieldMap, shift: Shift, cell_m: float) -> Frame | None:
    """The cells that both maps may show, in the later one's zone; None: there are none."""
    low, high = _bounds(after)
    one, other = (
        np.array([[low[0], low[1]], [high[0], high[1]]]),
        move(_corners(before), before.epsg, after.epsg, shift),
    )
    (west, south), (east, north) = (
        np.maximum(one[0], other.min(axis=0)),
        np.minimum(one[1], other.max(axis=0)),
    )
    left, top = math.floor(west / cell_m + 1e-9), math.floor(-north / cell_m + 1e-9)
    columns, rows = math.ceil(east / cell_m - 1e-9) - left, math.ceil(-south / cell_m - 1e-9) - top
    if rows <= 0 or columns <= 0:
        return None
    return Frame(after.epsg, top, left, rows, columns, cell_m)


def tally(one: Dated, frame: Frame, shift: Shift | None = None, places: Floats | None = None) -> Tally:
    """What a map has in the cells of a frame; the earlier one is moved by the shift.

    `places` are those of its weeds in the frame's zone, None: what its densities say is shared out.
    """
    grid, size = one.grid, frame.rows * frame.columns
    row, column = np.nonzero((grid.seen > 0) & np.isfinite(grid.weed_cover))
    corners = np.column_stack([grid.west + column * grid.cell_m, grid.north - row * grid.cell_m])
    seen = grid.seen[row, column].astype(float)
    cover = seen * grid.weed_cover[row, column]
    density = grid.weed_density[row, column].astype(float)
    counted = bool(np.isfinite(grid.weed_density).any())
    standing = np.where(np.isfinite(density), seen * density, 0.0)
    cuts = max(4, math.ceil(CUTS * grid.cell_m / min(grid.cell_m, frame.cell_m)))
    piece = (grid.cell_m / cuts) ** 2
    # Ground is measured as the later map measures it; as many weeds stand on it.
    larger = np.array([1.0, 1.0, 0.0]) * ((shift.scale if shift else 1.0) ** 2 - 1) + 1
    inside = _Inside.of(one.ring, corners, grid.cell_m)
    sums = np.zeros((3, size))
    for step in range(cuts * cuts):
        right, down = (step % cuts + 0.5) / cuts, (step // cuts + 0.5) / cuts
        points = corners + np.array([right, -down]) * grid.cell_m
        number = frame.numbers(move(points, grid.epsg, frame.epsg, shift))
        kept = (number >= 0) & inside.at(points)
        for layer, values in enumerate((seen, cover, standing)):
            sums[layer] += np.bincount(number[kept], values[kept] * piece * larger[layer], size)
    shape = (frame.rows, frame.columns)
    seen_m2, weed_m2, weeds = (total.reshape(shape) for total in sums)
    if places is not None:
        weeds = counts(places, frame)
    elif not counted:
        weeds = np.full(shape, np.nan)
    return Tally(seen_m2, weed_m2, weeds)


def standing(before: Dated, after: Dated, shift: Shift) -> Standing | None:
    """The weeds of both surveys at their places in the later map; None: one of them does not have them one by one."""
    if before.weeds is None or after.weeds is None:
        return None
    epsg = after.grid.epsg
    one, other = move(_within(before), before.grid.epsg, epsg, shift), _within(after)
    if shift.basis is ShiftBasis.STATED or not len(one) or not len(other):
        return Standing(one, other, np.zeros((0, 2)))
    within = SAME_M + shift.error_m
    away, nearest = cKDTree(other).query(one, distance_upper_bound=within)
    own = np.flatnonzero(np.isfinite(away))
    _away, back = cKDTree(one).query(other[nearest[own]]) if len(own) else (None, own)
    own = own[back == own]
    # One plant stands in one cell, whichever survey puts it a finger's breadth beyond the edge.
    one[own] = other[nearest[own]]
    return Standing(one, other, one[own])


def _within(one: Dated) -> Floats:
    """[N, 2] its weeds that stand in the field, in its own zone."""
    places = np.zeros((0, 2)) if one.weeds is None else one.weeds
    if one.ring is None or not len(places):
        return places.copy()
    inside = shapely.contains_xy(shapely.Polygon(one.ring).buffer(0), places[:, 0], places[:, 1])
    return np.asarray(places[inside])


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """Weeds one by one, [N, 2] places in the later map."""

    before: Floats
    after: Floats
    again: Floats
    """Those that both surveys found: the same plant, as far as can be told."""


def counts(places: Floats, frame: Frame) -> Floats:
    """How many of places [N, 2] are in each cell, [rows, columns]."""
    number = frame.numbers(places)
    found = np.bincount(number[number >= 0], minlength=frame.rows * frame.columns)
    return found.astype(float).reshape(frame.rows, frame.columns)


@dataclass(frozen=True, eq=False, slots=True)
class _Inside:
    """Which points count: only cells on the boundary have to be asked point by point."""

    whole: NDArray[np.bool_]
    edge: NDArray[np.bool_]
    field: shapely.Geometry | None

    @classmethod
    def of(cls, ring: Floats | None, corners: Floats, cell_m: float) -> _Inside:
        """Of cells with these upper left corners."""
        if ring is None:
            every = np.ones(len(corners), bool)
            return cls(every, ~every, None)
        field = shapely.Polygon(ring).buffer(0)
        shapely.prepare(field)
        west, north = corners[:, 0], corners[:, 1]
        cells = shapely.box(west, north - cell_m, west + cell_m, north)
        whole = np.asarray(shapely.covers(field, cells))
        return cls(whole, np.asarray(shapely.intersects(field, cells)) & ~whole, field)

    def at(self, points: Floats) -> NDArray[np.bool_]:
        """Of one point in each of these cells."""
        if self.field is None:
            return self.whole
        kept = self.whole.copy()
        asked = points[self.edge]
        kept[self.edge] = shapely.contains_xy(self.field, asked[:, 0], asked[:, 1])
        return kept


def _bounds(grid: FieldMap) -> tuple[Floats, Floats]:
    corners = _corners(grid)
    return corners.min(axis=0), corners.max(axis=0)


def _corners(grid: FieldMap) -> Floats:
    rows, columns = grid.seen.shape
    east, south = grid.west + columns * grid.cell_m, grid.north - rows * grid.cell_m
    return np.array([[grid.west, grid.north], [east, grid.north], [east, south], [grid.west, south]])
