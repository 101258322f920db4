"""A raster of ground that says which view each of its cells belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fieldbox.georef.lattice import Lattice

Array = NDArray[np.float64]

_PAINT_FROM = 0.24
"""Just under 1/4, the bilinear weight of a cell at its own corner: so masks leave no holes."""


@dataclass(frozen=True, eq=False)
class Owners:
    """For every cell of a lattice the view that it belongs to."""

    lattice: Lattice
    owner: NDArray[np.int32]
    """[rows, columns] index of the view, -1 where no photo looks."""

    @cached_property
    def _extents(self) -> NDArray[np.int64]:
        """[views, 4] first and last row, first and last column of each view's cells."""
        rows, columns = np.nonzero(self.owner >= 0)
        view = self.owner[rows, columns]
        extents = np.zeros((int(self.owner.max(initial=-1)) + 1, 4), np.int64)
        extents[:, 0::2] = max(self.owner.shape)
        for place, values in ((0, rows), (2, columns)):
            np.minimum.at(extents[:, place], view, values)
            np.maximum.at(extents[:, place + 1], view, values)
        return extents

    def owned_bounds(self, view_index: int) -> tuple[float, float, float, float]:
        """West, south, east, north of the ground that a view owns, with a rim of half a cell."""
        top, bottom, left, right = self._extents[view_index].tolist()
        cell = self.lattice.cell_m
        return (
            self.lattice.west + (left - 0.5) * cell,
            self.lattice.north - (bottom + 1.5) * cell,
            self.lattice.west + (right + 1.5) * cell,
            self.lattice.north - (top - 0.5) * cell,
        )

    def owner_of(self, en: ArrayLike) -> NDArray[np.int32]:
        """[N] index of the view that owns each ground point [N, 2], or -1."""
        row, column, inside = self.lattice.cells(en)
        if not self.owner.size:
            return np.full(len(row), -1, np.int32)
        return np.where(inside, self.owner[row, column], np.int32(-1)).astype(np.int32)

    def distance_to_owned(self, view_index: int, en: ArrayLike, limit_m: float) -> Array:
        """[N] metres from ground points [N, 2] to the ground a view owns, infinite past `limit_m`."""
        points = np.asarray(en, float).reshape(-1, 2)
        cell, reach = self.lattice.cell_m, math.ceil(limit_m / self.lattice.cell_m)
        across = (points[:, 0] - self.lattice.west) / cell
        down = (self.lattice.north - points[:, 1]) / cell
        best = np.full(len(points), np.inf)
        for step_down in range(-reach, reach + 1):
            for step_across in range(-reach, reach + 1):
                near = points + np.array([step_across * cell, -step_down * cell])
                owned = self.owner_of(near) == view_index
                gap_x = _gap(across, np.floor(across) + step_across)
                gap_y = _gap(down, np.floor(down) + step_down)
                distance = np.where(owned, np.hypot(gap_x, gap_y) * cell, np.inf)
                best = np.minimum(best, distance)
        return np.where(best <= limit_m, best, np.inf)

    def owned_mask(
        self, view_index: int, west: float, north: float, cell_m: float, shape: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """uint8 (0 or 255) of `shape` (rows, columns): the ground to paint from a view, with smooth edges.

        The finer raster's top left corner is (west, north), its cells `cell_m`. The mask holds all the
        view owns and up to half a plan cell more, so that neighbouring patches overlap a little and
        leave no holes.
        """
        ratio = cell_m / self.lattice.cell_m
        first_column = (west - self.lattice.west) / self.lattice.cell_m
        first_row = (self.lattice.north - north) / self.lattice.cell_m
        top, left = math.floor(first_row) - 2, math.floor(first_column) - 2
        height, width = math.ceil(shape[0] * ratio) + 5, math.ceil(shape[1] * ratio) + 5
        local = np.zeros((height, width), np.float32)
        rows = slice(max(top, 0), max(min(top + height, self.lattice.rows), 0))
        columns = slice(max(left, 0), max(min(left + width, self.lattice.columns), 0))
        part = self.owner[rows, columns] == view_index
        local[rows.start - top :, columns.start - left :][: part.shape[0], : part.shape[1]] = part
        # Centre of a fine cell i in local coarse cells, whose centres are whole numbers for OpenCV.
        offset_x = first_column - left + 0.5 * ratio - 0.5
        offset_y = first_row - top + 0.5 * ratio - 0.5
        matrix = np.array([[ratio, 0.0, offset_x], [0.0, ratio, offset_y]])
        fine = cv2.warpAffine(
            local, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        return np.where(fine >= _PAINT_FROM, np.uint8(255), np.uint8(0))


def _gap(position: Array, cell: Array) -> Array:
    """Distance in cells from a position to the cell that starts at `cell` (0 inside)."""
    return np.maximum(np.maximum(cell - position, position - cell - 1.0), 0.0)
