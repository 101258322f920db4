"""A prescription as cells: what each gets of the mixture.

A cell gets the rate of the ground that its centre lies on. What small cells and small pieces then lack or have too much is
evened out at the edge: the cells whose centres are nearest to it are added or taken away until the area of each rate is right
to half a cell. Every piece keeps at least the cell of a place inside it.

The cells are no wider than

    a quarter of the sprayer's swath and of its shortest stretch
    a quarter of the side of a square as large as the smallest piece
    what makes half a cell 0.05 % of the ground of each rate
    1 m

unless there would be more of them than a file may have; then they are as small as that allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine
from scipy import ndimage

from fieldbox.domain import Patch, Prescription, Treated
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.mapping.geo import easting_northing, lon_lat, utm_zone
from fieldbox.mapping.patches import area_m2, mended, on_plane, plane_of, polygon

WIDEST_M = 1.0
FINEST_M = 0.01
_OFF_SHARE = 5e-4
"""Of the ground of a rate, that half a cell may be."""
_RATES = 254
_ROUNDS = 4
_ALL_AROUND = np.ones((3, 3), np.bool_)
_WGS84 = 4326


@dataclass(frozen=True, slots=True)
class Lattice:
    """Cells over a field; row 0 lies in the north."""

    epsg: int
    west: float
    north: float
    step_east: float
    step_north: float
    """Sides of a cell, in the units of `epsg`."""
    columns: int
    rows: int
    cell_m2: float
    """Of the ground: geodesic, mean over the cells."""

    @property
    def transform(self) -> Affine:
        """From columns and rows to the coordinates of `epsg`."""
        return Affine(self.step_east, 0.0, self.west, 0.0, -self.step_north, self.north)

    def inside(self, patch: Patch) -> shapely.Polygon:
        """A patch in columns and rows, counted from the north-western corner."""

        def placed(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
            points = degrees if self.epsg == _WGS84 else easting_northing(self.epsg, degrees)
            away = points - (self.west, self.north)
            return np.asarray(away / (self.step_east, -self.step_north))

        return shapely.transform(polygon(patch), placed)


_HALF_ROUND = 180.0


@dataclass(frozen=True, eq=False, slots=True)
class RateCells:
    """What the cells of a lattice get."""

    lattice: Lattice
    codes: NDArray[np.uint8]
    """[rows, columns]: 0 is off, n the n-th of `rates`."""
    rates: tuple[float, ...]
    """L/ha of the mixture, rising."""
    field: NDArray[np.bool_]
    """[rows, columns]: the centre lies in the field."""

    @property
    def litres(self) -> float:
        """Of the mixture, on all cells."""
        counts = np.bincount(self.codes.ravel(), minlength=len(self.rates) + 1)[1:]
        return float(counts @ np.array(self.rates, float)) * self.lattice.cell_m2 / 1e4

    def l_ha(self, outside: float) -> NDArray[np.float32]:
        """[rows, columns] rates, and `outside` beyond the field."""
        values = np.array([0.0, *self.rates], np.float32)[self.codes]
        values[~self.field & (self.codes == 0)] = outside
        return values


def metric_cells(prescription: Prescription, boundary: Patch, most: int) -> RateCells:
    """Square cells in the field's UTM zone, at most about `most` of them. Raises Rejected for too many different rates."""
    west, south, east, north = _extent(prescription, boundary).bounds
    epsg = utm_zone((west + east) / 2, (south + north) / 2)
    corners = easting_northing(epsg, [(west, south), (west, north), (east, south), (east, north)])
    side = _cell_m(prescription, boundary, most)
    low, high = np.floor(corners.min(0) / side) - 1, np.ceil(corners.max(0) / side) + 1
    columns, rows = (high - low).astype(int).tolist()
    return _rated(
        _lattice(epsg, (low[0] * side, high[1] * side), (side, side), (columns, rows)), prescription, boundary
    )


def degree_cells(prescription: Prescription, boundary: Patch, most: int) -> RateCells:
    """Cells in longitude and latitude that are as good as square on the ground, at most about `most` of them.

    Raises Rejected for too many different rates.
    """
    extent = _extent(prescription, boundary)
    west, south, east, north = extent.bounds
    side = _cell_m(prescription, boundary, most)
    ground = plane_of(extent).to_ground(
        [(west, (south + north) / 2), (east, (south + north) / 2), (west, south), (west, north)]
    )
    wide, high = ground[1, 0] - ground[0, 0], ground[3, 1] - ground[2, 1]
    step_east, step_north = (east - west) / wide * side, (north - south) / high * side
    columns, rows = math.ceil(wide / side) + 2, math.ceil(high / side) + 2
    corner = (west - step_east, north + step_north)
    return _rated(_lattice(_WGS84, corner, (step_east, step_north), (columns, rows)), prescription, boundary)


