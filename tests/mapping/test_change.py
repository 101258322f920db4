"""What is said of two dates is what happened between them, and nothing is said where nothing did."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fieldbox.domain import Became, Measure, Shift, ShiftBasis
from fieldbox.mapping.change import (
    FALSE_CALLS,
    Both,
    Noise,
    cell_size,
    compare_cells,
    discovered,
    lay,
    not_shared,
    total_cover,
    total_weeds,
    two_poisson,
)
from fieldbox.mapping.changedspots import changed_spots
from fieldbox.mapping.efficacy import efficacy
from fieldbox.mapping.geo import easting_northing, lon_lat
from fieldbox.mapping.overlay import Dated, Frame, move, standing, tally
from tests.mapping.twodates import (
    EPSG,
    EXACT,
    HERE,
    SIZE,
    STILL,
    WEED_M2,
    dated,
    map_of,
    patch,
    seen_again,
    sprayed,
    strewn,
)

Floats = NDArray[np.float64]


def laid(before: Dated, after: Dated, shift: Shift = STILL, cell_m: float = 2.0) -> Both:
    both = lay(before, after, shift, cell_m)
    assert both is not None
    return both


def calls(before: Dated, after: Dated, shift: Shift = STILL, measure: Measure = Measure.COUNT) -> Floats:
    both = laid(before, after, shift)
    found: Floats = compare_cells(both, Noise.of(before, after, shift), measure).call.astype(float)
    return found


# -- laying maps on each other ---------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    cell=st.sampled_from([0.5, 1.0, 1.7, 3.0]),
    common=st.sampled_from([0.8, 1.0, 2.5]),
    east=st.floats(-3, 3),
    north=st.floats(-3, 3),
    turn=st.floats(-5, 5),
    scale=st.floats(0.9, 1.1),
)
def test_nothing_is_lost_or_made_whatever_the_cells(
    cell: float, common: float, east: float, north: float, turn: float, scale: float
) -> None:
    weeds = strewn(np.random.default_rng(4), 1.0)
    one = dated(weeds, cell_m=cell, single=False)
    shift = Shift(east, north, 0.0, ShiftBasis.PLANTS, 9, scale, turn, (float(HERE[0]), float(HERE[1])))
    top = math.floor(-(HERE[1] + SIZE[1] + 30) / common)
    frame = Frame(
        EPSG,
        top,
        math.floor((HERE[0] - 30) / common),
        math.ceil(100 / common),
        math.ceil(110 / common),
        common,
    )
    found = tally(one, frame, shift)
    ground = one.grid.seen.size * cell**2
    assert found.weeds.sum() == pytest.approx(len(weeds), rel=1e-6)
    assert found.seen_m2.sum() == pytest.approx(ground * scale**2, rel=1e-6)
    assert found.weed_m2.sum() == pytest.approx(len(weeds) * WEED_M2 * scale**2, rel=1e-4)
    # Where they are: the middle of all weeds goes where the middle of the field's weeds goes.
    at = np.stack(frame.middles(), axis=-1).reshape(-1, 2)
    middle = (at * found.weeds.reshape(-1, 1)).sum(axis=0) / found.weeds.sum()
    own = np.stack(
        [(np.floor(weeds[:, 0] / cell) + 0.5) * cell, (np.floor(weeds[:, 1] / cell) + 0.5) * cell], 1
    )
    assert np.abs(middle - move(own, EPSG, EPSG, shift).mean(axis=0)).max() < 0.1


def test_a_field_on_the_border_of_two_zones_did_not_change() -> None:
    rng = np.random.default_rng(5)
    middle = easting_northing(32643, [[77.9999, 18.5]])[0]
    weeds = strewn(rng, 2.0, corner=middle)
    other = easting_northing(32644, lon_lat(32643, weeds))
    low = other.min(axis=0)
    before = dated(weeds, corner=middle)
    after = dated(other, epsg=32644, corner=low, size=np.ptp(other, axis=0))
    shift = Shift(0.0, 0.0, 0.01, ShiftBasis.PLANTS)
    found = standing(before, after, shift)
    assert found is not None
    assert len(found.again) == len(weeds)
    both = laid(before, after, shift)
    cells = compare_cells(both, Noise.of(before, after, shift), Measure.COUNT)
    assert np.isfinite(cells.call).sum() > 200
    assert not np.nan_to_num(cells.call).any()
    assert total_weeds(both, Noise.of(before, after, shift)).ratio == pytest.approx(1.0, abs=0.01)


def test_fields_apart_have_no_cells() -> None:
    here = dated(strewn(np.random.default_rng(1), 1.0))
    there = dated(strewn(np.random.default_rng(1), 1.0, corner=HERE + 500), corner=HERE + 500)
    assert lay(here, there, STILL, 2.0) is None


def test_weeds_beyond_the_boundary_and_ground_that_one_did_not_see_do_not_count() -> None:
    rng = np.random.default_rng(6)
    weeds = strewn(rng, 2.0)
    ring = HERE + np.array([[0, 0], [20, 0], [20, 30], [0, 30]], float)
    half = replace(dated(weeds), ring=ring)
    both = laid(half, dated(weeds))
    assert both.common_m2 == pytest.approx(600, rel=0.01)
    grid = half.grid
    seen = grid.seen.copy()
    seen[:15] = 0.3
    blind = replace(half, ring=None, grid=replace(grid, seen=seen))
    cells = compare_cells(laid(blind, dated(weeds)), Noise(0, 0, 0, WEED_M2), Measure.COUNT)
    assert np.isnan(cells.call[:7]).all()
    assert np.isnan(cells.density_before[:7]).all()
    assert np.isfinite(cells.call[8:15]).all()


# -- telling chance from change -----------------------------------------------------------------------


@given(before=st.integers(0, 60), after=st.integers(0, 60), share=st.floats(0.1, 0.9))
def test_the_chance_of_two_counts_is_the_binomials(before: int, after: int, share: float) -> None:
    n = before + after
    own = scipy.stats.binom.pmf(after, n, share) / 2
    tails = scipy.stats.binom.cdf(after, n, share) - own, scipy.stats.binom.sf(after - 1, n, share) - own
    found = two_poisson(np.array([float(before)]), np.array([float(after)]), np.array([share]))
    assert found[0] == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6, abs=1e-12)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=40))
def test_calls_are_those_of_benjamini_and_hochberg(values: list[float]) -> None:
    chance = np.array(values, float)
    known = sorted(one for one in values if not math.isnan(one))
    limit = max((p for i, p in enumerate(known, 1) if p <= FALSE_CALLS * i / len(known)), default=-1.0)
    assert discovered(chance, FALSE_CALLS).tolist() == [one <= limit for one in values]


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize("shift", [STILL, EXACT])
def test_where_nothing_changed_hardly_anything_is_called(measure: Measure, shift: Shift) -> None:
    called = cells = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        weeds = np.concatenate([strewn(rng, 1.0), *(patch(rng, (10 * i, 8 * i), 120) for i in (1, 2, 3))])
        before, after = (seen_again(rng, weeds, 0.8) for _date in range(2))
        found = calls(dated(before), dated(after), shift, measure)
        called += int(np.nan_to_num(np.abs(found)).sum())
        cells += found.size
    assert called <= 0.003 * cells


def test_no_telling_where_single_weeds_differ_and_a_call_where_many_do() -> None:
    rng = np.random.default_rng(8)
    weeds = strewn(rng, 1.5)
    came = np.concatenate([weeds, patch(rng, (25.0, 11.0), 60)])
    found = calls(dated(weeds), dated(came), EXACT)
    assert set(np.unique(found)) == {0.0, 1.0}
    row, column = np.nonzero(found == 1)
    assert np.abs(column * 2 + 1 - 25).max() <= 4
    assert np.abs(30 - row * 2 - 1 - 11).max() <= 4
    assert np.array_equal(calls(dated(came), dated(weeds), EXACT), -found)


def test_weeds_found_again_make_smaller_changes_plain() -> None:
    rng = np.random.default_rng(9)
    weeds = strewn(rng, 4.0)
    ground = shapely.box(*HERE, HERE[0] + 20, HERE[1] + 30)
    left = sprayed(rng, weeds, ground, 0.6)
    before, after = dated(seen_again(rng, weeds, 0.9)), dated(seen_again(rng, left, 0.9))
    alone = (calls(before, after, STILL) == -1).sum()
    again = (calls(before, after, EXACT) == -1).sum()
    assert again > 1.3 * alone


def test_an_edge_is_no_change_where_maps_may_lie_off() -> None:
    rng = np.random.default_rng(10)
    dense = HERE + rng.uniform(0, 1, (12_000, 2)) * (20.0, 30.0)
    moved = dense + np.array([0.5, 0.0])
    sure, unsure = STILL, replace(STILL, error_m=0.5)
    assert (np.abs(calls(dated(dense), dated(moved), sure)) == 1).sum() >= 15
    assert (np.abs(calls(dated(dense), dated(moved), unsure)) == 1).sum() == 0


def test_what_the_model_may_add_to_a_whole_field_is_no_change() -> None:
    rng = np.random.default_rng(11)
    before, after = strewn(rng, 200.0), strewn(rng, 236.0)
    told, blind = ((dated(before, error=error), dated(after, error=error)) for error in (0.12, 0.0))
    assert (calls(*blind) == 1).mean() > 0.5
    assert not (calls(*told) == 1).any()
    total = total_weeds(laid(*told), Noise.of(*told, STILL))
    assert total.change_interval95.low < 0 < total.change_interval95.high
    assert total_weeds(laid(*blind), Noise.of(*blind, STILL)).change_interval95.low > 0


@given(st.floats(0, 1), st.floats(0, 1))
def test_half_of_the_models_error_drops_out(one: float, other: float) -> None:
    alone = math.hypot(one, other)
    assert max(0.0, abs(one - other)) - 1e-9 <= not_shared(one, other) <= alone + 1e-9
    assert not_shared(one, one) == pytest.approx(one)


@pytest.mark.parametrize("shift", [STILL, EXACT])
def test_totals_hold_the_truth_as_often_as_they_say(shift: Shift) -> None:
    inside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        weeds = strewn(rng, 0.5)
        left = weeds[rng.random(len(weeds)) < 0.7]
        before, after = dated(seen_again(rng, weeds, 0.8)), dated(seen_again(rng, left, 0.8))
        both, noise = laid(before, after, shift), Noise.of(before, after, shift)
        low, high = total_weeds(both, noise).ratio_interval95 or (math.nan, math.nan)
        inside += low <= len(left) / len(weeds) <= high
        cover = total_cover(both, noise)
        assert cover.change_interval95.low <= cover.change <= cover.change_interval95.high
    assert inside >= 35


def test_a_bare_field_has_no_ratio_and_an_interval_all_the_same() -> None:
    bare, weedy = dated(np.zeros((0, 2))), dated(strewn(np.random.default_rng(2), 0.3))
    both = laid(bare, weedy)
    total = total_weeds(both, Noise.of(bare, weedy, STILL))
    assert total.ratio is None
    assert total.change_interval95.low > 0
    none = total_weeds(laid(bare, bare), Noise.of(bare, bare, STILL))
    assert none.change_interval95.low < 0 < none.change_interval95.high
    gone = total_weeds(laid(weedy, bare), Noise.of(weedy, bare, STILL))
    assert gone.ratio == 0
    assert gone.ratio_interval95 is not None
    assert gone.ratio_interval95.high > 0


# -- cells --------------------------------------------------------------------------------------------


def test_cells_grow_with_the_error_of_the_maps_and_where_weeds_are_few() -> None:
    rng = np.random.default_rng(3)
    many, few = dated(strewn(rng, 9.0)), dated(strewn(rng, 0.6))
    assert cell_size(many, many, EXACT) == (1.0, None)
    size, why = cell_size(few, few, EXACT)
    assert size == 4.0
    assert "few" in str(why)
    size, why = cell_size(many, many, Shift(0, 0, 1.5, ShiftBasis.STATED))
    assert size == 8.0
    assert "could not be aligned" in str(why)


# -- spots --------------------------------------------------------------------------------------------


def test_spots_are_new_spreading_shrinking_or_gone() -> None:
    rng = np.random.default_rng(12)
    ground = strewn(rng, 0.6)
    old = patch(rng, (8.0, 8.0), 150, 1.2)
    going = patch(rng, (30.0, 8.0), 150, 1.2)
    half = patch(rng, (8.0, 23.0), 400, 1.6)
    before = np.concatenate([ground, old, going, half])
    left = half[half[:, 0] > HERE[0] + 8.0]
    spread, new = patch(rng, (11.0, 8.0), 150, 0.9), patch(rng, (30.0, 22.0), 120, 1.0)
    after = np.concatenate([ground, old, left, spread, new])
    one, other = dated(before), dated(after)
    both = laid(one, other, EXACT)
    cells = compare_cells(both, Noise.of(one, other, EXACT), Measure.COUNT)
    spots = changed_spots(both, cells.call, Measure.COUNT)
    at = np.array([easting_northing(EPSG, [[spot.lon, spot.lat]])[0] - HERE for spot in spots])
    places = {
        (30.0, 22.0): Became.NEW,
        (12.0, 8.0): Became.SPREADING,
        (30.0, 8.0): Became.GONE,
        (7.0, 23.0): Became.SHRINKING,
    }
    for place, became in places.items():
        nearest = int(np.hypot(*(at - place).T).argmin())
        assert (spots[nearest].became, place) == (became, place)
    gone = next(spot for spot in spots if spot.became is Became.GONE)
    assert gone.count_change is not None
    assert gone.count_change == pytest.approx(-130, abs=35)
    ring = easting_northing(EPSG, gone.patch[0])
    assert shapely.Polygon(ring).area == pytest.approx(gone.area_m2, rel=0.02)
    assert [spot.area_m2 for spot in spots] == sorted((spot.area_m2 for spot in spots), reverse=True)
    assert not changed_spots(both, cells.call, Measure.COUNT, least_m2=1e4)


# -- did it work ----------------------------------------------------------------------------------------

TREATED = shapely.box(HERE[0], HERE[1], HERE[0] + 18.0, HERE[1] + 30.0)


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("kill", [0.0, 0.5, 0.9])
def test_efficacy_holds_the_truth_while_the_field_grows(kill: float, single: bool) -> None:
    inside = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        weeds = strewn(rng, 1.5)
        # New ones come up everywhere, a third of all: on the treated ground as beside it, before it was treated.
        both_kinds = np.concatenate([weeds, strewn(rng, 0.5)])
        left = sprayed(rng, both_kinds, TREATED, kill)
        before = dated(seen_again(rng, weeds, 0.85), single=single)
        after = dated(seen_again(rng, left, 0.85), single=single)
        shift = EXACT if single else STILL
        found = efficacy(laid(before, after, shift, 1.0), (before, after), TREATED, 0.3)
        assert found.value is not None
        assert found.interval95 is not None
        low, high = found.interval95
        assert low <= found.value <= high <= 1
        inside += low <= kill <= high
    assert inside >= 8


def test_false_calls_leave_room_above() -> None:
    rng = np.random.default_rng(20)
    weeds, stones = strewn(rng, 2.0), strewn(rng, 0.5)
    left = np.concatenate([sprayed(rng, weeds, TREATED, 1.0), stones])
    before = replace(dated(np.concatenate([weeds, stones])), false_share=0.25)
    after = dated(left)
    found = efficacy(laid(before, after, EXACT, 1.0), (before, after), TREATED, 0.3)
    assert found.value == pytest.approx(0.8, abs=0.07)
    assert found.interval95 is not None
    assert found.interval95.high == 1.0


def test_no_telling_without_weeds_or_without_a_control() -> None:
    rng = np.random.default_rng(21)
    weeds = strewn(rng, 1.0)
    on = shapely.contains_xy(TREATED, weeds[:, 0], weeds[:, 1])
    one, other = dated(weeds[~on]), dated(weeds)
    none = efficacy(laid(one, other, STILL, 1.0), (one, other), TREATED, 0.3)
    assert none.value is None
    assert none.interval95 is None
    assert "on the treated ground" in str(none.why)
    every = shapely.box(*(HERE - 5), *(HERE + SIZE + 5))
    all_of_it = efficacy(laid(other, other, STILL, 1.0), (other, other), every, 0.3)
    assert all_of_it.value is None
    assert "not treated" in str(all_of_it.why)


def test_by_cover_where_weeds_are_not_counted() -> None:
    rng = np.random.default_rng(22)
    weeds = strewn(rng, 3.0)
    left = sprayed(rng, weeds, TREATED, 0.9)
    blank = [
        replace(one, weeds=None, grid=replace(one.grid, weed_density=one.grid.weed_density * np.nan))
        for one in (dated(weeds), dated(left))
    ]
    before, after = blank
    both = laid(before, after, STILL, 1.0)
    found = efficacy(both, (before, after), TREATED, 0.3, Measure.COVER)
    assert found.value == pytest.approx(0.9, abs=0.05)
    cells = compare_cells(laid(before, after), Noise.of(before, after, STILL), Measure.COVER)
    assert (cells.call[:, :8] == -1).mean() > 0.8
    assert np.isnan(cells.density_before).all()
    assert map_of(weeds).cell_m == 1.0
