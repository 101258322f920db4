"""Cell sums: exact, additive, and stored without loss."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.errors import Misconfigured
from fieldbox.mapping.cells import AREA_UNIT_M2, INDEX_UNIT, CellSums, PixelLayers, Sum, add_cells, sum_cells

EAST, NORTH = 500_000.0, 2_211_500.0


def lattice(
    rows: int, columns: int, step: float = 0.04, east: float = EAST, north: float = NORTH
) -> np.ndarray:
    """Ground [rows, columns, 2] of a nadir view whose top left pixel centre is half a step inside."""
    xs = east + (np.arange(columns) + 0.5) * step
    ys = north - (np.arange(rows) + 0.5) * step
    return np.stack(np.meshgrid(xs, ys), axis=-1)


def layers(rows: int, columns: int, seed: int = 0) -> PixelLayers:
    draw = np.random.default_rng(seed)
    indices = draw.uniform(-1, 2, (3, rows, columns)).astype(np.float32)
    return PixelLayers(
        classes=draw.integers(0, 3, (rows, columns), np.uint8),
        unsure=draw.random((rows, columns)) < 0.1,
        vegetation=draw.random((rows, columns)) < 0.5,
        exg=indices[0],
        gli=indices[1],
        vari=indices[2],
    )


def test_sums_of_one_cell() -> None:
    given = layers(25, 25)
    sums = sum_cells(lattice(25, 25), np.ones((25, 25), bool), 1.0, given)
    assert (sums.rows.tolist(), sums.columns.tolist()) == ([-2_211_500], [500_000])
    values = sums.values[0].tolist()
    assert values[Sum.PIXELS] == 625
    assert values[Sum.AREA] * AREA_UNIT_M2 == pytest.approx(1.0, rel=1e-6)
    assert values[Sum.CROP] == (given.classes == 1).sum()
    assert values[Sum.WEED] == (given.classes == 2).sum()
    assert values[Sum.UNSURE] == given.unsure.sum()
    assert values[Sum.EXG] * INDEX_UNIT == pytest.approx(given.exg[given.vegetation].sum(), abs=0.01)
    crop = given.vegetation & (given.classes == 1)
    assert values[Sum.CROP_VEGETATION] == crop.sum()
    assert values[Sum.CROP_GLI] * INDEX_UNIT == pytest.approx(given.gli[crop].sum(), abs=0.01)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.3, 7.0), st.randoms())
def test_parts_add_up_to_the_whole_in_any_order(seed: int, cell_m: float, order: random.Random) -> None:
    ground, given = lattice(60, 80, 0.1), layers(60, 80, seed)
    part = np.random.default_rng(seed).integers(0, 4, (60, 80))
    whole = sum_cells(ground, np.ones((60, 80), bool), cell_m, given)
    parts = [sum_cells(ground, part == number, cell_m, given) for number in range(4)]
    order.shuffle(parts)
    total = add_cells(parts)
    assert total is not None
    assert total.to_bytes() == whole.to_bytes()
    assert (np.bincount(part.ravel())).sum() == total.values[:, Sum.PIXELS].sum()


def test_sky_and_unowned_pixels_are_left_out() -> None:
    ground = lattice(10, 10)
    ground[:5] = np.nan
    owned = np.ones((10, 10), bool)
    owned[:, :5] = False
    sums = sum_cells(ground, owned, 1.0, PixelLayers())
    assert sums.values[:, Sum.PIXELS].sum() == 25
    assert not sums.values[:, Sum.CROP :].any()
    assert not len(sum_cells(ground, np.zeros((10, 10), bool), 1.0, PixelLayers()).rows)


def test_stored_sums_come_back() -> None:
    sums = sum_cells(lattice(60, 80), np.ones((60, 80), bool), 0.5, layers(60, 80))
    back = CellSums.from_bytes(sums.to_bytes())
    assert back.cell_m == 0.5
    assert (back.rows == sums.rows).all()
    assert (back.columns == sums.columns).all()
    assert (back.values == sums.values).all()


@pytest.mark.parametrize(
    "harm", [lambda b: b[:0], lambda b: b[:-3], lambda b: b"XXXX" + b[4:], lambda b: b[:24]]
)
def test_damaged_sums_are_named(harm) -> None:  # type: ignore[no-untyped-def]
    sums = sum_cells(lattice(6, 8), np.ones((6, 8), bool), 0.5, layers(6, 8))
    with pytest.raises(Misconfigured):
        CellSums.from_bytes(harm(sums.to_bytes()))


def test_sums_of_other_cells_do_not_add() -> None:
    sums = [sum_cells(lattice(6, 8), np.ones((6, 8), bool), cell, PixelLayers()) for cell in (0.5, 1.0)]
    with pytest.raises(ValueError, match="cell sizes"):
        add_cells(sums)
    assert add_cells([]) is None
