"""Places by rows and paces, on fields where it is known which row a place is in."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import FromCorner, InRows, Side
from fieldbox.mapping.pacing import PACE_M, Ground, corners, find, gathered, side, start_of
from fieldbox.mapping.rows import find_rows
from tests.mapping.sown import HERE, circles, sow, straight

SIZE = (24.0, 16.0)


def field(width: float = SIZE[0], height: float = SIZE[1]) -> shapely.Polygon:
    east, north = HERE.tolist()
    return shapely.box(east - width / 2, north - height / 2, east + width / 2, north + height / 2)


def in_rows(ground: Ground, place: tuple[float, float]) -> InRows:
    (found,) = find(ground, [np.array([place]) + HERE])
    assert isinstance(found, InRows)
    return found


def test_rows_that_run_north_are_counted_from_the_nearer_side() -> None:
    lines = straight(0.0, 0.75, SIZE)
    sown = sow(lines, 3)
    ground = Ground(field(), find_rows(sown.places), sown.places)
    across = sorted({round(float(line[:, 0].mean()), 6) for line in lines})
    for number in (0, 3, 10):
        found = in_rows(ground, (across[number], -5.0))
        assert found.rows == (number + 1, number + 1) and found.edge is Side.WEST
        assert found.end is Side.SOUTH and found.paces[0] == pytest.approx(3.0 / PACE_M, abs=1)
        found = in_rows(ground, (across[-1 - number], 5.5))
        assert found.rows == (number + 1, number + 1) and found.edge is Side.EAST
        assert found.end is Side.NORTH and found.paces[0] == pytest.approx(2.5 / PACE_M, abs=1)


@pytest.mark.parametrize("direction", [20.0, 65.0, 90.0, 130.0, 160.0])
def test_rows_of_any_direction(direction: float) -> None:
    lines = straight(direction, 0.75, SIZE)
    sown = sow(lines, 5)
    ground = Ground(field(), find_rows(sown.places), sown.places)
    turn = math.radians(direction)
    across = np.array([math.cos(turn), -math.sin(turn)])
    # Stray ends in the corners of the field may hold too few plants to count as rows.
    offsets = sorted({round(float((line @ across).mean()), 6) for line in lines if len(line) > 40})
    found = in_rows(ground, tuple((offsets[6] * across).tolist()))
    assert abs(found.rows[0] - 7) <= 1
    assert found.edge is side(*(-across).tolist())
    away = shapely.box(-12, -8, 12, 8).exterior.intersection(
        shapely.LineString([offsets[6] * across + way * 40 * np.array([math.sin(turn), math.cos(turn)]) for way in (-1, 1)])
    )  # fmt: skip
    nearest = min(math.dist(one.coords[0], offsets[6] * across) for one in away.geoms)
    assert found.paces[0] == pytest.approx(nearest / PACE_M, abs=1.5)


def test_paces_follow_a_curve() -> None:
    """A quarter of circles around a pivot in the south-west: paces are those of the arc."""
    lines = [line[(line[:, 0] > 0) & (line[:, 1] > 0)] for line in circles(8.0, 25.0, 0.75)]
    sown = sow(lines, 4)
    boundary = shapely.box(HERE[0], HERE[1], HERE[0] + 26, HERE[1] + 26)
    ground = Ground(boundary, find_rows(sown.places), sown.places)
    radius, turn = 8.0 + 9 * 0.75, math.radians(30)
    found = in_rows(ground, (radius * math.cos(turn), radius * math.sin(turn)))
    assert found.rows == (10, 10)
    assert found.paces[0] == pytest.approx(radius * turn / PACE_M, abs=2)
    assert found.end in (Side.SOUTH, Side.SOUTH_EAST)


def test_ground_across_rows_is_told_from_row_to_row_and_from_pace_to_pace() -> None:
    lines = straight(0.0, 0.75, SIZE)
    sown = sow(lines, 3)
    ground = Ground(field(), find_rows(sown.places), sown.places)
    across = sorted({round(float(line[:, 0].mean()), 6) for line in lines})
    west, east = across[4], across[8]
    ring = np.array([(west, -6.0), (east, -6.0), (east, -3.0), (west, -3.0)])
    (found,) = find(ground, [np.vstack([ring.mean(axis=0), ring]) + HERE])
    assert isinstance(found, InRows)
    assert found.rows == (5, 9) and found.edge is Side.WEST
    assert found.paces[0] == pytest.approx(2.0 / PACE_M, abs=1)
    assert found.paces[1] == pytest.approx(5.0 / PACE_M, abs=1)


def test_a_weed_beside_the_field_is_no_row() -> None:
    sown = sow(straight(0.0, 0.75, SIZE), 3)
    stray = np.array([[-13.0, 2.0], [-13.0, 3.0]]) + HERE
    rows = find_rows(sown.places)
    place = (sown.places[:, 0].min() - HERE[0], 0.0)
    plain = in_rows(Ground(field(30.0), rows, sown.places), place)
    assert (
        in_rows(Ground(field(30.0), rows, np.vstack([sown.places, stray])), place).rows
        == plain.rows
        == (1, 1)
    )


def test_without_rows_a_place_is_told_from_the_nearest_corner() -> None:
    ground = Ground(field(), None, np.zeros((0, 2)))
    (found,) = find(ground, [np.array([(-9.0, -4.0)]) + HERE])
    assert isinstance(found, FromCorner)
    assert found.corner is Side.SOUTH_WEST
    assert found.bearing_deg == pytest.approx(math.degrees(math.atan2(3, 4)))
    assert found.towards is Side.NORTH_EAST
    assert found.paces == round(5.0 / PACE_M)


def test_a_place_off_the_rows_is_told_from_a_corner() -> None:
    sown = sow(straight(0.0, 0.75, SIZE), 3)
    ground = Ground(field(80.0, 60.0), find_rows(sown.places), sown.places)
    (found,) = find(ground, [np.array([(35.0, 25.0)]) + HERE])
    assert isinstance(found, FromCorner) and found.corner is Side.NORTH_EAST


def test_north_is_true_north() -> None:
    assert side(0.0, 1.0) is Side.NORTH
    assert side(0.0, 1.0, 30.0) is Side.NORTH_EAST
    ground = Ground(field(), None, np.zeros((0, 2)), convergence_deg=2.0)
    (found,) = find(ground, [np.array([(-12.0, -3.0)]) + HERE])
    assert isinstance(found, FromCorner) and found.bearing_deg == pytest.approx(2.0)


def test_the_corners_of_a_field_lie_farthest_out() -> None:
    found = corners(field())
    assert {one: tuple(np.round(np.array(place) - HERE, 3).tolist()) for one, place in found.items()} == {
        Side.NORTH_EAST: (12.0, 8.0),
        Side.SOUTH_EAST: (12.0, -8.0),
        Side.SOUTH_WEST: (-12.0, -8.0),
        Side.NORTH_WEST: (-12.0, 8.0),
    }


def test_the_walk_starts_at_the_corner_that_is_nearest_to_all() -> None:
    ground = Ground(field(), None, np.zeros((0, 2)))
    start, place = start_of(ground, np.array([(0.0, 7.0), (-11.0, 7.0), (-11.0, -7.0)]) + HERE)
    assert start is Side.NORTH_WEST
    assert tuple(np.round(np.array(place) - HERE, 3).tolist()) == (-12.0, 8.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=1, max_size=30), st.integers(1, 12))
def test_every_place_is_in_one_group_and_groups_are_not_too_many(
    places: list[tuple[float, float]], most: int
) -> None:
    groups = gathered(places, most)
    assert len(groups) <= most or len(groups) == len(places) <= most
    assert sorted(number for group in groups for number in group) == list(range(len(places)))


def test_groups_are_of_places_beside_each_other_and_their_middle_is_first() -> None:
    places = [(0.0, 0.0), (30.0, 0.0), (1.0, 0.0), (31.0, 0.0), (2.2, 0.0), (60.0, 5.0)]
    assert sorted(gathered(places, 3)) == [[1, 3], [2, 0, 4], [5]]
    assert gathered(places, 6) == [[0], [1], [2], [3], [4], [5]]
