"""Intervals hold the value they belong to, and widen with what is not known."""

from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import Interval
from fieldbox.mapping.intervals import (
    area_interval,
    count_interval,
    cover_interval,
    edge_interval,
    proportion_interval,
    quotient_interval,
    ratio_error_of_cover,
    ratio_of_count,
)

ratios = st.tuples(st.floats(0.3, 1.2), st.floats(0.0, 1.0)).map(
    lambda pair: Interval(pair[0], pair[0] + pair[1])
)


@given(st.integers(0, 10**6), ratios)
def test_a_count_lies_in_its_interval(count: int, ratio: Interval) -> None:
    low, high = count_interval(count, ratio)
    assert 0 <= low <= count <= high
    assert high > count or ratio.high < 1


def test_counting_nothing_does_not_prove_that_there_is_nothing() -> None:
    assert count_interval(0, Interval(0.9, 1.1)).high > 3.68
    assert cover_interval(0.0, Interval(0.9, 1.1), 100.0).high > 0.007


@given(st.floats(0, 100), ratios)
def test_a_cover_lies_in_its_interval(percent: float, ratio: Interval) -> None:
    low, high = cover_interval(percent, ratio, 1000.0)
    assert 0 <= low <= percent <= high <= 100


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_a_share_lies_in_its_interval(share: float, samples: int) -> None:
    low, high = proportion_interval(share, samples)
    assert -1e-9 <= low <= 100 * share + 1e-9
    assert 100 * share - 1e-9 <= high <= 100 + 1e-9


def test_an_area_grows_with_the_square_of_the_scale() -> None:
    low, high = area_interval(2.0, 0.1)
    assert abs(low - 2 * 0.81) < 1e-12
    assert abs(high - 2 * 1.21) < 1e-12


def test_the_edge_strip_is_the_perimeter_times_the_error() -> None:
    low, high = edge_interval(0.5, perimeter_m=400, area_m2=10_000, error95_m=1)
    assert (low, high) == (46.0, 54.0)
    assert edge_interval(0.0, 400, 10_000, 100) == Interval(0.0, 100.0)


@given(st.integers(1, 10**5), ratios, st.floats(0.01, 100.0), st.floats(0.001, 0.3))
def test_plants_to_the_hectare_lie_in_their_interval(
    count: int, ratio: Interval, area: float, error: float
) -> None:
    plants, ground = count_interval(count, ratio), area_interval(area, error)
    found = quotient_interval(count, plants, area, ground)
    assert found is not None
    assert found.low <= count / area * (1 + 1e-9)
    assert count / area <= found.high * (1 + 1e-9)
    # No narrower than by the plants alone, no wider than if both were off at once.
    assert plants.low / ground.high * (1 - 1e-9) <= found.low <= plants.low / area * (1 + 1e-9)
    assert plants.high / area * (1 - 1e-9) <= found.high <= plants.high / ground.low * (1 + 1e-9)


def test_no_plants_and_no_area() -> None:
    nothing = quotient_interval(0, Interval(0.0, 4.0), 2.0, Interval(1.6, 2.5))
    assert nothing == Interval(0.0, 2.5)
    assert quotient_interval(5, Interval(3.0, 7.0), 2.0, Interval(0.0, 8.0)) is None


@given(st.integers(50, 10**5), st.floats(0.9, 1.1), st.floats(0.01, 0.1))
def test_what_the_model_adds_is_read_back_from_a_count(count: int, mean: float, relative: float) -> None:
    half = 1.959964 * relative * mean
    interval = count_interval(count, Interval(mean - half, mean + half))
    found, error = ratio_of_count(count, interval)
    inside = interval.low < count < interval.high
    assert not inside or (abs(found - mean) < 1e-6 and abs(error - relative) < 1e-4)
    assert ratio_of_count(0, Interval(0, 3.7)) == (1.0, 0.0)


@given(st.floats(0.5, 50), st.floats(0.01, 0.1))
def test_what_the_model_adds_is_read_back_from_a_cover(percent: float, relative: float) -> None:
    half = 1.959964 * relative
    interval = cover_interval(percent, Interval(1 - half, 1 + half), 1e6)
    assert abs(ratio_error_of_cover(percent, interval) - relative) < 1e-3
    assert ratio_error_of_cover(0.0, Interval(0, 1)) == 0
