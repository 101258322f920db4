"""The measure of how far photos disagree, on numbers made by hand and on a flight told exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, exact, fly
from tests.path.agreeing import agreement, between
from tests.path.noisy import laid_on


def test_pairs_are_those_within_a_group() -> None:
    """Three places a metre apart from one another on a line, and one alone."""
    places = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [50.0, 0.0]])
    assert between(places, np.array([0, 0, 0, 1])) == pytest.approx(np.sqrt((1 + 1 + 4) / 3))


@pytest.mark.long
def test_photos_with_true_poses_over_flat_ground_agree(tmp_path: Path) -> None:
    """Of which hardly anything has to be adjusted: the measure itself adds nothing."""
    ground = grow_field(FieldOptions(size_m=(9.0, 7.0), margin_m=1.0, seed=4, relief_m=0.0, ridge_m=0.0))
    fly(ground, exact(FlightOptions(camera="small", seed=4)), tmp_path / "card")
    told = agreement(tmp_path / "card", ground)
    assert told.kept == 0
    one = told.kinds["ground"]
    assert one.alone_gsd < 0.5
    assert one.surface_gsd < 3.0
    assert one.bias_m < 0.05
    assert one.scale == pytest.approx(1.0, abs=0.01)


def test_found_weeds_are_laid_on_the_true_ones() -> None:
    """Shifted, turned and scaled by what GPS and barometer leave open."""
    rng = np.random.default_rng(2)
    weeds = rng.uniform(-15, 15, (400, 2))
    cos, sin = 0.93 * np.cos(0.06), 0.93 * np.sin(0.06)
    places = weeds[:350] @ np.array([[cos, sin], [-sin, cos]]) + (3.0, -2.0) + rng.normal(0, 0.01, (350, 2))
    laid, _shift = laid_on(np.vstack([places, rng.uniform(-15, 15, (20, 2))]), weeds)
    assert np.abs(laid[:350] - weeds[:350]).max() < 0.06
