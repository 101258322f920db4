"""Crop rows are found where there are some, and nowhere else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fieldbox.mapping.rows import find_rows

HERE = np.array([586_000.0, 2_051_000.0])
"""UTM coordinates are large numbers: rows must not drown in their rounding."""


def row_field(
    rng: np.random.Generator,
    *,
    size: tuple[float, float] = (24.0, 16.0),
    spacing: float = 0.75,
    in_row: float = 0.35,
    direction: float = 20.0,
    emergence: float = 0.8,
    noise: float = 0.03,
    curve: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Plants [N, 2] around HERE and the number of the row that each stands in; `curve` bends rows (1/m)."""
    turn = math.radians(direction)
    along, across = np.array([math.sin(turn), math.cos(turn)]), np.array([math.cos(turn), -math.sin(turn)])
    reach = math.hypot(*size) / 2
    points, numbers = [], []
    for number in range(-int(reach / spacing), int(reach / spacing) + 1):
        ahead = np.arange(-reach, reach, in_row) + rng.uniform(0, in_row)
        ahead = ahead[rng.random(ahead.size) < emergence] + rng.normal(0, 0.04)
        aside = number * spacing + rng.normal(0, noise, ahead.size) + curve * ahead**2
        points.append(ahead[:, None] * along + aside[:, None] * across)
        numbers.append(np.full(ahead.size, number))
    every = np.concatenate(points)
    inside = np.all(np.abs(every) < np.array(size) / 2, axis=1)
    return every[inside] + HERE, np.concatenate(numbers)[inside]


def turned_by(one: float, other: float) -> float:
    """Degrees between two directions without a front."""
    return abs((one - other + 90) % 180 - 90)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    direction=st.floats(0, 179.99),
    spacing=st.floats(0.4, 1.6),
    emergence=st.floats(0.4, 1.0),
)
def test_rows_of_any_direction_and_spacing(
    seed: int, direction: float, spacing: float, emergence: float
) -> None:
    rng = np.random.default_rng(seed)
    places, truth = row_field(rng, direction=direction, spacing=spacing, emergence=emergence)
    rows = find_rows(places)
    assert rows is not None
    assert turned_by(rows.direction_deg, direction) < 0.5
    assert rows.spacing_m == pytest.approx(spacing, rel=0.02)
    assert rows.quality > 0.7
    assert rows.spread_m < 0.06
    number, away = rows.row_of(places)
    # Numbers start at the first row found, and the direction may be the other way round.
    step = np.diff(number[np.argsort(truth, kind="stable")])
    assert np.mean(np.abs(step) <= 1) > 0.99
    for one in np.unique(truth):
        assert len(np.unique(number[truth == one])) == 1
    assert np.median(away) < 0.04


def test_gaps_and_weeds_between_the_rows_do_not_hide_them() -> None:
    rng = np.random.default_rng(4)
    places, _truth = row_field(rng, emergence=0.5)
    weeds = HERE + rng.uniform(-0.5, 0.5, (len(places), 2)) * (24.0, 16.0)
    rows = find_rows(np.concatenate([places, weeds]))
    assert rows is not None
    assert turned_by(rows.direction_deg, 20.0) < 0.2
    assert rows.spacing_m == pytest.approx(0.75, rel=0.01)
    plain = find_rows(places)
    assert plain is not None
    assert rows.quality < plain.quality, "clutter must show in the quality"


def test_weights_tell_what_counts() -> None:
    rng = np.random.default_rng(5)
    places, _truth = row_field(rng)
    weeds = HERE + rng.uniform(-0.5, 0.5, (6 * len(places), 2)) * (24.0, 16.0)
    both = np.concatenate([places, weeds])
    weights = np.r_[np.full(len(places), 1.0), np.full(len(weeds), 0.02)]
    rows = find_rows(both, weights)
    assert rows is not None
    assert rows.quality > 0.7
    none = find_rows(both, np.r_[np.zeros(len(places)), np.ones(len(weeds))])
    assert none is None


def test_a_hole_in_the_field_keeps_the_row_numbers() -> None:
    places, truth = row_field(np.random.default_rng(6), direction=0.0)
    hole = np.all(np.abs(places - HERE) < 4.0, axis=1)
    rows = find_rows(places[~hole])
    assert rows is not None
    number, _away = rows.row_of(places)
    assert len(np.unique(number - truth)) == 1


def test_a_wrong_step_between_two_passes_of_the_drill() -> None:
    places, truth = row_field(np.random.default_rng(7), direction=0.0, noise=0.02)
    shifted = places + np.where(truth[:, None] >= 0, [0.2, 0.0], [0.0, 0.0])
    rows = find_rows(shifted)
    assert rows is not None
    number, away = rows.row_of(shifted)
    assert len(np.unique(number - truth)) == 1
    assert np.median(away) < 0.03


@pytest.mark.parametrize("seed", range(12))
def test_a_broadcast_field_has_no_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(40, 3000))
    assert find_rows(HERE + rng.uniform(0, 1, (count, 2)) * (20.0, 15.0)) is None


@pytest.mark.parametrize("seed", range(12))
def test_clumps_are_no_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clumps = rng.uniform(0, 1, (60, 2)) * (20.0, 15.0)
    places = clumps[rng.integers(60, size=1500)] + rng.normal(0, rng.choice([0.05, 0.3, 1.0]), (1500, 2))
    assert find_rows(HERE + places) is None


def test_curved_rows_have_a_lower_quality_or_none() -> None:
    straight = find_rows(row_field(np.random.default_rng(8))[0])
    slightly = find_rows(row_field(np.random.default_rng(8), curve=0.004)[0])
    strongly = find_rows(row_field(np.random.default_rng(8), curve=0.03)[0])
    assert straight is not None
    assert straight.quality > 0.9
    assert slightly is None or slightly.quality < 0.75
    assert strongly is None or strongly.quality < 0.5


def test_the_order_of_the_places_does_not_matter() -> None:
    rng = np.random.default_rng(9)
    places, _truth = row_field(rng)
    one, other = find_rows(places), find_rows(places[rng.permutation(len(places))])
    assert one is not None and other is not None
    np.testing.assert_allclose(one.offsets, other.offsets, atol=1e-6)
    assert one.direction_deg == pytest.approx(other.direction_deg, abs=1e-6)


def test_what_is_no_place_is_left_out() -> None:
    places, _truth = row_field(np.random.default_rng(10))
    rows = find_rows(np.concatenate([places, [[np.nan, 1.0], [np.inf, np.inf]]]))
    assert rows is not None


@pytest.mark.parametrize("count", [0, 1, 2, 29])
def test_too_few_places_make_no_rows(count: int) -> None:
    places, _truth = row_field(np.random.default_rng(11))
    assert find_rows(places[:count]) is None


def test_places_all_alike_make_no_rows() -> None:
    assert find_rows(np.tile(HERE, (100, 1))) is None


def test_positions_along_and_across_are_those_of_a_turned_grid() -> None:
    places, _truth = row_field(np.random.default_rng(12), direction=30.0)
    rows = find_rows(places)
    assert rows is not None
    rebuilt = (
        np.array(rows.origin)
        + rows.ahead(places)[:, None] * rows.along
        + rows.aside(places)[:, None] * rows.across
    )
    np.testing.assert_allclose(rebuilt, places, atol=1e-6)
    assert 0 <= rows.direction_deg < 180
    assert np.all(np.diff(rows.offsets) > 0)
