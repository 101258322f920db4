"""Crop plants against their neighbours: what is poor is found, what merely differs from place to place is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fieldbox.mapping.planthealth import FEATURES, compare
from fieldbox.mapping.rows import find_rows
from fieldbox.mapping.stand import MIN_PLANTS

HERE = np.array([586_000.0, 2_051_000.0])
LEAF = np.array([84.0, 113.0, 62.0])
Floats = NDArray[np.float64]


def field_of(seed: int, *, step: float = 0.35, jitter: float = 0.03) -> tuple[Floats, Floats, Floats]:
    """Places, areas and colours of 20 rows of 40 healthy plants; rows run north."""
    rng = np.random.default_rng(seed)
    ahead = np.arange(40) * step + rng.normal(0, jitter, (20, 40))
    aside = np.arange(20)[:, None] * 0.75 + rng.normal(0, 0.02, (20, 40))
    places = np.stack([aside, ahead], axis=-1).reshape(-1, 2) + HERE
    areas = 0.03 * np.exp(rng.normal(0, 0.3, 800))
    colours = LEAF * np.exp(rng.normal(0, 0.03, (800, 3)))
    return places, areas, colours


def test_a_small_and_a_yellow_plant_stand_out() -> None:
    places, areas, colours = field_of(1)
    areas[333] *= 0.15
    colours[444] = (140, 135, 60)
    judged = compare(places, areas, colours, find_rows(places))
    assert judged.size_z[333] < -4
    assert judged.colour_z[444] < -4
    others = np.delete(np.arange(800), [333, 444])
    assert np.mean(judged.size_z[others] < -3) < 0.01
    assert np.mean(judged.colour_z[others] < -3) < 0.01


@pytest.mark.parametrize("what", ["light", "growth", "warmth"])
def test_slow_changes_over_the_field_drop_out(what: str) -> None:
    places, areas, colours = field_of(2)
    slope = np.linspace(-0.5, 0.5, 40)[None, :].repeat(20, axis=0).ravel()
    plain = compare(places, areas, colours, find_rows(places))
    if what == "light":
        colours = colours * np.exp(slope)[:, None]
    elif what == "growth":
        areas = areas * np.exp(2 * slope)
    else:
        colours = colours * np.exp(slope[:, None] * (0.15, 0.0, -0.15))
    varied = compare(places, areas, colours, find_rows(places))
    for one, other in ((plain.size_z, varied.size_z), (plain.colour_z, varied.colour_z)):
        assert np.mean(other < -3) <= np.mean(one < -3) + 0.005


def test_light_alone_changes_no_feature() -> None:
    places, areas, colours = field_of(3)
    rows = find_rows(places)
    one, other = (compare(places, areas, given, rows) for given in (colours, 1.7 * colours))
    np.testing.assert_allclose(one.features, other.features, atol=1e-4)


def test_what_is_not_known_is_nan() -> None:
    places, areas, colours = field_of(4)
    colours[5] = np.nan
    areas[7] = 0
    judged = compare(places, areas, colours, find_rows(places))
    assert np.isnan(judged.colour_z[5]) and np.isfinite(judged.size_z[5])
    assert np.isnan(judged.features[7]).all()
    assert np.isfinite(np.delete(judged.features, [5, 7], axis=0)).all()


def test_too_few_plants_are_not_compared() -> None:
    places, areas, colours = field_of(5)
    few = MIN_PLANTS - 1
    judged = compare(places[:few], areas[:few], colours[:few], None)
    assert judged.features.shape == (few, len(FEATURES))
    assert np.isnan(judged.features).all()


def test_without_rows_the_nearest_plants_are_compared() -> None:
    rng = np.random.default_rng(6)
    places = HERE + rng.uniform(0, 12, (500, 2))
    areas = 0.03 * np.exp(rng.normal(0, 0.3, 500))
    areas[100] *= 0.1
    rows = find_rows(places)
    assert rows is None
    judged = compare(places, areas, np.tile(LEAF, (500, 1)) * rng.normal(1, 0.02, (500, 3)), rows)
    assert judged.size_z[100] < -3
    assert np.isfinite(judged.size_z).mean() > 0.98


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_plants_does_not_matter(seed: int) -> None:
    places, areas, colours = field_of(7)
    turned = np.random.default_rng(seed).permutation(800)
    rows = find_rows(places)
    one = compare(places, areas, colours, rows).features
    other = compare(places[turned], areas[turned], colours[turned], rows).features
    np.testing.assert_allclose(one[turned], other, atol=1e-5)
