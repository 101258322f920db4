"""Rows of made fields run as they are asked to, ridges and plants alike, and the truth says where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured
from fieldbox.simulate.field import FieldOptions, _Land
from fieldbox.simulate.placing import Sown, sow
from fieldbox.simulate.sowing import RowShape, layout_of

PLAIN = FieldOptions(
    size_m=(9.0, 8.0), margin_m=0.0, gsd_m=0.008, row_heading_deg=20.0, row_radius_m=9.0, terrace_m=4.0, relief_m=0.0,
    ridge_m=0.3, clods=0.0, seed=5,
)  # fmt: skip
SHAPES = pytest.mark.parametrize("shape", list(RowShape))


def land_of(shape: RowShape) -> tuple[_Land, Sown]:
    """Ground and plants, without their pictures."""
    options = replace(PLAIN, rows=shape)
    land = _Land(options, np.random.default_rng(1))
    return land, sow(options, land.layout, np.random.default_rng(2))


@SHAPES
def test_crop_stands_on_its_own_row_and_weeds_on_none(shape: RowShape) -> None:
    _land, sown = land_of(shape)
    assert len(sown.places) > 150
    for plant in sown.places:
        if plant.cover is Cover.WEED:
            assert plant.row is None
            continue
        assert plant.row is not None
        pieces = sown.rows[plant.row].pieces
        # Pieces are drawn in steps of 25 cm.
        assert not pieces or cKDTree(np.concatenate(pieces)).query([plant.x, plant.y])[0] < 0.25
    assert all(hole.row is not None and hole.row < len(sown.rows) for hole in sown.holes)
    assert sum(not row.pieces for row in sown.rows) <= 1


@SHAPES
def test_ridges_run_under_the_rows(shape: RowShape) -> None:
    land, sown = land_of(shape)
    half = np.array(PLAIN.size_m) / 2 - 0.6
    on = np.concatenate([piece for row in sown.rows for piece in row.pieces])
    on = on[(np.abs(on) < half).all(axis=1)]

    def height(places: np.ndarray) -> float:
        column = np.round((places[:, 0] - land.x[0, 0]) / land.cell).astype(int)
        row = np.round((land.y[0, 0] - places[:, 1]) / land.cell).astype(int)
        return float(np.median(land.ground[row, column]))

    off = np.random.default_rng(1).uniform(-half, half, (4000, 2))
    off = off[cKDTree(on).query(off)[0] > 0.33]
    assert len(off) > 100
    assert height(on) > height(off) + 0.2


@SHAPES
def test_rows_are_a_spacing_apart_and_phases_are_whole_on_them(shape: RowShape) -> None:
    layout = layout_of(
        shape, heading_deg=33.0, spacing_m=0.75, reach_m=8.0, radius_m=20.0, terrace_m=5.0, seed=2
    )
    places, label = [], []
    for number, line in enumerate(layout.lines()):
        along = np.arange(-6.0, 6.0, 0.05)
        points = layout.points(line, along, np.zeros(along.size))
        points = points[(np.hypot(*points.T) < 6.0) & layout.within(line, points)]
        phase, sown = layout.phase(points[:, 0], points[:, 1])
        assert np.abs(phase - np.rint(phase)).max(initial=0) < 0.02
        assert sown.all()
        places.append(points)
        label.append(np.full(len(points), number))
    every, of = np.concatenate(places), np.concatenate(label)
    near, other = cKDTree(every).query(every, k=60)
    apart = np.where(of[other] == of[:, None], np.inf, near).min(axis=1)
    usual = apart[np.isfinite(apart)]
    assert np.median(usual) == pytest.approx(0.75, rel=0.01)
    assert usual.min() > 0.74
    if shape is RowShape.TERRACED:
        assert len({line.plot for line in layout.lines()}) > 2


def test_the_same_options_give_the_same_terraces() -> None:
    (one, plants), (other, again) = (land_of(RowShape.TERRACED) for _ in range(2))
    assert plants.places == again.places
    assert np.array_equal(one.ground, other.ground)


@pytest.mark.parametrize("wrong", [{"row_radius_m": 0.5}, {"terrace_m": 1.0}, {"rows": "spiral"}])
def test_rows_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(Misconfigured, match="simul"):
        FieldOptions(**wrong)
