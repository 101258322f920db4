"""Lines of a sprayer: they wet what is to be treated, leave off what is kept off, and waste little way between."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.mapping.spraylines import Sprayer, SprayLines, spray_lines
from tests.mapping.prescribed import FIELD, random_pieces

NOTHING = shapely.Polygon()
SQUARE = shapely.box(-100, -100, 100, 100)


def wetted(flown: SprayLines, swath_m: float) -> shapely.Geometry:
    lines = [shapely.LineString(line) for line in flown.lines]
    return shapely.union_all([line.buffer(swath_m / 2 + 1e-6, cap_style="flat") for line in lines])


@pytest.mark.parametrize("direction", [0, 30, 90, 135, 270])
def test_a_field_is_flown_to_and_fro(direction: float) -> None:
    piece = shapely.affinity.rotate(shapely.box(-20, -30, 20, 30), -direction, origin=(0, 0))
    flown = spray_lines([piece], NOTHING, SQUARE, Sprayer(4.0, 1.0, direction))
    assert len(flown.lines) == 10
    assert flown.sprayed_m == pytest.approx(10 * 60)
    assert flown.transit_m == pytest.approx(9 * 4)
    ways = np.array(flown.lines)
    turn = np.radians(direction)
    along = (ways[:, 1] - ways[:, 0]) @ (np.sin(turn), np.cos(turn))
    assert along[0] * along == pytest.approx([3600, -3600] * 5)
    assert flown.missed_m2 == pytest.approx(0, abs=1e-6)


def test_lines_begin_where_cells_of_the_swath_do() -> None:
    cells = [shapely.box(0.3 + 2 * x, y, 2.3 + 2 * x, y + 1) for x, y in ((0, 0), (3, 5), (7, 2))]
    flown = spray_lines(cells, NOTHING, SQUARE, Sprayer(2.0, 1.0, 0.0))
    assert len(flown.lines) == 3
    assert flown.sprayed_m == pytest.approx(3)


def test_a_short_pause_is_closed_and_a_short_stretch_lengthened() -> None:
    pieces = [shapely.box(0, 0, 2, 5), shapely.box(0, 5.4, 2, 8), shapely.box(0, 20, 2, 20.2)]
    flown = spray_lines(pieces, NOTHING, SQUARE, Sprayer(2.0, 1.0, 0.0))
    stretches = sorted(tuple(sorted((a[1], b[1]))) for a, b in flown.lines)
    assert stretches == [(0, 8), (pytest.approx(19.6), pytest.approx(20.6))]


def test_nothing_is_lengthened_beyond_the_field() -> None:
    flown = spray_lines(
        [shapely.box(0, 0, 2, 0.2)], NOTHING, shapely.box(-5, 0, 5, 9), Sprayer(2.0, 1.0, 0.0)
    )
    ((begin, end),) = flown.lines
    assert sorted((begin[1], end[1])) == pytest.approx([0, 0.6])


def test_swaths_stay_on_the_field_where_they_can() -> None:
    field = shapely.box(0, 0, 24, 30)
    spots = [shapely.Point(x, y).buffer(0.6) & field for x, y in ((0.3, 5), (23.5, 9), (11, 20), (13, 3))]
    flown = spray_lines(spots, NOTHING, field, Sprayer(4.0, 1.0, 0.0))
    assert wetted(flown, 4.0).difference(field).area == pytest.approx(0, abs=0.01)
    assert flown.missed_m2 == pytest.approx(0, abs=0.01)


def test_kept_off_ground_is_never_within_half_a_swath() -> None:
    pond = shapely.Point(3, 0).buffer(4)
    flown = spray_lines([shapely.box(-20, -20, 20, 20)], pond, SQUARE, Sprayer(3.0, 1.0, 25.0))
    assert wetted(flown, 3.0).intersection(pond).area == pytest.approx(0, abs=0.05)
    assert flown.missed_m2 > pond.area
    assert wetted(flown, 3.0).area > 1600 - 4 * pond.area


def test_scattered_spots_are_flown_from_one_to_the_next() -> None:
    rng = np.random.default_rng(4)
    spots = [shapely.Point(*rng.uniform(-90, 90, 2)).buffer(0.7) for _ in range(40)]
    flown = spray_lines(spots, NOTHING, SQUARE, Sprayer(2.0, 1.0, 0.0))
    by_line = sorted(flown.lines)
    plain = sum(math.dist(one[1], other[0]) for one, other in itertools.pairwise(by_line))
    assert flown.transit_m < plain / 2
    assert flown.missed_m2 < 0.01


def test_nothing_to_treat() -> None:
    flown = spray_lines([], NOTHING, SQUARE, Sprayer(2.0, 1.0, 0.0))
    assert flown.lines == ()
    assert flown.transit_m == flown.sprayed_m == flown.missed_m2 == 0


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 25),
    direction=st.floats(0, 360),
    swath=st.sampled_from([0.8, 2.0, 6.5]),
)
def test_any_pieces_are_wetted(seed: int, count: int, direction: float, swath: float) -> None:
    pieces = [shape for shape, _rate in random_pieces(seed, count)]
    flown = spray_lines(pieces, NOTHING, FIELD, Sprayer(swath, 1.0, direction))
    ground, wet = shapely.union_all(pieces), wetted(flown, swath)
    assert ground.difference(wet).area < 0.01 * ground.area + 0.02
    assert flown.missed_m2 == pytest.approx(ground.difference(wet).area, abs=0.02)
    # No farther than a swath across and the shortest stretch along.
    assert ground.buffer(math.hypot(swath, 1.0) + 0.05).covers(wet)
    ways = np.array(flown.lines)
    assert len({(round(x, 3), round(y, 3)) for x, y in ways.mean(axis=1)}) == len(ways)
