"""The shortest walk: proven against all orders, around what is kept off, along the rows when that pays."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fieldbox.mapping.walking import EXACT, Terrain, best_order, nearest_to_all, shortest_walk

FIELD = shapely.box(0, 0, 100, 60)
Floats = NDArray[np.float64]


def straight(places: Floats) -> Floats:
    return np.asarray(np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1)))


def cost_of(order: tuple[int, ...] | list[int], cost: Floats) -> float:
    stops = [0, *(one + 1 for one in order), 0]
    return float(cost[stops[:-1], stops[1:]].sum())


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 7), seed=st.integers(0, 10_000), plane=st.booleans())
def test_no_order_of_a_few_spots_is_shorter(count: int, seed: int, plane: bool) -> None:
    rng = np.random.default_rng(seed)
    if plane:
        cost = straight(rng.uniform(0, 100, (count + 1, 2)))
    else:  # any costs, as ways around obstacles may give
        cost = rng.uniform(1, 100, (count + 1, count + 1))
        cost = (cost + cost.T) / 2
        np.fill_diagonal(cost, 0)
    order = best_order(cost)
    assert sorted(order) == list(range(count))
    least = min(cost_of(one, cost) for one in permutations(range(count)))
    assert cost_of(order, cost) == pytest.approx(least)


@pytest.mark.parametrize("count", [EXACT + 2, 30])
def test_many_spots_are_in_an_order_that_no_known_better_one_beats(count: int) -> None:
    # On a circle the best round is known: around it.
    turn = np.random.default_rng(count).permutation(count + 1) * 2 * math.pi / (count + 1)
    places = 50 * np.column_stack([np.cos(turn), np.sin(turn)])
    cost = straight(places)
    found = cost_of(best_order(cost), cost)
    assert found == pytest.approx(2 * 50 * math.sin(math.pi / (count + 1)) * (count + 1))


def test_the_improved_order_is_near_the_proven_one() -> None:
    from fieldbox.mapping import walking  # noqa: PLC0415

    over = []
    for seed in range(12):
        cost = straight(np.random.default_rng(seed).uniform(0, 100, (EXACT + 1, 2)))
        exact, improved = best_order(cost), walking._improved(cost)
        over.append(cost_of(improved, cost) / cost_of(exact, cost) - 1)
    assert min(over) >= -1e-9
    assert np.mean(over) < 0.01


def test_no_spots_and_one() -> None:
    assert shortest_walk(np.zeros((0, 2)), Terrain(FIELD), (3, 4)).length_m == 0
    one = shortest_walk([[30, 0]], Terrain(), (0, 0))
    assert one.order == (0,)
    assert one.length_m == pytest.approx(60)
    assert one.path.tolist() == [[0, 0], [30, 0], [0, 0]]


def test_it_starts_where_the_field_is_nearest_to_all() -> None:
    start = nearest_to_all(np.array([[40.0, 5.0], [50.0, 8.0], [60.0, 5.0]]), FIELD)
    assert start.tolist() == pytest.approx([50, 0], abs=1.7)
    walk = shortest_walk([[40, 5], [50, 8], [60, 5]], Terrain(FIELD))
    assert walk.path[0].tolist() == walk.path[-1].tolist() == start.tolist()


def test_ways_go_around_what_is_kept_off() -> None:
    pond = shapely.box(45, 10, 55, 50)
    walk = shortest_walk([[80, 30]], Terrain(FIELD, pond), (20, 30))
    line = shapely.LineString(walk.path)
    assert (line & pond).length == 0
    around = 2 * (math.hypot(25, 20) + 10 + math.hypot(25, 20))
    assert around <= walk.length_m < around + 3
    assert FIELD.buffer(1.1).covers(line)


def test_a_thousand_trees_are_gone_around() -> None:
    # All pairs of their corners would be tens of millions of ways.
    east, north = np.meshgrid(np.arange(32) * 9.0 + 5, np.arange(32) * 9.0 + 5)
    trees = shapely.union_all(shapely.buffer(shapely.points(east.ravel(), north.ravel()), 1.0))
    field = shapely.box(0, 0, 290, 290)
    found = shortest_walk([(9.5, 140.0), (280.0, 142.0)], Terrain(field, trees), (140.0, 0.0))
    assert not shapely.LineString(found.path).intersects(trees.buffer(-0.05))
    assert found.length_m < 1.05 * 2 * (math.hypot(140, 140) + 140)


def test_a_wall_across_the_field_is_gone_around_outside() -> None:
    wall = shapely.box(45, -5, 55, 65)
    walk = shortest_walk([[80, 30]], Terrain(FIELD, wall), (20, 30))
    assert (shapely.LineString(walk.path) & wall).length == 0
    enclosed = shapely.Point(50, 30).buffer(20) - shapely.Point(50, 30).buffer(10)
    assert len(shortest_walk([[50, 30]], Terrain(FIELD, enclosed), (5, 5)).path) == 3


def test_a_dent_in_the_field_is_walked_around_unless_the_way_is_long() -> None:
    dented = FIELD - shapely.box(40, 10, 60, 60)
    inside = shortest_walk([[65, 20]], Terrain(dented), (35, 20))
    assert dented.buffer(1.1).covers(shapely.LineString(inside.path))
    across = shortest_walk([[61, 58]], Terrain(FIELD - shapely.box(49, 1, 51, 60)), (39, 58))
    assert across.length_m == pytest.approx(44)


def test_rows_are_kept_to_when_that_pays() -> None:
    # Rows run east; the spots stand 30 rows apart, near the eastern edge.
    spots = [[90, 15], [90, 45]]
    plain = shortest_walk(spots, Terrain(FIELD), (95, 0))
    along = shortest_walk(spots, Terrain(FIELD, rows_deg=90, across=8), (95, 0))

    def trampled(path: Floats) -> float:
        steps = np.diff(path, axis=0)
        middle = (path[:-1] + path[1:]) / 2
        return float(np.abs(steps[:, 1])[middle[:, 0] < 99].sum())

    assert trampled(along.path) == pytest.approx(0, abs=1e-6)
    assert trampled(plain.path) > 80
    assert along.length_m > plain.length_m
    near = shortest_walk([[50, 30], [50, 31]], Terrain(FIELD, rows_deg=90, across=4), (0, 30))
    assert near.length_m < 105


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.one_of(st.none(), st.floats(0, 180)), count=st.integers(1, 9))
def test_every_spot_is_visited_once(seed: int, rows: float | None, count: int) -> None:
    rng = np.random.default_rng(seed)
    pond = shapely.Point(*rng.uniform(20, 40, 2)).buffer(8, quad_segs=2)
    spots = rng.uniform(0, 1, (count, 2)) * (100, 60)
    spots = spots[~shapely.contains_xy(pond, *spots.T)]
    walk = shortest_walk(spots, Terrain(FIELD, pond, rows))
    assert sorted(walk.order) == list(range(len(spots)))
    if len(spots):
        assert all(np.hypot(*(walk.path - spot).T).min() < 1e-9 for spot in spots)
        line = shapely.LineString(walk.path)
        assert (line & pond.buffer(-0.02)).length == 0


def test_going_across_rows_costs_no_less_than_along() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Terrain(FIELD, across=0.5)
