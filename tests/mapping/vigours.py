"""Maps of fields whose crop is poor in known places, or nowhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import FieldMap
from fieldbox.mapping.health import score_health

EPSG = 32643
WEST, NORTH = 586_000.0, 2_051_080.0
SIZE = (100, 80)
"""Metres east and north."""
FIELD = shapely.box(WEST, NORTH - SIZE[1], WEST + SIZE[0], NORTH)
PATCHES = (
    shapely.Point(WEST + 28, NORTH - 30).buffer(11),
    shapely.box(WEST + 60, NORTH - 66, WEST + 86, NORTH - 46),
)

Layer = NDArray[np.float64]


def inside(shape: shapely.Geometry, cell_m: float = 1.0) -> NDArray[np.bool_]:
    columns, rows = (round(one / cell_m) for one in SIZE)
    east = WEST + (np.arange(columns) + 0.5) * cell_m
    north = NORTH - (np.arange(rows) + 0.5) * cell_m
    return np.asarray(shapely.contains_xy(shape, east[None, :], north[:, None]))


def field_map(index: Layer, cell_m: float = 1.0, **layers: object) -> FieldMap:
    """A map of this greenness, scored as those of the box are."""
    nothing = np.full(index.shape, np.nan, np.float32)
    seen = np.where(np.isfinite(index), 1.0, 0.0).astype(np.float32)
    health = score_health(index.astype(np.float32), np.full(index.shape, 1000))
    plain = FieldMap(
        EPSG, WEST, NORTH, cell_m, seen, nothing, nothing, nothing, nothing, nothing, nothing, nothing, health
    )
    return replace(plain, **layers)  # type: ignore[arg-type]


def noise(seed: int, cell_m: float = 1.0) -> Layer:
    columns, rows = (round(one / cell_m) for one in SIZE)
    return np.random.default_rng(seed).normal(0.0, 1.0, (rows, columns))


def patchy(seed: int, depth: float = 2.0) -> FieldMap:
    index = noise(seed)
    for one in PATCHES:
        index[inside(one)] -= depth
    return field_map(index)
