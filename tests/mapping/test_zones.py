"""Ground to be treated: it reaches the weeds that it promises to reach, and no more ground than that takes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from fieldbox.domain import Strategy
from fieldbox.mapping.zones import Ground, Layout, Weeds, lay_out, smallest

HERE = np.array([586_000.0, 2_051_000.0])
SIZE = np.array([60.0, 40.0])


def grown(seed: int, *, patches: int = 8, scattered: int = 60) -> NDArray[np.float64]:
    """Weeds in patches and between them."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 1, (patches, 2)) * SIZE
    clumped = centres[rng.integers(patches, size=30 * patches)] + rng.normal(0, 1.0, (30 * patches, 2))
    return HERE + np.concatenate([clumped, rng.uniform(0, 1, (scattered, 2)) * SIZE])


def found(truth: NDArray[np.float64], seed: int, recall: float) -> Weeds:
    """Some of them, on a map that is off by 10 cm as a whole and by 8 cm from weed to weed."""
    rng = np.random.default_rng(seed)
    seen = truth[rng.random(len(truth)) < recall]
    places = seen + rng.normal(0, 0.1, 2) + rng.normal(0, 0.08, seen.shape)
    return Weeds(places, np.full(len(places), 0.05), 0.3, recall)


def share_on(ground: Ground, places: NDArray[np.float64]) -> float:
    return float(shapely.contains_xy(shapely.union_all(ground.pieces), *places.T).mean())


@pytest.mark.parametrize("recall", [0.98, 0.85, 0.7])
@pytest.mark.parametrize("strategy", Strategy)
def test_it_reaches_as_many_weeds_as_it_says(strategy: Strategy, recall: float) -> None:
    off, under = [], []
    for seed in range(8):
        truth = grown(seed)
        ground = lay_out(found(truth, 100 + seed, recall), Layout(direction_deg=20.0), strategy)
        assert ground.coverage >= ground.assured >= 0.95
        share = share_on(ground, truth)
        off.append(share - ground.coverage)
        under.append(share < 0.95)
    assert np.mean(off) == pytest.approx(0.0, abs=0.015)
    assert sum(under) <= 2


def test_the_smallest_of_three_is_taken() -> None:
    best, every = smallest(found(grown(1), 2, 0.85), Layout())
    assert {one.strategy for one in every} == set(Strategy)
    assert best.area_m2 == min(one.area_m2 for one in every if one.assured >= 0.95)
    assert best.area_m2 < 0.5 * np.prod(SIZE)


def test_more_coverage_takes_more_ground() -> None:
    weeds = found(grown(3), 4, 0.8)
    areas = [lay_out(weeds, Layout(coverage=share), Strategy.SPOTS).area_m2 for share in (0.8, 0.9, 0.97)]
    assert areas == sorted(areas)


def test_swaths_run_along_the_rows_in_whole_steps() -> None:
    weeds = Weeds(HERE + np.array([[10.0, 10.0]]), np.array([0.05]), 0.1, 1.0)
    ground = lay_out(weeds, Layout(swath_m=3.0, step_m=2.0, drift_m=0.0), Strategy.SWATHS)
    assert ground.area_m2 % 6.0 == pytest.approx(0.0, abs=1e-9)
    assert share_on(ground, weeds.places) == 1.0


def test_where_nothing_may_be_treated_nothing_is() -> None:
    truth = grown(5)
    half = shapely.box(*HERE, HERE[0] + 30, HERE[1] + 40)
    for strategy in Strategy:
        ground = lay_out(found(truth, 6, 0.9), Layout(allowed=half), strategy)
        assert shapely.union_all(ground.pieces).difference(half.buffer(1e-6)).area == pytest.approx(
            0.0, abs=1e-6
        )
        inside = truth[shapely.contains_xy(half.buffer(-0.5), *truth.T)]
        assert share_on(ground, inside) > 0.9


def test_no_piece_is_smaller_than_asked() -> None:
    ground = lay_out(found(grown(7), 8, 0.95), Layout(least_m2=4.0), Strategy.SPOTS)
    assert min(one.area for one in ground.pieces) >= 4.0


def test_a_single_weed_and_none() -> None:
    one = Weeds(HERE[None] + 1.0, np.array([0.05]), 0.2, 0.8)
    ground = lay_out(one, Layout(), Strategy.SPOTS)
    assert share_on(ground, one.places) == 1.0
    assert ground.coverage == pytest.approx(0.8, abs=1e-4)  # of others nobody knows
    none = Weeds(np.zeros((0, 2)), np.zeros(0), 0.2, 0.8)
    assert smallest(none, Layout())[0].pieces == ()


def test_what_no_sprayer_can_leave_out_is_filled() -> None:
    turn = np.linspace(0, 2 * np.pi, 40)[:-1]
    ring = HERE + 10 + 1.3 * np.column_stack([np.sin(turn), np.cos(turn)])
    weeds = Weeds(ring, np.full(len(ring), 0.05), 0.2, 1.0)
    small = lay_out(weeds, Layout(swath_m=3.0, step_m=2.0), Strategy.SPOTS)
    fine = lay_out(weeds, Layout(swath_m=0.5, step_m=0.5), Strategy.SPOTS)
    assert [len(one.interiors) for one in small.pieces] == [0]
    assert [len(one.interiors) for one in fine.pieces] == [1]
