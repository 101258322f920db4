"""The field map, built from the sums of the views and the plants of the whole flight."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import Cover, Detection, FieldMap
from fieldbox.mapping.cells import (
    AREA_UNIT_M2,
    INDEX_UNIT,
    SPECTRAL,
    WIDTH,
    CellSums,
    Sum,
    add_cells,
    spectral_columns,
)
from fieldbox.mapping.health import score_health

MIN_SEEN_FOR_DENSITY = 0.1


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked for in this flight: layers of what was not are NaN everywhere."""

    classes: bool = True
    """Crop and weed were told apart."""
    single_weeds: bool = True
    """Weeds were called one by one."""
    colours: bool = True
    """The colours are natural: the indices mean something."""


@dataclass(frozen=True, slots=True)
class _Frame:
    top: int
    left: int
    rows: int
    columns: int


def build_map(
    sums: Iterable[CellSums],
    detections: Sequence[Detection],
    *,
    epsg: int,
    cell_m: float,
    boundary: ArrayLike | None = None,
    known: Known | None = None,
) -> FieldMap:
    """Layers over the field's boundary (a ring [K, 2] east, north), else over all that was seen.

    Cells whose centre lies outside the boundary count as unseen. `seen` is the summed area of the
    pixels over the area of the cell, clipped to 1; a cell that lacks no more than one row and one
    column of pixels counts as seen whole. Weed density is NaN where less than a tenth was seen.
    """
    known = known or Known()
    total = add_cells(sums)
    frame = _frame(total, cell_m, boundary)
    values = _raster(total, frame)
    inside = _inside(frame, cell_m, boundary)
    values[~inside] = 0
    seen = _seen(values, cell_m)
    pixels = values[..., Sum.PIXELS]
    green = values[..., Sum.VEGETATION]
    crop_green = values[..., Sum.CROP_VEGETATION]
    judged = (values[..., Sum.CROP_GLI], crop_green) if known.classes else (values[..., Sum.GLI], green)
    spectral = _spectral(values)
    if "ndvi" in spectral:
        at, known_at = spectral_columns("ndvi")
        judged = (values[..., at], values[..., known_at])
    colours = known.colours or "ndvi" in spectral
    health = score_health(_ratio(judged[0] * INDEX_UNIT, judged[1], colours), judged[1])
    return FieldMap(
        epsg=epsg,
        west=frame.left * cell_m,
        north=-frame.top * cell_m,
        cell_m=cell_m,
        seen=seen,
        weed_cover=_ratio(values[..., Sum.WEED], pixels, known.classes),
        crop_cover=_ratio(values[..., Sum.CROP], pixels, known.classes),
        weed_density=_density(detections, frame, cell_m, seen, known.single_weeds),
        unsure=_ratio(values[..., Sum.UNSURE], pixels, known.classes),
        exg=_ratio(values[..., Sum.EXG] * INDEX_UNIT, green, known.colours),
        gli=_ratio(values[..., Sum.GLI] * INDEX_UNIT, green, known.colours),
        vari=_ratio(values[..., Sum.VARI] * INDEX_UNIT, green, known.colours),
        health_z=health,
        spectral=spectral,
    )


def _spectral(values: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """The means of those indices that are known anywhere."""
    found = {}
    for name in SPECTRAL:
        total, count = spectral_columns(name)
        if values[..., count].any():
            found[name] = _ratio(values[..., total] * INDEX_UNIT, values[..., count], known=True)
    return found


def cells_of(grid: FieldMap, en: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Row, column (0 outside) and whether it lies in the map, of ground points [N, 2]."""
    points = np.asarray(en, float).reshape(-1, 2)
    column = np.floor(points[:, 0] / grid.cell_m).astype(np.int64) - round(grid.west / grid.cell_m)
    row = np.floor(-points[:, 1] / grid.cell_m).astype(np.int64) - round(-grid.north / grid.cell_m)
    rows, columns = grid.seen.shape
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    return np.where(inside, row, 0), np.where(inside, column, 0), inside


def _frame(total: CellSums | None, cell_m: float, boundary: ArrayLike | None) -> _Frame:
    if boundary is not None:
        points = np.asarray(boundary, float).reshape(-1, 2)
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        left, top = math.floor(west / cell_m), math.floor(-north / cell_m)
        return _Frame(top, left, math.ceil(-south / cell_m) - top, math.ceil(east / cell_m) - left)
    if total is None or not total.rows.size:
        return _Frame(0, 0, 0, 0)
    top, left = int(total.rows.min()), int(total.columns.min())
    return _Frame(top, left, int(total.rows.max()) - top + 1, int(total.columns.max()) - left + 1)


def _raster(total: CellSums | None, frame: _Frame) -> NDArray[np.int64]:
    values = np.zeros((frame.rows, frame.columns, WIDTH), np.int64)
    if total is not None:
        row, column = total.rows - frame.top, total.columns - frame.left
        inside = (row >= 0) & (row < frame.rows) & (column >= 0) & (column < frame.columns)
        values[row[inside], column[inside]] = total.values[inside]
    return values


def _inside(frame: _Frame, cell_m: float, boundary: ArrayLike | None) -> NDArray[np.bool_]:
    if boundary is None:
        return np.ones((frame.rows, frame.columns), bool)
    field = shapely.Polygon(np.asarray(boundary, float)).buffer(0)
    shapely.prepare(field)
    east = (frame.left + np.arange(frame.columns) + 0.5) * cell_m
    north = -(frame.top + np.arange(frame.rows) + 0.5) * cell_m
    return np.asarray(shapely.contains_xy(field, east[None, :], north[:, None]), bool)


def _seen(values: NDArray[np.int64], cell_m: float) -> NDArray[np.float32]:
    pixels = values[..., Sum.PIXELS]
    area = values[..., Sum.AREA] * AREA_UNIT_M2
    share = area / cell_m**2
    step = np.sqrt(np.divide(area, pixels, out=np.zeros_like(area), where=pixels > 0)) / cell_m
    return np.where(share >= (1 - step) ** 2, np.where(pixels > 0, 1.0, 0.0), share).astype(np.float32)


def _ratio(sums: NDArray[np.number], counts: NDArray[np.int64], known: bool) -> NDArray[np.float32]:
    ratio = np.full(counts.shape, np.nan, np.float32)
    if known:
        np.divide(sums, counts, out=ratio, where=counts > 0, casting="unsafe")
    return ratio


def _density(
    detections: Sequence[Detection], frame: _Frame, cell_m: float, seen: NDArray[np.float32], known: bool
) -> NDArray[np.float32]:
    density = np.full(seen.shape, np.nan, np.float32)
    if not known:
        return density
    weeds = [(one.east, one.north) for one in detections if one.cover is Cover.WEED]
    points = np.array(weeds, float).reshape(-1, 2)
    column = np.floor(points[:, 0] / cell_m).astype(np.int64) - frame.left
    row = np.floor(-points[:, 1] / cell_m).astype(np.int64) - frame.top
    inside = (row >= 0) & (row < frame.rows) & (column >= 0) & (column < frame.columns)
    cell = row[inside] * frame.columns + column[inside]
    count = np.bincount(cell, minlength=seen.size)[: seen.size].reshape(seen.shape)
    np.divide(count, seen * cell_m**2, out=density, where=seen >= MIN_SEEN_FOR_DENSITY, casting="unsafe")
    return density
