"""Gaps between pieces of ground: closed alike, whether at once or tile by tile."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from fieldbox.mapping import closing
from fieldbox.mapping.closing import filled, joined


def spots(count: int, wide_m: float) -> shapely.Geometry:
    rng = np.random.default_rng(count)
    return shapely.union_all(shapely.buffer(shapely.points(rng.uniform(0, wide_m, (count, 2))), 0.9))


def test_tiles_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    ground = spots(900, 100.0)
    whole = joined(ground, 1.0)
    monkeypatch.setattr(closing, "_MANY", 100)
    tiled = joined(ground, 1.0)
    assert tiled.is_valid
    assert tiled.symmetric_difference(whole).area < 1e-5 * whole.area
    # No seam is left along the edges of tiles.
    assert len(shapely.get_parts(tiled)) == len(shapely.get_parts(whole))
    assert shapely.length(tiled) == pytest.approx(shapely.length(whole), rel=1e-3)


def test_gaps_are_closed_and_small_openings_filled() -> None:
    two = shapely.box(0, 0, 4, 4) | shapely.box(4.5, 0, 9, 4)
    assert shapely.get_num_geometries(joined(two, 1.0)) == 1
    assert shapely.get_num_geometries(joined(two, 0.3)) == 2
    assert joined(two, 0.0) is two
    ring = shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 2, 2) - shapely.box(4, 4, 7, 7)
    assert filled(ring, 2.0).area == pytest.approx(81 - 9)
