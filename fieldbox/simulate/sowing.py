"""Lines that a made field is sown along: straight, in arcs around a point, or along the edges of terraces.

Local metres, as in `fieldbox.simulate.scene`. Each layout is a phase over the ground, whole on the rows and growing by one
from row to row: ridges follow the phase, plants the lines. All rows are parallel curves, so their spacing is exact everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

BANK_M = 0.8
"""Bare ground between two terraces."""
LEAST_TERRACE_M = 3.0
_LEAST_RADIUS_M = 1.0
"""Of a row: nothing is sown nearer to the middle of its arc."""
_WAVE_M = 24.0
_BOW_M = (0.3, 0.9)
"""Of the edges of terraces, which run as waves."""
_TURNED = 0.3
"""Radians by which these waves differ from edge to edge."""
_ROUNDS = 14
_STEP_M = 0.05
_EVERY = 5
"""Of these steps, those that are kept: a bent row is drawn to half a millimetre."""


class RowShape(StrEnum):
    """How the rows of a made field run."""

    STRAIGHT = "straight"
    CURVED = "curved"
    TERRACED = "terraced"


@dataclass(frozen=True, slots=True)
class Line:
    """A row before it is cut to the field."""

    plot: int
    """Terrace; 0 where there is one piece."""
    number: int
    """Within its plot."""
    start_m: float
    """Along it, from its middle."""
    end_m: float


class Layout(Protocol):
    """Where the rows of a field run."""

    def lines(self) -> Iterator[Line]:
        """All that may cross the field, in order."""
        ...

    def points(self, line: Line, along_m: Doubles, aside_m: Doubles) -> Doubles:
        """[N, 2] of places along a row and beside its middle."""
        ...

    def within(self, line: Line, points: Doubles) -> Mask:
        """[N] whether a place of a row is sown."""
        ...

    def phase(self, east: Doubles, north: Doubles) -> tuple[Doubles, Mask]:
        """Phase at each place (arrays that broadcast), and whether rows run there."""
        ...


def layout_of(
    shape: RowShape,
    *,
    heading_deg: float,
    spacing_m: float,
    reach_m: float,
    radius_m: float,
    terrace_m: float,
    seed: int,
) -> Layout:
    """Rows around the origin, out to `reach_m` from it."""
    heading = math.radians(heading_deg)
    along = np.array([math.sin(heading), math.cos(heading)])
    across = np.array([math.cos(heading), -math.sin(heading)])
    if shape is RowShape.CURVED:
        return _Arcs(along, across, spacing_m, reach_m, radius_m)
    if shape is RowShape.TERRACED:
        return _Terraces.sown(along, across, spacing_m, reach_m, terrace_m, seed)
    return _Straight(along, across, spacing_m, reach_m)


def traced(layout: Layout, line: Line, half_m: Doubles) -> list[Doubles]:
    """The pieces [K, 2] of the middle of a row that are sown, in a rectangle around the origin (half its sides)."""
    count = max(2, math.ceil((line.end_m - line.start_m) / _STEP_M) + 1)
    along = np.linspace(line.start_m, line.end_m, count)
    points = layout.points(line, along, np.zeros(count))
    inside = np.all(np.abs(points) < half_m, axis=1) & layout.within(line, points)
    cuts = np.flatnonzero(np.diff(inside)) + 1
    pieces = [part for part in np.split(np.arange(count), cuts) if inside[part[0]] and len(part) > 1]
    return [points[np.unique(np.r_[part[::_EVERY], part[-1]])] for part in pieces]


@dataclass(frozen=True, eq=False, slots=True)
class _Straight:
    along: Doubles
    across: Doubles
    spacing: float
    reach: float

    def lines(self) -> Iterator[Line]:
        most = int(self.reach / self.spacing)
        for number in range(-most, most + 1):
            yield Line(0, number, -self.reach, self.reach)

    def points(self, line: Line, along_m: Doubles, aside_m: Doubles) -> Doubles:
        aside = line.number * self.spacing + aside_m
        return np.asarray(along_m[:, None] * self.along + aside[:, None] * self.across)

    def within(self, line: Line, points: Doubles) -> Mask:
        return np.full(len(points), line.plot == 0)

    def phase(self, east: Doubles, north: Doubles) -> tuple[Doubles, Mask]:
        phase = (east * self.across[0] + north * self.across[1]) / self.spacing
        return phase, np.ones(phase.shape, bool)


@dataclass(frozen=True, eq=False, slots=True)
class _Arcs:
    """Around a point `radius` beside the field's middle."""

    along: Doubles
    across: Doubles
    spacing: float
    reach: float
    radius: float

    def lines(self) -> Iterator[Line]:
        most = int(self.reach / self.spacing)
        turn = math.asin(self.reach / self.radius) if self.radius > self.reach else math.pi
        for number in range(-most, most + 1):
            own = self.radius + number * self.spacing
            if own >= _LEAST_RADIUS_M:
                yield Line(0, number, -own * turn, own * turn)

    def points(self, line: Line, along_m: Doubles, aside_m: Doubles) -> Doubles:
        own = self.radius + line.number * self.spacing
        angle = (along_m / own)[:, None]
        outward = np.cos(angle) * self.across + np.sin(angle) * self.along
        return np.asarray((own + aside_m)[:, None] * outward - self.radius * self.across)

    def within(self, line: Line, points: Doubles) -> Mask:
        return np.full(len(points), line.plot == 0)

    def phase(self, east: Doubles, north: Doubles) -> tuple[Doubles, Mask]:
        away = np.hypot(east + self.radius * self.across[0], north + self.radius * self.across[1])
        return (away - self.radius) / self.spacing, away > _LEAST_RADIUS_M - self.spacing / 2