def _extent(prescription: Prescription, boundary: Patch) -> shapely.Polygon:
    """The box, in degrees, around a field and all that is treated. Raises Rejected where it goes round the globe."""
    patches = [boundary, *(one.zone.patch for one in prescription.treated)]
    west, _south, east, _north = shapely.total_bounds([polygon(one) for one in patches])
    if east - west > _HALF_ROUND:
        raise Rejected(
            N_("A field across the 180th meridian cannot be written as cells: choose another format.")
        )
    return shapely.box(*shapely.total_bounds([polygon(one) for one in patches]))


def _cell_m(prescription: Prescription, boundary: Patch, most: int) -> float:
    """In hundredths of a metre where that is fine enough."""
    spraying, pieces = prescription.spraying, [one for one in prescription.treated if one.rate_l_ha > 0]
    wanted = min(WIDEST_M, spraying.swath_m / 4, spraying.step_m / 4)
    if pieces:
        wanted = min(wanted, math.sqrt(min(one.zone.area_m2 for one in pieces)) / 4)
        least = min(
            sum(one.zone.area_m2 for one in pieces if one.rate_l_ha == rate) for rate in _rates(pieces)
        )
        wanted = min(wanted, math.sqrt(2 * _OFF_SHARE * least))
    extent = _extent(prescription, boundary)
    west, south, east, north = on_plane(plane_of(extent), extent).bounds
    bound = math.sqrt((east - west) * (north - south) / most)
    return max(math.floor(100 * wanted) / 100, math.ceil(100 * bound) / 100, FINEST_M)


def _lattice(
    epsg: int, corner: tuple[float, float], steps: tuple[float, float], counts: tuple[int, int]
) -> Lattice:
    (west, north), (east_step, north_step), (columns, rows) = corner, steps, counts
    east, south = west + columns * east_step, north - rows * north_step
    corners = np.array([(west, south), (east, south), (east, north), (west, north)])
    outline = shapely.Polygon(corners if epsg == _WGS84 else lon_lat(epsg, corners))
    cell_m2 = area_m2(outline) / (columns * rows)
    return Lattice(
        epsg, float(west), float(north), float(east_step), float(north_step), columns, rows, cell_m2
    )


def _rates(pieces: list[Treated]) -> tuple[float, ...]:
    rates = tuple(sorted({one.rate_l_ha for one in pieces if one.rate_l_ha > 0}))
    if len(rates) > _RATES:
        raise Rejected(N_("Cells cannot hold more than {most} different rates."), most=_RATES)
    return rates


def _rated(lattice: Lattice, prescription: Prescription, boundary: Patch) -> RateCells:
    rates = _rates(list(prescription.treated))
    codes = np.zeros((lattice.rows, lattice.columns), np.uint8)
    grounds, kept = [], []
    for code, rate in enumerate(rates, start=1):
        pieces = [lattice.inside(one.zone.patch) for one in prescription.treated if one.rate_l_ha == rate]
        codes[_centred(pieces, codes.shape)] = code
        within = np.array([one.representative_point().coords[0] for one in pieces])
        column, row = np.floor(within).astype(np.intp).T
        codes[row, column] = code
        grounds.append(shapely.union_all(mended(pieces)))
        kept.append((row, column))
    # Only now: ground of one rate may lie beside that of another.
    for code, (ground, cells) in enumerate(zip(grounds, kept, strict=True), start=1):
        _even(codes, code, ground, cells)
    return RateCells(lattice, codes, rates, _centred([lattice.inside(boundary)], codes.shape))


def _centred(shapes: list[shapely.Polygon], size: tuple[int, int]) -> NDArray[np.bool_]:
    """[rows, columns] whether the centre of each cell lies in one of the shapes."""
    told = ((one, 1) for one in shapes)
    return np.asarray(rasterio.features.rasterize(told, size, dtype="uint8") != 0)


def _even(
    codes: NDArray[np.uint8],
    code: int,
    ground: shapely.Geometry,
    kept: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> None:
    """Add or take cells at the edge, in place, until there are as many as the ground has room for."""
    edges = _edges(ground)
    for _round in range(_ROUNDS):
        here = codes == code
        lacking = round(ground.area - np.count_nonzero(here))
        if not lacking:
            return
        if lacking > 0:
            there = ndimage.binary_dilation(here, _ALL_AROUND) & (codes == 0)
        else:
            # Not from where another rate goes on: that would leave a gap between them.
            there = here & ndimage.binary_dilation(codes == 0, _ALL_AROUND)
            there[kept] = False
        row, column = np.nonzero(there)
        if not len(row):
            return
        centres = shapely.points(column + 0.5, row + 0.5)
        _pairs, away = edges.query_nearest(centres, all_matches=False, return_distance=True)
        nearest = np.argsort(away, kind="stable")[: abs(lacking)]
        codes[row[nearest], column[nearest]] = code if lacking > 0 else 0


def _edges(ground: shapely.Geometry) -> shapely.STRtree:
    """Each side of each ring by itself."""
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(ground))]
    return shapely.STRtree(
        shapely.linestrings(np.concatenate([np.stack([one[:-1], one[1:]], 1) for one in rings]))
    )
