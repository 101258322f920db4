"""The raster of ground cells, and how each photo sees them, from its pose alone.

A photo's *radius* for a cell says how far from its best place the cell is seen, in half short sides of
the photo: the root mean square of the distance from the nadir and of the distance from the principal
point, the same for a photo that looks straight down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]

CELLS_A_SIDE = 48
MAX_CELLS = 20_000_000
MAX_VIEW_DEG = 60.0
RIM_M = 1.0
IN_MARGIN = np.float32(1000.0)
"""Added to the radius of cells closer than the margin to the photo's edge, twice if closer than half of it,
three times if the cell's centre lies outside by up to half a cell."""
UNSEEN = np.float32(np.inf)
_FAR_PX = 32767


class Seen(NamedTuple):
    """How a photo sees the cells from (row, column) on."""

    row: int
    column: int
    radius: NDArray[np.float32]
    """[h, w], infinite where unseen."""
    pixels: NDArray[np.int16]
    """[2, h, w] pixel across and down the image, from the principal point; only where seen."""

    @property
    def place(self) -> tuple[slice, slice]:
        """Where in the raster these cells are."""
        rows, columns = self.radius.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def without_margin(radius: NDArray[np.float32]) -> NDArray[np.float32]:
    """The bare radius, without what is added in the margin; infinite where unseen."""
    steps = np.floor(np.minimum(radius, 3 * IN_MARGIN) / IN_MARGIN)
    return np.asarray(radius - IN_MARGIN * steps, np.float32)