@dataclass(frozen=True, eq=False, slots=True)
class _Terraces:
    """Strips along waves, each sown in parallel to its own lower edge."""

    along: Doubles
    across: Doubles
    spacing: float
    reach: float
    wide: float
    first: int
    """Number of the first edge."""
    bows: Doubles
    """Of each edge, metres."""
    turns: Doubles
    """Where its wave begins, radians."""
    starts: Doubles
    """Of each strip: from its bank to its first row, in rows."""

    @classmethod
    def sown(
        cls, along: Doubles, across: Doubles, spacing: float, reach: float, wide: float, seed: int
    ) -> _Terraces:
        rng = np.random.default_rng([seed, 9])
        most = math.ceil((reach + _BOW_M[1]) / wide) + 1
        count = 2 * most + 1
        turns = rng.uniform(0, 2 * math.pi) + rng.uniform(-_TURNED, _TURNED, count)
        return cls(
            along, across, spacing, reach, wide, -most, rng.uniform(*_BOW_M, count), turns, rng.uniform(0, 1, count)
        )  # fmt: skip

    def lines(self) -> Iterator[Line]:
        for plot in range(len(self.bows) - 1):
            for number in range(math.ceil((self.wide + 2 * _BOW_M[1]) / self.spacing)):
                yield Line(plot, number, -1.2 * self.reach, 1.2 * self.reach)

    def points(self, line: Line, along_m: Doubles, aside_m: Doubles) -> Doubles:
        aside = BANK_M / 2 + (self.starts[line.plot] + line.number) * self.spacing
        at = np.arange(-1.3 * self.reach, 1.3 * self.reach + 0.02, 0.02)
        middle = self._beside(line.plot, at, np.full(len(at), aside))
        length = np.r_[0.0, np.cumsum(np.hypot(*np.diff(middle, axis=0).T))]
        foot = np.interp(along_m + length[-1] / 2, length, at)
        own = self._beside(line.plot, foot, aside + aside_m)
        return np.asarray(own[:, :1] * self.along + own[:, 1:] * self.across)

    def within(self, line: Line, points: Doubles) -> Mask:
        ahead, aside = points @ self.along, points @ self.across
        return np.asarray(aside < self._edge(line.plot + 1, ahead) - BANK_M / 2)

    def phase(self, east: Doubles, north: Doubles) -> tuple[Doubles, Mask]:
        east, north = np.broadcast_arrays(np.asarray(east, float), np.asarray(north, float))
        ahead = east * self.along[0] + north * self.along[1]
        aside = east * self.across[0] + north * self.across[1]
        phase, sown = np.zeros(east.shape), np.zeros(east.shape, bool)
        for plot in range(len(self.bows) - 1):
            mine = (aside >= self._edge(plot, ahead)) & (aside < self._edge(plot + 1, ahead))
            away = self._away(plot, ahead[mine], aside[mine]) - BANK_M / 2
            phase[mine] = away / self.spacing - self.starts[plot]
            below = aside[mine] < self._edge(plot + 1, ahead[mine]) - BANK_M / 2 + self.spacing / 3
            sown[mine] = (phase[mine] > -0.5) & below
        return phase, sown

    def _edge(self, number: int, ahead: Doubles) -> Doubles:
        """Across the slope, of an edge at places along it."""
        wave = np.sin(2 * math.pi * ahead / _WAVE_M + self.turns[number])
        return np.asarray((self.first + number) * self.wide + self.bows[number] * wave)

    def _slope(self, number: int, ahead: Doubles) -> Doubles:
        turn = 2 * math.pi / _WAVE_M
        return np.asarray(self.bows[number] * turn * np.cos(turn * ahead + self.turns[number]))

    def _beside(self, number: int, foot: Doubles, away: Doubles) -> Doubles:
        """[N, 2] along and across the slope, `away` from an edge at its places `foot`."""
        slope = self._slope(number, foot)
        length = np.hypot(1.0, slope)
        return np.column_stack([foot - away * slope / length, self._edge(number, foot) + away / length])

    def _away(self, number: int, ahead: Doubles, aside: Doubles) -> Doubles:
        """From an edge, by its nearest point."""
        foot = ahead.copy()
        for _round in range(_ROUNDS):
            foot = ahead + (aside - self._edge(number, foot)) * self._slope(number, foot)
        return np.hypot(ahead - foot, aside - self._edge(number, foot))
