"""The shortest walk from a start through spots and back.

Ways between two places run straight, or around the corners of ground that is kept off, or along the field's edge where that is
cheaper (a visibility graph: Lozano-Perez and Wesley 1979, Communications of the ACM 22, 560-570; Dijkstra's algorithm). A metre
outside the field counts OUTSIDE metres; in a crop that stands in rows each metre across them tramples plants and counts
`across` metres, so that ways follow the rows and change them on the headland when that pays. Within the crop the cost of a way is
its length plus (across - 1) times the part of it that goes across the rows: a norm, so no bend makes a way cheaper.

The order of up to EXACT spots is the best there is (Held and Karp 1962, Journal of the SIAM 10, 196-210); of more it is found
by 2-opt and Or-opt moves from many starts (Croes 1958; Or 1976), not proven to be the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

EXACT = 10
"""Spots, up to which the order is proven to be the best."""
OUTSIDE = 3.0
"""What a metre outside the field counts, in metres: a short cut over the neighbour's is taken where the way round is long."""
ROWS_ACROSS = 4.0
"""What a metre across crop rows counts, in metres, if somebody wants to keep to the rows."""
MOST_CORNERS = 400
"""Of ground that is kept off, around which ways may turn."""
_PLAIN_M = 1.0
"""By which the outline of the field, and of ground that is kept off, may be drawn plainer."""
_CLEAR_M = 0.5
"""At which ways pass ground that is kept off."""
_MEETS_M = 0.01
_SAMPLES = 200
_STARTS = 12


@dataclass(frozen=True, eq=False, slots=True)
class Terrain:
    """The ground that is walked on. East, north."""

    field: shapely.Polygon | None = None
    """None: any ground."""
    keep_off: shapely.Geometry | None = None
    """Not to be walked on."""
    rows_deg: float | None = None
    """In which crop rows run, clockwise from grid north; None: there are none, or they do not matter."""
    across: float = ROWS_ACROSS

    def __post_init__(self) -> None:
        """Raise ValueError if going across the rows were to pay."""
        if not 1 <= self.across < math.inf:
            raise ValueError("a metre across the rows counts at least one")


@dataclass(frozen=True, eq=False, slots=True)
class Round:
    """A walk from its start through all spots and back."""

    order: tuple[int, ...]
    """Of the spots."""
    path: Floats
    """[K, 2] corners, from the start to the start."""

    @property
    def length_m(self) -> float:
        """Of the path."""
        return float(np.hypot(*np.diff(self.path, axis=0).T).sum())


def shortest_walk(spots: ArrayLike, terrain: Terrain, start: ArrayLike | None = None) -> Round:
    """The walk through `spots` [N, 2] that costs least.

    Without a `start` it begins at the place on the field's boundary from which the spots are nearest on the whole (the least
    sum of straight distances); without a boundary, at the first spot. Spots on ground that is kept off are gone to straight.
    """
    place = np.asarray(spots, float).reshape(-1, 2)
    if not len(place):
        return Round((), np.asarray([] if start is None else [start, start], float).reshape(-1, 2))
    begin = nearest_to_all(place, terrain.field) if start is None else np.asarray(start, float).reshape(2)
    ways = _ways(np.vstack([begin, place]), terrain)
    order = best_order(ways.cost)
    stops = [0, *(one + 1 for one in order), 0]
    legs = [ways.path(here, there) for here, there in pairwise(stops)]
    return Round(tuple(order), np.vstack([legs[0][:1], *(leg[1:] for leg in legs)]))


def nearest_to_all(places: Floats, field: shapely.Polygon | None) -> Floats:
    """[2] the place on the field's boundary with the least sum of straight distances to `places` [N, 2]."""
    if field is None:
        return np.asarray(places[0], float)
    at = np.arange(_SAMPLES) / _SAMPLES
    edge = shapely.get_coordinates(shapely.line_interpolate_point(field.exterior, at, normalized=True))
    sums = np.hypot(*(edge[:, None, :] - places[None, :, :]).transpose(2, 0, 1)).sum(axis=1)
    return np.asarray(edge[np.argmin(sums)], float)


# -- ways between places --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Ways:
    """The cheapest ways between the first N of the `nodes`."""

    nodes: Floats
    cost: Floats
    """[N, N]."""
    before: Whole
    """[N, nodes] the node before each on the way from each of the N; below 0: there is no way."""

    def path(self, here: int, there: int) -> Floats:
        """[K, 2] corners of the way, both ends among them."""
        at, found = there, [there]
        while at != here:
            at = int(self.before[here, at])
            if at < 0:
                found = [there, here]
                break
            found.append(at)
        way = np.asarray(self.nodes[found[::-1]], float)
        # A place at the field's edge and the same place on the edge are one.
        new = np.hypot(*np.diff(way, axis=0).T) > _MEETS_M
        new[:-1] &= np.hypot(*(way[1:-1] - way[-1]).T) > _MEETS_M
        return np.asarray(way[np.concatenate([[True], new[:-1], [True]])], float)


