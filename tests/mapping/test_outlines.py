"""Numbered cells become polygons that meet, cut along a boundary."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fieldbox.mapping.outlines import Frame, outlines

CELL = 2.0


def frame(shape: tuple[int, ...]) -> Frame:
    return Frame(500_000.0, 2_000_000.0, CELL, shape)


def whole(shape: tuple[int, ...]) -> shapely.Polygon:
    west, north = 500_000.0, 2_000_000.0
    return shapely.box(west, north - shape[0] * CELL, west + shape[1] * CELL, north)


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 4)))
def test_any_cells_become_a_coverage(label: np.ndarray) -> None:
    found = list(outlines(label, frame(label.shape), whole(label.shape)))
    shapes = [one for _number, one in found]
    assert {number for number, _one in found} <= set(np.unique(label).tolist()) - {0}
    assert bool(found) is bool(label.any())
    assert shapely.coverage_is_valid(shapes)
    assert all(one.is_valid and one.exterior.is_ccw for one in shapes)
    assert sum(one.area for one in shapes) == pytest.approx(shapely.union_all(shapes).area)
    assert shapely.union_all(shapes).area <= label.size * CELL**2 + 1e-6
    if (label > 0).all():
        assert shapely.union_all(shapes).area == pytest.approx(label.size * CELL**2)


def test_steps_of_a_slanting_edge_are_cut() -> None:
    row, column = np.indices((40, 40))
    label = np.where(column > row, 1, 2).astype(np.int32)
    (_one, upper), (_two, lower) = outlines(label, frame(label.shape), whole(label.shape))
    assert len(upper.exterior.coords) < 50
    assert upper.area == pytest.approx(lower.area, rel=0.1)


def test_a_boundary_cuts_pieces_and_crumbs_join_a_neighbour() -> None:
    label = np.ones((10, 10), np.int32)
    label[:, 5:] = 2
    west, north = 500_000.0, 2_000_000.0
    # A sliver of the first patch hangs on the second.
    field = shapely.box(west + 9.9, north - 20, west + 20, north)
    ((number, shape),) = outlines(label, frame(label.shape), field)
    assert number == 2
    assert shape.area == pytest.approx(field.area, rel=1e-6)
    notched = whole(label.shape) - shapely.box(west + 2, north - 12, west + 20, north - 8)
    assert sorted(number for number, _shape in outlines(label, frame(label.shape), notched)) == [1, 2, 2]


def test_no_cells_are_no_outlines() -> None:
    assert list(outlines(np.zeros((3, 3), np.int32), frame((3, 3)), whole((3, 3)))) == []
