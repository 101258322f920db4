"""Maps of a field at two dates, drawn from places of weeds that are known."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import FieldMap, Shift, ShiftBasis
from fieldbox.mapping.overlay import Dated

Floats = NDArray[np.float64]

EPSG = 32643
HERE = np.array([419_850.0, 2_052_440.0])
SIZE = np.array([40.0, 30.0])
WEED_M2 = 0.005
EXACT = Shift(0.0, 0.0, 0.01, ShiftBasis.PLANTS)
STILL = Shift(0.0, 0.0, 0.0, ShiftBasis.STATED)
"""Nothing moved, and no weed is known again."""


def map_of(
    weeds: Floats, *, cell_m: float = 1.0, epsg: int = EPSG, corner: Floats = HERE, size: Floats = SIZE
) -> FieldMap:
    """All of a rectangle was seen, and the weeds in it found."""
    left, top = np.floor(corner[0] / cell_m), np.floor(-(corner[1] + size[1]) / cell_m)
    columns, rows = np.ceil((corner[0] + size[0]) / cell_m) - left, np.ceil(-corner[1] / cell_m) - top
    shape = (int(rows), int(columns))
    column = np.floor(weeds[:, 0] / cell_m).astype(int) - int(left)
    row = np.floor(-weeds[:, 1] / cell_m).astype(int) - int(top)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    count = np.zeros(shape)
    np.add.at(count, (row[inside], column[inside]), 1)
    density = (count / cell_m**2).astype(np.float32)
    nothing = np.full(shape, np.nan, np.float32)
    ones = np.ones(shape, np.float32)
    return FieldMap(
        epsg, left * cell_m, -top * cell_m, cell_m, ones, density * np.float32(WEED_M2), 0 * ones, density,
        0 * ones, nothing, nothing, nothing, nothing,
    )  # fmt: skip


def dated(weeds: Floats, *, single: bool = True, error: float = 0.0, **more: object) -> Dated:
    """The survey that found these weeds; `single`: their places are known."""
    return Dated(
        grid=map_of(weeds, **more),  # type: ignore[arg-type]
        weeds=weeds if single else None,
        weed_m2=WEED_M2,
        count_error=error,
        cover_error=error,
    )


def strewn(rng: np.random.Generator, per_m2: float, size: Floats = SIZE, corner: Floats = HERE) -> Floats:
    """Weeds anywhere."""
    return corner + rng.uniform(0, 1, (rng.poisson(per_m2 * size[0] * size[1]), 2)) * size


def patch(rng: np.random.Generator, middle: tuple[float, float], count: int, spread_m: float = 1.0) -> Floats:
    """Weeds about a place, metres from the field's corner."""
    return HERE + middle + rng.normal(0, spread_m, (count, 2))


def seen_again(rng: np.random.Generator, weeds: Floats, share: float, noise_m: float = 0.01) -> Floats:
    """What a survey finds of them."""
    kept = weeds[rng.random(len(weeds)) < share]
    return kept + rng.normal(0, noise_m, kept.shape)


def sprayed(rng: np.random.Generator, weeds: Floats, ground: shapely.Geometry, kill: float) -> Floats:
    """Those that are left."""
    on = shapely.contains_xy(ground, weeds[:, 0], weeds[:, 1])
    return np.asarray(weeds[~(on & (rng.random(len(weeds)) < kill))])