def _ways(ends: Floats, terrain: Terrain) -> _Ways:
    ring = _edge(ends, terrain)
    barred = _barred(terrain)
    corners = _nearest(_corners(barred), ends)
    nodes = np.vstack([ends, ring, corners])
    first, second = np.triu_indices(len(nodes), 1)
    cost = _straight(nodes[first], nodes[second], terrain)
    free = _free(nodes[first], nodes[second], barred)
    first, second, cost = first[free], second[free], cost[free]
    if len(ring) > 2:
        # Along its own edge a field is walked without a plant trampled.
        number = np.arange(len(ring)) + len(ends)
        here, there = number, np.roll(number, -1)
        open_ = _free(nodes[here], nodes[there], barred)
        along = np.hypot(*(nodes[there] - nodes[here]).T)
        first, second = np.concatenate([here[open_], first]), np.concatenate([there[open_], second])
        cost = np.concatenate([along[open_], cost])
    low, high = np.minimum(first, second), np.maximum(first, second)
    # Of two ways between the same places the cheaper one: sparse matrices would add them up.
    order = np.lexsort((cost, high, low))
    low, high, cost = low[order], high[order], cost[order]
    new = np.concatenate([[True], (np.diff(low) != 0) | (np.diff(high) != 0)])
    graph = csr_array((np.maximum(cost[new], 1e-9), (low[new], high[new])), shape=(len(nodes), len(nodes)))
    found, before = dijkstra(graph, directed=False, indices=np.arange(len(ends)), return_predecessors=True)
    between = np.asarray(found[:, : len(ends)], float)
    lost = ~np.isfinite(between)
    if lost.any():
        far = np.hypot(*(ends[:, None, :] - ends[None, :, :]).transpose(2, 0, 1))
        between = np.where(lost, OUTSIDE * far, between)
    return _Ways(nodes, np.minimum(between, between.T), np.asarray(before, np.int64))


def _straight(here: Floats, there: Floats, terrain: Terrain) -> Floats:
    """[N] what straight ways cost."""
    step = there - here
    length = np.hypot(*step.T)
    cost = length.copy()
    if terrain.rows_deg is not None:
        turn = math.radians(terrain.rows_deg)
        cost += (terrain.across - 1) * np.abs(step @ [math.cos(turn), -math.sin(turn)])
    if terrain.field is None:
        return np.asarray(cost, float)
    ground = terrain.field.buffer(_PLAIN_M)
    shapely.prepare(ground)
    lines = shapely.linestrings(np.stack([here, there], axis=1))
    leaves = ~shapely.covers(ground, lines)
    outside = shapely.length(shapely.difference(lines[leaves], ground))
    cost[leaves] += (OUTSIDE - 1) * outside
    return np.asarray(cost, float)


def _free(here: Floats, there: Floats, barred: shapely.Geometry | None) -> NDArray[np.bool_]:
    """[N] straight ways that cross nothing that is kept off."""
    if barred is None:
        return np.ones(len(here), np.bool_)
    lines = shapely.linestrings(np.stack([here, there], axis=1))
    shapely.prepare(barred)
    return ~np.asarray(shapely.intersects(barred, lines), np.bool_)


def _edge(ends: Floats, terrain: Terrain) -> Floats:
    """[K, 2] places along the field's boundary where ways may turn, in their order: its corners, and the ends of the rows that
    the spots stand in."""
    if terrain.field is None:
        return np.zeros((0, 2))
    ring = shapely.LinearRing(terrain.field.simplify(_PLAIN_M).exterior)
    points = [shapely.get_coordinates(ring)[:-1]]
    beside = shapely.points(ends)[shapely.dwithin(ring, shapely.points(ends), 2 * _PLAIN_M)]
    points.append(
        shapely.get_coordinates(shapely.line_interpolate_point(ring, shapely.line_locate_point(ring, beside)))
    )
    if terrain.rows_deg is not None:
        turn = math.radians(terrain.rows_deg)
        reach = (
            2
            * math.hypot(*np.ptp(shapely.get_coordinates(ring), axis=0))
            * np.array([math.sin(turn), math.cos(turn)])
        )
        inside = ends[shapely.contains_xy(terrain.field, ends[:, 0], ends[:, 1])]
        for place in inside:
            crossing = shapely.get_coordinates(
                shapely.intersection(ring, shapely.linestrings([place - reach, place + reach]))
            )
            ahead = (crossing - place) @ reach
            sides = [np.flatnonzero(way) for way in (ahead > 0, ahead < 0) if way.any()]
            points.extend(crossing[side[[np.argmin(np.abs(ahead[side]))]]] for side in sides)
    found = np.vstack(points)
    at = shapely.line_locate_point(ring, shapely.points(found))
    return np.asarray(found[np.argsort(at, kind="stable")], float)


def _barred(terrain: Terrain) -> shapely.Geometry | None:
    if terrain.keep_off is None or terrain.keep_off.is_empty:
        return None
    return terrain.keep_off.buffer(-_MEETS_M)