@dataclass(frozen=True, slots=True)
class Lattice:
    """A raster of square cells on the ground, row 0 in the north, aligned to multiples of `cell_m`."""

    west: float
    north: float
    cell_m: float
    rows: int
    columns: int

    def cells(self, en: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Row, column (clipped) and whether it lies in the raster, of ground points [N, 2]."""
        points = np.asarray(en, float).reshape(-1, 2)
        finite = np.isfinite(points).all(axis=1)
        points = np.where(finite[:, None], points, 0.0)
        column = np.floor((points[:, 0] - self.west) / self.cell_m)
        row = np.floor((self.north - points[:, 1]) / self.cell_m)
        inside = finite & (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64), inside

    def corners(self, rows: ArrayLike, columns: ArrayLike) -> Array:
        """[4 N, 2] ground corners of cells."""
        row, column = np.asarray(rows, float), np.asarray(columns, float)
        west, north = self.west + column * self.cell_m, self.north - row * self.cell_m
        points = [(west + a * self.cell_m, north - b * self.cell_m) for a in (0, 1) for b in (0, 1)]
        return np.concatenate([np.column_stack(point) for point in points])


def lattice_of(photos: Sequence[PhotoGeometry], field: shapely.Geometry | None) -> Lattice:
    rings = [ring for ring in (photo.footprint() for photo in photos) if len(ring)]
    if not rings:
        return Lattice(0.0, 0.0, 1.0, 0, 0)
    points = np.concatenate(rings)
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    if field is not None:
        low_x, low_y, high_x, high_y = field.buffer(RIM_M).bounds
        west, south, east, north = max(west, low_x), max(south, low_y), min(east, high_x), min(north, high_y)
    sides = [photo.gsd_m * min(photo.camera.width, photo.camera.height) for photo in photos]
    finite = [side for side in sides if math.isfinite(side)]
    cell = float(np.median(finite)) / CELLS_A_SIDE if finite else 1.0
    # Rounded up to a whole millimetre: multiples of it stay exact enough to be compared.
    cell = (
        math.ceil(max(cell, math.sqrt(max((east - west) * (north - south), 0.0) / MAX_CELLS)) * 1000) / 1000
    )
    first_column, first_row = math.floor(west / cell), math.ceil(north / cell)
    columns = max(math.ceil(east / cell) - first_column, 0)
    rows = max(first_row - math.floor(south / cell), 0)
    if not (rows and columns):
        rows = columns = 0
    return Lattice(first_column * cell, first_row * cell, cell, rows, columns)


def filled(lattice: Lattice, shape: shapely.Geometry) -> NDArray[np.bool_]:
    """[rows, columns] cells that a polygon covers or touches."""
    mask = np.zeros((lattice.rows, lattice.columns), np.uint8)
    for polygon in getattr(shape, "geoms", [shape]):
        rings = [polygon.exterior, *polygon.interiors]
        pixels = [
            (np.asarray(ring.coords) - (lattice.west, lattice.north)) / (lattice.cell_m, -lattice.cell_m)
            - 0.5
            for ring in rings
            if not ring.is_empty
        ]
        if pixels:
            fixed = [np.clip(np.round(ring * 16), -(2**30), 2**30).astype(np.int32) for ring in pixels]
            cv2.fillPoly(mask, fixed, (1,), shift=4)
    return mask.astype(bool)


def allowed_cells(lattice: Lattice, field: shapely.Geometry | None) -> NDArray[np.bool_] | None:
    return None if field is None else filled(lattice, field.buffer(RIM_M))


def look(photo: PhotoGeometry, lattice: Lattice, allowed: NDArray[np.bool_] | None, margin_px: int) -> Seen:
    """A photo's radius for the cells around its footprint."""
    rows, columns = _window_of(photo.footprint(), lattice)
    east = lattice.west - photo.centre[0] + (np.arange(columns.start, columns.stop) + 0.5) * lattice.cell_m
    north = lattice.north - photo.centre[1] - (np.arange(rows.start, rows.stop) + 0.5) * lattice.cell_m
    radius, pixels = _radius(photo, east / photo.metres_on_grid, north / photo.metres_on_grid, margin_px)
    if allowed is not None:
        radius[~allowed[rows, columns]] = UNSEEN
    return Seen(rows.start, columns.start, radius, pixels)


def _window_of(ring: Array, lattice: Lattice) -> tuple[slice, slice]:
    if not len(ring):
        return slice(0, 0), slice(0, 0)
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    cell = lattice.cell_m
    left, right = math.floor((west - lattice.west) / cell), math.ceil((east - lattice.west) / cell)
    top, bottom = math.floor((lattice.north - north) / cell), math.ceil((lattice.north - south) / cell)
    rows = slice(min(max(top, 0), lattice.rows), min(max(bottom, 0), lattice.rows))
    return rows, slice(min(max(left, 0), lattice.columns), min(max(right, 0), lattice.columns))


def _radius(
    photo: PhotoGeometry, east: Array, north: Array, margin_px: int
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """`Seen.radius` and `Seen.pixels` for ground offsets in metres from the point below the camera."""
    camera, height = photo.camera, photo.pose.height_m
    tan_e = (east / height).astype(np.float32)
    tan_n = (north / height).astype(np.float32)
    axes = photo.axes.astype(np.float32)
    depth = (axes[0, 2] * tan_n + axes[2, 2])[:, None] + axes[1, 2] * tan_e
    ahead = depth > 1e-3
    depth = np.where(ahead, depth, np.float32(1.0))
    x = ((axes[0, 0] * tan_n + axes[2, 0])[:, None] + axes[1, 0] * tan_e) / depth
    y = ((axes[0, 1] * tan_n + axes[2, 1])[:, None] + axes[1, 1] * tan_e) / depth
    from_axis = x * x + y * y
    from_nadir = (tan_n * tan_n)[:, None] + tan_e * tan_e
    ahead &= from_nadir < math.tan(math.radians(MAX_VIEW_DEG)) ** 2
    if photo.distorted:
        ahead &= from_axis < photo.max_radius**2
        x, y = _distorted(x, y, from_axis, photo)
    # Pixels from the nearest edge of the image (pixel edges), positive inside.
    left, top = (camera.cx + 0.5) / camera.focal_px, (camera.cy + 0.5) / camera.focal_px
    right, bottom = camera.width / camera.focal_px - left, camera.height / camera.focal_px - top
    inside = np.minimum(np.minimum(x + left, right - x), np.minimum(y + top, bottom - y)) * camera.focal_px
    half_side = min(camera.width, camera.height) / 2 / camera.focal_px
    radius = np.sqrt((from_axis + from_nadir) / 2) / half_side
    for depth in (margin_px, margin_px / 2, 0):
        radius += IN_MARGIN * (inside < depth)
    touched = -half_side * camera.focal_px / CELLS_A_SIDE
    pixels = (np.stack([x, y]) * camera.focal_px).clip(-_FAR_PX, _FAR_PX).astype(np.int16)
    return np.where(ahead & (inside >= touched), radius, UNSEEN).astype(np.float32), pixels


def _distorted(
    x: NDArray[np.float32], y: NDArray[np.float32], r2: NDArray[np.float32], photo: PhotoGeometry
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    k1, k2, p1, p2, k3 = photo.camera.distortion
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    across = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    down = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return across.astype(np.float32), down.astype(np.float32)
