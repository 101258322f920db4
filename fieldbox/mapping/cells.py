"""What one view adds to the grid of the field: whole numbers for each cell, so that sums are exact.

Cells are squares of `cell_m`, aligned to multiples of it in the UTM zone: a cell's column is
floor(east / cell_m), its row floor(-north / cell_m), counted southwards. All sums are int64 (indices
and areas as fixed-point numbers), so that the total does not depend on the order of the views.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

CROP, WEED = 1, 2
"""Classes of the class map; 0 is soil."""

INDEX_UNIT = 1.0 / 65536
AREA_UNIT_M2 = 1e-9
_MAGIC = b"FBC2"
_HEADER = struct.Struct("<4sdII")


class Sum(IntEnum):
    """Columns of `CellSums.values`."""

    PIXELS = 0
    AREA = 1
    """Ground area of the pixels, in AREA_UNIT_M2."""
    CROP = 2
    WEED = 3
    UNSURE = 4
    VEGETATION = 5
    """Pixels that are vegetation by colour; the indices are summed over these, in INDEX_UNIT."""
    EXG = 6
    GLI = 7
    VARI = 8
    CROP_VEGETATION = 9
    """Pixels of the crop that are vegetation by colour; the next two are summed over these."""
    CROP_EXG = 10
    CROP_GLI = 11
    SPECTRAL = 12
    """From here on, for each of SPECTRAL: the sum of the index, in INDEX_UNIT, and the pixels where it is known."""


SPECTRAL = ("ndvi", "ndre", "gndvi", "osavi", "mcari")
"""Indices of the bands of a multispectral camera that are mapped."""
WIDTH = Sum.SPECTRAL + 2 * len(SPECTRAL)
"""Columns of `CellSums.values`."""


def spectral_columns(name: str) -> tuple[int, int]:
    """Where the sum of an index stands, and where the number of its pixels."""
    first = Sum.SPECTRAL + 2 * SPECTRAL.index(name)
    return first, first + 1


@dataclass(frozen=True, eq=False, slots=True)
class CellSums:
    """Sparse sums, ordered by row and column: rows and columns int64 [N], values int64 [N, WIDTH]."""

    cell_m: float
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.int64]

    def to_bytes(self) -> bytes:
        """Compact, and the same for the same sums."""
        header = _HEADER.pack(_MAGIC, self.cell_m, len(self.rows), self.values.shape[1])
        # Column by column: neighbours are alike, which deflates well.
        parts = (self.rows.astype("<i4"), self.columns.astype("<i4"), self.values.T.astype("<i8"))
        return header + zlib.compress(b"".join(part.tobytes() for part in parts), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> CellSums:
        """Read back `to_bytes`. Raises Misconfigured if the bytes are not such."""
        try:
            magic, cell_m, count, width = _HEADER.unpack_from(data)
            body = zlib.decompress(data[_HEADER.size :])
        except (struct.error, zlib.error) as error:
            raise damaged() from error
        if magic != _MAGIC or width != WIDTH or len(body) != count * (8 + 8 * width):
            raise damaged()
        rows = np.frombuffer(body, "<i4", count).astype(np.int64)
        columns = np.frombuffer(body, "<i4", count, 4 * count).astype(np.int64)
        values = np.frombuffer(body, "<i8", count * width, 8 * count).reshape(width, count).T
        return cls(cell_m, rows, columns, np.ascontiguousarray(values, np.int64))


@dataclass(frozen=True, eq=False, slots=True)
class PixelLayers:
    """What is known of the pixels of a view, all [h, w]; None is "not looked for"."""

    classes: NDArray[np.uint8] | None = None
    """0 soil, 1 crop, 2 weed."""
    unsure: NDArray[np.bool_] | None = None
    vegetation: NDArray[np.bool_] | None = None
    exg: NDArray[np.float32] | None = None
    gli: NDArray[np.float32] | None = None
    vari: NDArray[np.float32] | None = None
    spectral: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """By names of SPECTRAL; NaN where not known."""


def no_cells(cell_m: float) -> CellSums:
    """Sums of nothing."""
    empty = np.zeros(0, np.int64)
    return CellSums(cell_m, empty, empty, np.zeros((0, WIDTH), np.int64))


def damaged() -> Misconfigured:
    """The error for stored bytes that cannot be read back."""
    return Misconfigured(N_("A stored result is damaged; delete the survey and run its flight again."))


def sum_cells(
    ground: NDArray[np.float64], owned: NDArray[np.bool_], cell_m: float, layers: PixelLayers
) -> CellSums:
    """Sums over the owned pixels, for each cell they fall in.

    `ground` [h, w, 2] holds east and north of the pixel centres on a regular lattice of pixels (NaN
    for the sky), `owned` [h, w] whether the view answers for that ground.
    """
    kept = owned & np.isfinite(ground[..., 0])
    if not kept.any():
        return no_cells(cell_m)
    points = ground[kept]
    column = np.floor(points[:, 0] / cell_m).astype(np.int64)
    row = np.floor(-points[:, 1] / cell_m).astype(np.int64)
    left, top = int(column.min()), int(row.min())
    width = int(column.max()) - left + 1
    cell = (row - top) * width + (column - left)
    size = int(cell.max()) + 1
    columns = _columns(cell, size, kept, _pixel_areas(ground)[kept], layers)
    values = np.stack(columns, axis=1)
    filled = np.flatnonzero(values[:, Sum.PIXELS])
    return CellSums(cell_m, filled // width + top, filled % width + left, values[filled])


def add_cells(sums: Iterable[CellSums]) -> CellSums | None:
    """The total of the sums of several views, exact whatever their order; None for no sums."""
    given = list(sums)
    if not given:
        return None
    if len({one.cell_m for one in given}) > 1:
        raise ValueError("sums of different cell sizes cannot be added")
    rows = np.concatenate([one.rows for one in given])
    columns = np.concatenate([one.columns for one in given])
    values = np.concatenate([one.values for one in given])
    if not rows.size:
        return given[0]
    order = np.lexsort((columns, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    first = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(columns) != 0)])
    return CellSums(given[0].cell_m, rows[first], columns[first], np.add.reduceat(values, first, axis=0))


def _columns(
    cell: NDArray[np.int64],
    size: int,
    kept: NDArray[np.bool_],
    areas: NDArray[np.float64],
    layers: PixelLayers,
) -> list[NDArray[np.int64]]:
    """The columns in the order of `Sum`, each int64 [size]."""
    crop = _chosen(None if layers.classes is None else layers.classes == CROP, kept)
    weed = _chosen(None if layers.classes is None else layers.classes == WEED, kept)
    unsure = _chosen(layers.unsure, kept)
    green = _chosen(layers.vegetation, kept)
    # One count of every combination is quicker than a count of each.
    code = cell * 16 + crop + 2 * weed + 4 * unsure + 8 * green
    counts = np.bincount(code, minlength=16 * size).reshape(size, 2, 2, 2, 2)
    where = (2 * cell + crop)[green > 0]
    sums = [_total(values, kept, green, where, size) for values in (layers.exg, layers.gli, layers.vari)]
    area = np.bincount(cell, np.rint(areas * (1 / AREA_UNIT_M2)), size)
    return [
        counts.sum(axis=(1, 2, 3, 4)),
        np.rint(area).astype(np.int64),
        counts[..., 1].sum(axis=(1, 2, 3)),
        counts[..., 1, :].sum(axis=(1, 2, 3)),
        counts[:, :, 1].sum(axis=(1, 2, 3)),
        counts[:, 1].sum(axis=(1, 2, 3)),
        *(one.sum(axis=1) for one in sums),
        counts[:, 1, ..., 1].sum(axis=(1, 2)),
        sums[0][:, 1],
        sums[1][:, 1],
        *(column for name in SPECTRAL for column in _spectral(layers.spectral.get(name), cell, kept, size)),
    ]


def _spectral(
    values: NDArray[np.float32] | None, cell: NDArray[np.int64], kept: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum of an index and the pixels where it is known, each int64 [size]."""
    if values is None:
        return np.zeros(size, np.int64), np.zeros(size, np.int64)
    here = values[kept].astype(np.float64)
    known = np.isfinite(here)
    fixed = np.rint(np.where(known, here, 0) * (1 / INDEX_UNIT))
    total = np.bincount(cell, fixed, size)
    return np.rint(total).astype(np.int64), np.bincount(cell[known], minlength=size).astype(np.int64)