def _corners(barred: shapely.Geometry | None) -> Floats:
    """[K, 2] the corners of what is kept off, a little outside."""
    if barred is None or barred.is_empty:
        return np.zeros((0, 2))
    around = barred.simplify(_PLAIN_M / 4).buffer(_CLEAR_M, join_style="mitre", mitre_limit=2.0)
    parts = [one for one in shapely.get_parts(around) if isinstance(one, shapely.Polygon)]
    return np.vstack([shapely.get_coordinates(one.exterior)[:-1] for one in parts])


def _nearest(corners: Floats, ends: Floats) -> Floats:
    """[K, 2] of many corners, those nearest to the straight ways between the ends: ways turn there, if anywhere, and all pairs of
    thousands would fill the memory."""
    if len(corners) <= MOST_CORNERS:
        return corners
    first, second = np.triu_indices(len(ends), 1)
    ways = shapely.multilinestrings(shapely.linestrings(np.stack([ends[first], ends[second]], axis=1)))
    away = shapely.distance(ways, shapely.points(corners))
    return np.asarray(corners[np.argsort(away, kind="stable")[:MOST_CORNERS]], float)


# -- the order -------------------------------------------------------------------------------------


def best_order(cost: ArrayLike) -> list[int]:
    """Order of the spots (from 0) of the cheapest round from place 0 through all others and back.

    `cost` [N + 1, N + 1] between the start (0) and the N spots, the same both ways.
    """
    between = np.asarray(cost, float)
    count = len(between) - 1
    if count < 1:
        return []
    return _held_karp(between) if count <= EXACT else _improved(between)


def _held_karp(between: Floats) -> list[int]:
    count = len(between) - 1
    legs = between[1:, 1:]
    best = np.full((1 << count, count), np.inf)
    came = np.full((1 << count, count), -1, np.int64)
    best[1 << np.arange(count), np.arange(count)] = between[0, 1:]
    for been in range(1, 1 << count):
        for last in range(count):
            so_far = best[been, last]
            if not been >> last & 1 or so_far == np.inf:
                continue
            for following in range(count):
                if been >> following & 1:
                    continue
                then, total = been | 1 << following, so_far + legs[last, following]
                if total < best[then, following]:
                    best[then, following], came[then, following] = total, last
    been = (1 << count) - 1
    last = int(np.argmin(best[been] + between[1:, 0]))
    order = []
    while last >= 0:
        order.append(last)
        been, last = been & ~(1 << last), int(came[been, last])
    return order[::-1]


def _improved(between: Floats) -> list[int]:
    """The best of rounds by the nearest neighbour, each begun with another of the near spots and mended until no move helps."""
    firsts = np.argsort(between[0, 1:], kind="stable")[:_STARTS] + 1
    found = (_mended(_by_nearest(between, int(first)), between) for first in firsts)
    best = min(found, key=lambda tour: _total(tour, between))
    return [one - 1 for one in best[1:]]


def _by_nearest(between: Floats, first: int) -> list[int]:
    tour, left = [0, first], set(range(1, len(between))) - {first}
    while left:
        following = min(left, key=lambda one: (between[tour[-1], one], one))
        tour.append(following)
        left.remove(following)
    return tour


def _mended(tour: list[int], between: Floats) -> list[int]:
    while (better := _turned(tour, between) or _moved(tour, between)) is not None:
        tour = better
    return tour


def _turned(tour: list[int], between: Floats) -> list[int] | None:
    """2-opt: a stretch walked the other way round, if that is shorter."""
    count = len(tour)
    for first in range(count - 1):
        for last in range(first + 1, count):
            a, b, c, d = tour[first], tour[first + 1], tour[last], tour[(last + 1) % count]
            if between[a, c] + between[b, d] < between[a, b] + between[c, d] - 1e-9:
                return [*tour[: first + 1], *tour[first + 1 : last + 1][::-1], *tour[last + 1 :]]
    return None


def _moved(tour: list[int], between: Floats) -> list[int] | None:
    """Or-opt: one to three spots in a row visited at another time, either way round, if that is shorter."""
    count = len(tour)
    for size in range(1, min(3, count - 2) + 1):
        for first in range(1, count - size + 1):
            moved, rest = tour[first : first + size], tour[:first] + tour[first + size :]
            head, tail = moved[0], moved[-1]
            before, after = tour[first - 1], tour[(first + size) % count]
            saved = between[before, head] + between[tail, after] - between[before, after]
            here, there = np.array(rest), np.array([*rest[1:], rest[0]])
            gap = between[here, there]
            ahead = between[here, head] + between[tail, there] - gap
            back = between[here, tail] + between[head, there] - gap
            at = int(np.argmin(np.minimum(ahead, back)))
            if min(ahead[at], back[at]) < saved - 1e-9:
                piece = moved if ahead[at] <= back[at] else moved[::-1]
                return [*rest[: at + 1], *piece, *rest[at + 1 :]]
    return None


def _total(tour: Sequence[int], between: Floats) -> float:
    return float(between[list(tour), [*tour[1:], tour[0]]].sum())
