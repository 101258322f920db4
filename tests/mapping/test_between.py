"""Weeds of an unknown crop: what is green off the rows."""

from __future__ import annotations

import numpy as np
import pytest

from fieldbox.domain import FieldMap
from fieldbox.mapping.between import Vegetation, between_rows, half_strip, vegetation_percent
from fieldbox.mapping.rows import find_rows
from tests.mapping.plants import EAST, NORTH

WIDE, TALL, SPACING = 30, 20, 0.75
PATCH = 0.005


def seen_map(unseen: int = 0) -> FieldMap:
    """A map of metre cells; its first `unseen` rows were not seen."""
    seen = np.ones((TALL, WIDE), np.float32)
    seen[:unseen] = 0
    nothing = np.full(seen.shape, np.nan, np.float32)
    layers = (nothing.copy() for _ in range(8))
    return FieldMap(32644, EAST, NORTH + TALL, 1.0, seen, *layers)


def rows_of_crop(seed: int = 1) -> np.ndarray:
    """Green patches every 10 cm along rows that run north."""
    rng = np.random.default_rng(seed)
    east = np.arange(0.4, WIDE, SPACING)
    places = np.stack(np.meshgrid(east, np.arange(0.05, TALL, 0.1)), -1).reshape(-1, 2)
    return places + rng.normal(0, 0.03, places.shape) + (EAST, NORTH)


def weeds_between(count: int, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    row = rng.integers(0, int(WIDE / SPACING) - 1, count)
    east = 0.4 + (row + 0.5) * SPACING + rng.uniform(-0.08, 0.08, count)
    return np.column_stack([EAST + east, NORTH + rng.uniform(0, TALL, count)])


def green(*places: np.ndarray) -> Vegetation:
    every = np.concatenate(places)
    return Vegetation(every, np.full(len(every), PATCH))


def test_what_grows_between_the_rows_is_the_figure() -> None:
    vegetation = green(rows_of_crop(), weeds_between(200))
    found = between_rows(vegetation, seen_map())
    assert found is not None
    assert found.spacing_m == pytest.approx(SPACING, rel=0.02)
    ground = WIDE * TALL * (1 - 2 * found.strip_m / found.spacing_m)
    assert found.percent == pytest.approx(100 * 200 * PATCH / ground, rel=0.05)
    assert found.interval95.low < found.percent < found.interval95.high
    assert np.nanmean(found.cover) == pytest.approx(found.percent / 100, rel=0.05)


def test_a_clean_field_has_none() -> None:
    found = between_rows(green(rows_of_crop()), seen_map())
    assert found is not None
    assert found.percent < 0.02


def test_unseen_ground_is_nan_and_counts_for_nothing() -> None:
    vegetation = green(rows_of_crop(), weeds_between(200))
    whole, half = between_rows(vegetation, seen_map()), between_rows(vegetation, seen_map(unseen=10))
    assert whole is not None
    assert half is not None
    assert np.isnan(half.cover[:10]).all()
    assert not np.isnan(half.cover[10:]).any()


def test_no_rows_no_figure() -> None:
    rng = np.random.default_rng(3)
    scattered = rng.uniform(0, 1, (2000, 2)) * (WIDE, TALL) + (EAST, NORTH)
    assert between_rows(green(scattered), seen_map()) is None
    assert between_rows(green(np.zeros((0, 2))), seen_map()) is None


def test_the_strip_grows_with_the_crop_but_leaves_ground_between() -> None:
    rows = find_rows(rows_of_crop())
    assert rows is not None
    assert 0.14 * SPACING <= half_strip(rows) <= 0.36 * SPACING


def test_vegetation_is_a_share_of_the_seen_ground() -> None:
    vegetation = green(weeds_between(300))
    assert vegetation_percent(vegetation, seen_map()) == pytest.approx(100 * 300 * PATCH / (WIDE * TALL))
    assert vegetation_percent(vegetation, seen_map(unseen=TALL)) is None
