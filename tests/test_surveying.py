"""What a survey says of ground that was photographed and not judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from fieldbox.domain import FieldMap
from fieldbox.mapping.grid import build_map
from fieldbox.surveying import mapped_m2

RING = np.array([(0.6, 0.6), (16.4, 0.9), (16.2, 12.4), (0.8, 12.3)])
"""Its edge leaves a strip of nearly half a cell off the map on all sides."""


def whole() -> FieldMap:
    """All of a small field was seen."""
    grid = build_map([], [], epsg=32643, cell_m=1.0, boundary=RING)
    field, seen = shapely.Polygon(RING), np.zeros(grid.seen.shape, np.float32)
    for row, column in np.ndindex(seen.shape):
        west, north = grid.west + column, grid.north - row
        if field.contains(shapely.Point(west + 0.5, north - 0.5)):
            seen[row, column] = field.intersection(shapely.box(west, north - 1, west + 1, north)).area
    return replace(grid, seen=seen)


def test_the_edge_of_a_small_field_is_not_strange_ground() -> None:
    grid = whole()
    seen_m2 = float(grid.seen.sum())
    assert mapped_m2(grid, RING) == pytest.approx(seen_m2, rel=1e-5)
    assert seen_m2 < 0.95 * shapely.Polygon(RING).area