def _chosen(mask: NDArray[np.bool_] | None, kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    if mask is None:
        return np.zeros(int(kept.sum()), np.uint8)
    return mask[kept].astype(np.uint8)


def _total(
    values: NDArray[np.float32] | None,
    kept: NDArray[np.bool_],
    green: NDArray[np.uint8],
    where: NDArray[np.int64],
    size: int,
) -> NDArray[np.int64]:
    """[size, 2] sums in INDEX_UNIT over green pixels that are not, and that are, of the crop."""
    if values is None:
        return np.zeros((size, 2), np.int64)
    # Whole numbers far below 2^53: float64 adds them exactly.
    whole = np.rint(values[kept][green > 0] * np.float32(1 / INDEX_UNIT))
    return np.rint(np.bincount(where, whole, 2 * size)).astype(np.int64).reshape(size, 2)


def _pixel_areas(ground: NDArray[np.float64]) -> NDArray[np.float64]:
    """[h, w] ground area of the pixels of a lattice, from the steps between their centres."""
    rows, columns = ground.shape[:2]
    if rows < 2 or columns < 2:
        return np.zeros((rows, columns))
    across, down = np.diff(ground, axis=1)[:-1], np.diff(ground, axis=0)[:, :-1]
    areas = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    return np.pad(areas, ((0, 1), (0, 1)), mode="edge")
