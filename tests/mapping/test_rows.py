"""Crop rows are found where there are some, wherever they run, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.mapping.rows import TOLD_WITHIN_DEG, find_rows
from tests.mapping.sown import (
    HERE,
    Floats,
    agreement,
    circles,
    sow,
    straight,
    strewn,
    terraces,
    with_headlands,
)


def turned_by(one: float, other: float) -> float:
    """Degrees between two directions without a front."""
    return abs((one - other + 90) % 180 - 90)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    direction=st.floats(0, 179.99),
    spacing=st.floats(0.4, 1.6),
    emergence=st.floats(0.4, 1.0),
)
def test_straight_rows_of_any_direction_and_spacing(
    seed: int, direction: float, spacing: float, emergence: float
) -> None:
    sown = sow(straight(direction, spacing), seed, emergence=emergence)
    rows = find_rows(sown.places)
    assert rows is not None
    (plot,) = rows.plots
    assert turned_by(plot.direction_deg, direction) < 0.2
    assert plot.spacing_m == pytest.approx(spacing, rel=0.01)
    assert plot.bend_deg < 1.0
    assert rows.spread_m < 0.06
    assert min(agreement(rows, sown)) > 0.99


LINES = {
    "circles": lambda: circles(8.0, 25.0, 0.75),
    "terraces": lambda: terraces(1),
    "narrow terraces": lambda: terraces(2, tall=5.0),
    "headlands": with_headlands,
    "a small field": lambda: straight(20.0, 0.6, (12.0, 8.0)),
    "rice": lambda: straight(70.0, 0.2, (15.0, 10.0)),
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("weeds", [0.0, 0.3])
def test_rows_wherever_they_run(name: str, weeds: float) -> None:
    sown = sow(LINES[name](), 3, noise=0.01 if name == "rice" else 0.02)
    rows = find_rows(np.concatenate([sown.places, strewn(sown, weeds, 4)]))
    assert rows is not None
    whole, pure = agreement(rows, sown)
    assert whole > 0.95
    assert pure > 0.95


def test_directions_of_curved_rows_are_local() -> None:
    sown = sow(circles(8.0, 25.0, 0.75), 5)
    rows = find_rows(sown.places)
    assert rows is not None
    found = rows.at(sown.places)
    outward = (sown.places - HERE) / np.hypot(*(sown.places - HERE).T)[:, None]
    across = np.abs(np.einsum("nd,nd->n", found.along, outward))
    assert np.degrees(np.arcsin(np.quantile(across, 0.95))) < 4.0
    assert np.median(found.spacing_m) == pytest.approx(0.75, rel=0.03)


def test_headlands_are_plots_of_their_own() -> None:
    rows = find_rows(sow(with_headlands(), 6).places)
    assert rows is not None
    assert [round(turned_by(one.direction_deg, 90.0)) for one in rows.plots] == [0, 90, 90]


def test_weights_tell_what_counts() -> None:
    sown = sow(straight(20.0, 0.75), 5)
    weeds = strewn(sown, 6 / 7, 6)
    both = np.concatenate([sown.places, weeds])
    rows = find_rows(both, np.r_[np.full(len(sown.places), 1.0), np.full(len(weeds), 0.02)])
    assert rows is not None
    assert rows.quality > 0.7
    assert find_rows(both, np.r_[np.zeros(len(sown.places)), np.ones(len(weeds))]) is None


def test_clutter_shows_in_the_quality() -> None:
    sown = sow(straight(20.0, 0.75), 7)
    plain, dirty = find_rows(sown.places), find_rows(np.concatenate([sown.places, strewn(sown, 0.4, 8)]))
    assert plain is not None
    assert dirty is not None
    assert dirty.quality < plain.quality - 0.1


def test_a_hole_in_the_field_keeps_the_row_numbers() -> None:
    sown = sow(straight(0.0, 0.75), 9)
    hole = np.all(np.abs(sown.places - HERE) < 4.0, axis=1)
    rows = find_rows(sown.places[~hole])
    assert rows is not None
    assert agreement(rows, sown)[0] > 0.99


@pytest.mark.parametrize("seed", [*range(8), 310, 330, 380])
def test_a_broadcast_field_has_no_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(40, 3000))
    assert find_rows(HERE + rng.uniform(0, 1, (count, 2)) * (20.0, 15.0)) is None


@pytest.mark.parametrize("seed", range(8))
def test_clumps_are_no_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clumps = rng.uniform(0, 1, (60, 2)) * (20.0, 15.0)
    places = clumps[rng.integers(60, size=1500)] + rng.normal(0, rng.choice([0.05, 0.3, 1.0]), (1500, 2))
    assert find_rows(HERE + places) is None


def test_ground_beside_the_rows_belongs_to_none() -> None:
    sown = sow(straight(0.0, 0.75), 10)
    rows = find_rows(sown.places)
    assert rows is not None
    outside = rows.at(HERE + np.array([[100.0, 0.0]]))
    assert outside.plot.tolist() == [-1]
    assert np.isnan(outside.aside_m).all()
    assert not outside.on_row(0.5).any()


def test_the_order_of_the_places_does_not_matter() -> None:
    places = sow(straight(33.0, 0.75), 11).places
    turned = np.random.default_rng(1).permutation(len(places))
    one, other = find_rows(places), find_rows(places[turned])
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.at(places).aside_m, other.at(places).aside_m, atol=1e-6)


NOTHING: dict[str, Floats] = {
    "no place": np.zeros((0, 2)),
    "too few": sow(straight(0.0, 0.75), 12).places[:29],
    "all alike": np.tile(HERE, (100, 1)),
    "one line": HERE + np.column_stack([np.zeros(200), np.arange(200) * 0.3]),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_makes_no_rows(name: str) -> None:
    assert find_rows(NOTHING[name]) is None


def test_what_is_no_place_is_left_out() -> None:
    places = sow(straight(0.0, 0.75), 13).places
    rows = find_rows(np.concatenate([places, [[np.nan, 1.0], [np.inf, np.inf]]]))
    assert rows is not None
    assert rows.at([[np.nan, 1.0]]).plot.tolist() == [-1]


def squares(direction: float, row_m: float, step_m: float) -> Floats:
    """Plants at equal steps in every row, side by side with those of the next: rows one way and the other."""
    angle, numbers = np.radians(direction), np.arange(-60, 60)
    along, across = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
    rows, steps = (each.ravel()[:, None] for each in np.meshgrid(numbers, numbers))
    places = rows * row_m * across + steps * step_m * along
    places = places[(np.abs(places) < (15.0, 12.0)).all(axis=1)]
    return HERE + places + np.random.default_rng(1).normal(0, 0.02, places.shape)


def test_a_direction_that_is_told_puts_a_wrong_one_right() -> None:
    places = squares(20.0, 0.6, 0.75)
    alone, told = find_rows(places), find_rows(places, direction_deg=24.0)
    assert alone is not None
    assert told is not None
    assert turned_by(alone.plots[0].direction_deg, 110.0) < 0.5
    (plot,) = told.plots
    assert turned_by(plot.direction_deg, 20.0) < 0.5
    assert plot.spacing_m == pytest.approx(0.6, rel=0.01)


@pytest.mark.parametrize("told", [0.0, 15.0, 88.0, 179.0])
def test_no_row_runs_far_off_what_is_told(told: float) -> None:
    """Plants at equal steps stand in rows on the slant, too: such may be found, the true ones not."""
    rows = find_rows(sow(straight(40.0, 0.75), 7).places, direction_deg=told)
    assert rows is None or turned_by(rows.plots[0].direction_deg, told) <= TOLD_WITHIN_DEG + 0.5


@pytest.mark.parametrize("told", [34.0, 40.0, 46.0, 220.0])
def test_what_is_told_need_not_be_exact(told: float) -> None:
    rows = find_rows(sow(straight(40.0, 0.75), 7).places, direction_deg=told)
    assert rows is not None
    (plot,) = rows.plots
    assert turned_by(plot.direction_deg, 40.0) < 0.2
