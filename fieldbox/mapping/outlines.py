"""From numbered cells to polygons that meet without a gap and without overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

STEPS = 1.2
"""Corners whose triangle with their neighbours is smaller than the square of so many cells are cut: the steps of a slanting edge
(Visvalingam and Whyatt 1993, The Cartographic Journal 30, 46-51)."""
CLOSE_M = 1e-6
STRAIGHT_M = 1e-3


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a raster of cells lies, north up, row 0 in the north. Metres."""

    west: float
    north: float
    cell_m: float
    shape: tuple[int, ...]

    def padded(self, cells: int) -> Frame:
        """With so many more cells on each side."""
        rows, columns = self.shape
        off = cells * self.cell_m
        return Frame(self.west - off, self.north + off, self.cell_m, (rows + 2 * cells, columns + 2 * cells))

    def inside(self, shape: shapely.Geometry) -> NDArray[np.bool_]:
        """[rows, columns] cells whose middle lies in a shape."""
        rows, columns = self.shape
        shapely.prepare(shape)
        east = self.west + (np.arange(columns) + 0.5) * self.cell_m
        north = self.north - (np.arange(rows) + 0.5) * self.cell_m
        return np.asarray(shapely.contains_xy(shape, east[None, :], north[:, None]), np.bool_)


def outlines(
    label: NDArray[np.int32], frame: Frame, boundary: shapely.Polygon
) -> Iterator[tuple[int, shapely.Polygon]]:
    """The patches of cells with the numbers from 1 on, simplified together and cut along `boundary`.

    A patch that the boundary cuts in pieces comes as several; pieces of less than a cell become part of the neighbour that they
    have the longest edge in common with.
    """
    number, faces = _faces(label, frame)
    if not number:
        return
    plain = shapely.coverage_simplify(faces, STEPS * frame.cell_m, simplify_boundary=False)
    parts = [
        (one, piece)
        for one, shape in zip(number, plain, strict=True)
        for piece in _polygons(shape & boundary)
    ]
    least = frame.cell_m**2
    kept = [part for part in parts if part[1].area >= least]
    for _one, crumb in (part for part in parts if part[1].area < least):
        _give_away(crumb, kept)
    if not kept:
        return
    # Once more, for the cells' corners that are left on straight edges.
    clear = shapely.coverage_simplify([piece for _one, piece in kept], STRAIGHT_M)
    for (one, _piece), shape in zip(kept, clear, strict=True):
        yield one, shapely.geometry.polygon.orient(shape)


def _give_away(crumb: shapely.Polygon, kept: list[tuple[int, shapely.Polygon]]) -> None:
    shared = [crumb.buffer(CLOSE_M).intersection(piece.boundary).length for _one, piece in kept]
    best = int(np.argmax(shared)) if shared else -1
    if best >= 0 and shared[best] > 0:
        number, piece = kept[best]
        joined = shapely.union_all([piece, crumb], grid_size=CLOSE_M)
        if isinstance(joined, shapely.Polygon):
            kept[best] = (number, joined)


def _faces(label: NDArray[np.int32], frame: Frame) -> tuple[list[int], list[shapely.Polygon]]:
    """Numbers and polygons with a corner at each cell's corner on their edges: neighbours have all of theirs in common."""
    around = np.pad(label, 1)
    row, column = np.nonzero(around[1:-1, 1:] != around[1:-1, :-1])
    upright = np.stack([column, row, column, row + 1], axis=1)
    row, column = np.nonzero(around[1:, 1:-1] != around[:-1, 1:-1])
    level = np.stack([column, row, column + 1, row], axis=1)
    sides = np.concatenate([upright, level]).reshape(-1, 2, 2).astype(float)
    if not len(sides):
        return [], []
    sides[..., 0] = frame.west + sides[..., 0] * frame.cell_m
    sides[..., 1] = frame.north - sides[..., 1] * frame.cell_m
    faces = _polygons(shapely.polygonize(shapely.linestrings(sides)))
    middle = shapely.get_coordinates(shapely.point_on_surface(faces))
    at_row = np.floor((frame.north - middle[:, 1]) / frame.cell_m).astype(int)
    at_column = np.floor((middle[:, 0] - frame.west) / frame.cell_m).astype(int)
    number = label[at_row, at_column].tolist()
    found = [(one, face) for one, face in zip(number, faces, strict=True) if one > 0]
    return [one for one, _face in found], [face for _one, face in found]


def _polygons(shape: shapely.Geometry) -> list[shapely.Polygon]:
    return [one for one in shapely.get_parts(shape) if isinstance(one, shapely.Polygon) and not one.is_empty]
