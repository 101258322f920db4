"""Lines along which a sprayer treats pieces of ground, in an order that flies little without spraying.

Lines lie one swath apart. On each the sprayer is on from where the ground to be treated first lies within half a swath of the
line to where it last does; so every place of it is wetted, and nothing off its ends. Stretches (and pauses) shorter than the
sprayer's shortest are lengthened (and closed), but not beyond the field. Where ground that is kept off lies within half a
swath of the line the sprayer is off, whatever is to be treated there: half a swath cannot be sprayed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Line = tuple[tuple[float, float], tuple[float, float]]
"""Begin and end, east and north in metres."""

_SLIVER_M = 0.01
"""Ground that reaches less far into a swath is none of it."""
_SHIFTS = 4
"""Places of the first line that are tried beyond those that begin where a piece does."""
_OFTEN = 4
_BEYOND = 4.0
"""What a metre of swath beyond the field counts: that is somebody else's ground."""
_NEIGHBOURS = 24


@dataclass(frozen=True, eq=False, slots=True)
class SprayLines:
    """Lines in the order, and in the direction, in which they are flown."""

    lines: tuple[Line, ...]
    missed_m2: float
    """Of the ground to be treated: too near to ground that is kept off."""

    @property
    def sprayed_m(self) -> float:
        """With the sprayer on."""
        return sum(math.dist(*line) for line in self.lines)

    @property
    def transit_m(self) -> float:
        """From line to line, with the sprayer off."""
        return _transit(np.array(self.lines, float).reshape(-1, 2, 2))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Where the sprayer is on along a line, in the frame of the lines."""

    line: int
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Sprayer:
    """What it can do."""

    swath_m: float
    step_m: float
    """Shortest stretch that it can be on or off for."""
    direction_deg: float
    """In which it flies, clockwise from north."""


@dataclass(frozen=True, eq=False, slots=True)
class _Ground:
    """In the frame of the lines: x across them, y along."""

    pieces: NDArray[np.object_]
    off: NDArray[np.object_]
    field: NDArray[np.object_]


def spray_lines(
    pieces: Sequence[shapely.Polygon], off: shapely.Geometry, field: shapely.Polygon, sprayer: Sprayer
) -> SprayLines:
    """Lines over `pieces`, not over `off` (nothing may be), in a field; all in metres east and north."""
    turn = math.radians(sprayer.direction_deg)
    aside, along = np.array([math.cos(turn), -math.sin(turn)]), np.array([math.sin(turn), math.cos(turn)])
    frame = np.column_stack([aside, along])
    grounds = [shapely.transform(one, lambda points: points @ frame) for one in (*pieces, off, field)]
    ground = _Ground(
        np.array(grounds[:-2], object), shapely.get_parts(grounds[-2]), np.array(grounds[-1:], object)
    )
    found, first = _fewest(ground, sprayer)
    across = [first + (one.line + 0.5) * sprayer.swath_m for one in found]
    ends = np.array(
        [[(at, one.begin), (at, one.end)] for at, one in zip(across, found, strict=True)], float
    ).reshape(-1, 2, 2)
    ordered = _shortest(ends, np.array([one.line for one in found], int)) @ frame.T
    lines = tuple((_pair(begin), _pair(end)) for begin, end in ordered)
    return SprayLines(lines, _missed(ground.pieces, found, first, sprayer.swath_m))


def _pair(point: Floats) -> tuple[float, float]:
    return float(point[0]), float(point[1])


# -- where it is on --------------------------------------------------------------------------------


def _fewest(ground: _Ground, sprayer: Sprayer) -> tuple[list[_Stretch], float]:
    """The stretches that spray the least, and the least beyond the field, and where the first swath begins."""
    if not len(ground.pieces):
        return [], 0.0
    field = shapely.union_all(ground.field)
    shapely.prepare(field)
    begins = np.round(shapely.bounds(ground.pieces)[:, 0] % sprayer.swath_m, 2)
    often, counts = np.unique(begins, return_counts=True)
    shifts = often[np.argsort(-counts, kind="stable")][:_OFTEN].tolist()
    shifts += (np.arange(_SHIFTS) * sprayer.swath_m / _SHIFTS).tolist()
    # Swaths that begin, or end, with the field reach beyond it on the other side at most.
    shifts += [float(edge) % sprayer.swath_m for edge in shapely.bounds(field)[[0, 2]]]

    def sprayed(found: tuple[list[_Stretch], float]) -> tuple[float, int]:
        swaths = _swaths(*found, sprayer.swath_m)
        leaving = swaths[~shapely.covers(field, swaths)]
        beyond = shapely.area(shapely.difference(leaving, field)).sum() / sprayer.swath_m
        metres = sum(one.end - one.begin for one in found[0])
        return round(metres + (_BEYOND - 1) * float(beyond), 2), len(found[0])

    return min(((_stretches(ground, sprayer, one), one) for one in shifts), key=sprayed)


def _stretches(ground: _Ground, sprayer: Sprayer, first: float) -> list[_Stretch]:
    wanted, off, field = (
        _reaches(one, sprayer.swath_m, first) for one in (ground.pieces, ground.off, ground.field)
    )
    found = []
    for line in sorted(wanted):
        on = _joined([_lengthened(one, sprayer.step_m) for one in wanted[line]], sprayer.step_m)
        reach = [*wanted[line], *field.get(line, [])]
        low, high = min(one[0] for one in reach), max(one[1] for one in reach)
        inside = [(max(begin, low), min(end, high)) for begin, end in on]
        for begin, end in _without(inside, _joined(off.get(line, []), 0.0)):
            if end - begin > _SLIVER_M:
                found.append(_Stretch(line, begin, end))
    return found


def _reaches(
    shapes: NDArray[np.object_], swath_m: float, first: float
) -> dict[int, list[tuple[float, float]]]:
    """How far along each swath the shapes reach that lie in it."""
    shapes = shapes[~shapely.is_empty(shapes)]
    if not len(shapes):
        return {}
    bounds = shapely.bounds(shapes)
    low = np.floor((bounds[:, 0] + _SLIVER_M - first) / swath_m).astype(int)
    high = np.floor((bounds[:, 2] - _SLIVER_M - first) / swath_m).astype(int)
    counts = np.maximum(high - low + 1, 1)
    which = np.repeat(np.arange(len(shapes)), counts)
    line = low[which] + np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    west = first + line * swath_m
    swaths = shapely.box(west, bounds[which, 1] - 1, west + swath_m, bounds[which, 3] + 1)
    parts, of = shapely.get_parts(shapely.intersection(shapes[which], swaths), return_index=True)
    found: dict[int, list[tuple[float, float]]] = {}
    for (left, bottom, right, top), number in zip(
        shapely.bounds(parts).tolist(), line[of].tolist(), strict=True
    ):
        if right - left > _SLIVER_M / 2 and top > bottom:
            found.setdefault(number, []).append((bottom, top))
    return found


def _lengthened(stretch: tuple[float, float], least: float) -> tuple[float, float]:
    begin, end = stretch
    more = max(0.0, least - (end - begin)) / 2
    return begin - more, end + more


def _joined(stretches: Sequence[tuple[float, float]], pause: float) -> list[tuple[float, float]]:
    """Those closer than a pause as one."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(stretches):
        if found and (begin <= found[-1][1] or begin - found[-1][1] < pause):
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _without(
    stretches: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """What is left of stretches; both rise."""
    left = []
    for begin, end in stretches:
        at = begin
        for start, stop in taken:
            if stop <= at or start >= end:
                continue
            if start > at:
                left.append((at, start))
            at = max(at, stop)
        if at < end:
            left.append((at, end))
    return left


def _missed(pieces: NDArray[np.object_], found: Sequence[_Stretch], first: float, swath_m: float) -> float:
    ground = shapely.union_all(pieces)
    wetted = shapely.union_all(_swaths(found, first, swath_m))
    return float(ground.area - shapely.intersection(ground, wetted).area)


def _swaths(found: Sequence[_Stretch], first: float, swath_m: float) -> NDArray[np.object_]:
    """What each stretch wets."""
    told = np.array([(one.line, one.begin, one.end) for one in found], float).reshape(-1, 3)
    west = first + told[:, 0] * swath_m
    return np.asarray(shapely.box(west, told[:, 1], west + swath_m, told[:, 2]), object)


# -- in which order --------------------------------------------------------------------------------


def _shortest(ends: Floats, line: NDArray[np.int_]) -> Floats:
    """[N, 2, 2] stretches to and fro line by line, or always the nearest next: whichever flies less between them."""
    if len(ends) < 2:
        return ends
    # From either side, beginning up or down; and from the ends of the outermost stretches to whatever is nearest.
    plans = [_to_and_fro(ends, line, side, up) for side in (1, -1) for up in (1, -1)]
    starts = {(0, 0), (0, 1), (len(ends) - 1, 0), (len(ends) - 1, 1)}
    plans += [_nearest_next(ends, *start) for start in sorted(starts)]
    return min(plans, key=_transit)


def _to_and_fro(ends: Floats, line: NDArray[np.int_], side: int, up: int) -> Floats:
    plan = []
    for number in np.unique(line)[::side]:
        mine = ends[line == number]
        plan.append(mine if up > 0 else mine[::-1, ::-1])
        up = -up
    return np.concatenate(plan)


def _nearest_next(ends: Floats, first: int, entered: int) -> Floats:
    places = ends.reshape(-1, 2)
    left = np.ones(len(places), np.bool_)
    plan, at = [], 2 * first + entered
    known, tree = _tree(places, left)
    while True:
        plan.append((at, at ^ 1))
        left[[at, at ^ 1]] = False
        if not left.any():
            return np.asarray(places[np.array(plan)])
        here = places[at ^ 1]
        near = _near(tree, known, here, left)
        if not len(near):
            known, tree = _tree(places, left)
            near = _near(tree, known, here, left)
        at = int(near[0])


def _tree(places: Floats, left: NDArray[np.bool_]) -> tuple[NDArray[np.intp], cKDTree]:
    known = np.flatnonzero(left)
    return known, cKDTree(places[known])


def _near(tree: cKDTree, known: NDArray[np.intp], here: Floats, left: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of a few that were nearest when the tree grew, those that are left; the nearest first."""
    _away, number = tree.query(here, k=np.arange(1, min(_NEIGHBOURS, len(known)) + 1))
    near = known[number]
    return np.asarray(near[left[near]])


def _transit(plan: Floats) -> float:
    return float(np.hypot(*(plan[1:, 0] - plan[:-1, 1]).T).sum())
