"""From single weeds to ground that is to be treated: as little of it as reaches the weeds, in pieces that a sprayer can follow.

Three strategies are laid out, each with the smallest margin that covers as many of all weeds as are asked for:

spots     a disc around each weed
patches   where the density of weeds (Gaussian kernel) is above a level
swaths    cells of a sprayer's swath along the rows, each on or off

All weeds are those that were found and those that were missed. Those that were found are covered where the map may be off by
its stated error. Where the missed ones are nobody knows, but they are a chance selection of the same weeds: a weed that was
found is covered by the ground of all others about as often as a missed one (leave one out). With the share `recall` of the
weeds that are found, the expected share of all weeds on the treated ground is

    recall x covered(found) + (1 - recall) x covered(left out)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fieldbox.domain import Strategy

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the sprayer can do, and what is asked of it. Metres."""

    swath_m: float = 2.0
    """Width that it treats at once."""
    step_m: float = 1.0
    """Shortest stretch that it can be on or off for."""
    drift_m: float = 0.2
    """Beyond each weed that is to be wet."""
    least_m2: float = 0.0
    """No piece of ground is smaller: smaller ones are widened."""
    coverage: float = 0.95
    """Of all weeds, to be expected."""
    direction_deg: float = 0.0
    """In which swaths run, clockwise from grid north."""
    allowed: shapely.Geometry | None = None
    """Ground that may be treated at all; None: any."""


@dataclass(frozen=True, eq=False, slots=True)
class Weeds:
    """N weeds on the ground."""

    places: Floats
    """[N, 2] east, north."""
    radius_m: Floats
    """[N] of a disc of their area."""
    error95_m: float
    """By which the map may be off there, 95 % radius."""
    recall: float
    """Share of all weeds that are found, 0 to 1."""


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """Ground that is to be treated."""

    strategy: Strategy
    pieces: tuple[shapely.Polygon, ...]
    coverage: float
    """Share of all weeds that is expected on it."""
    margin_m: float
    """Around each weed, that coverage took."""

    @property
    def area_m2(self) -> float:
        """Of all pieces."""
        return float(sum(one.area for one in self.pieces))


MARGINS_M = (0.0, 6.0)
"""Beyond drift and error: those tried."""
_CLOSER_M = 0.05
_ROUND = 6
"""Segments of a quarter of a circle."""


def lay_out(weeds: Weeds, layout: Layout, strategy: Strategy) -> Ground:
    """The ground of one strategy: with the smallest margin that reaches the coverage asked for, or the largest tried."""
    if not len(weeds.places):
        return Ground(strategy, (), 1.0, 0.0)
    plan = _PLANS[strategy](weeds, layout)
    low, high = MARGINS_M
    if plan.expected(low) < layout.coverage:
        while high - low > _CLOSER_M:
            middle = (low + high) / 2
            low, high = (low, middle) if plan.expected(middle) >= layout.coverage else (middle, high)
    else:
        high = low
    return Ground(strategy, _pieces(plan.ground(high), layout), plan.expected(high), plan.least_m + high)


def smallest(weeds: Weeds, layout: Layout) -> tuple[Ground, tuple[Ground, ...]]:
    """The strategy that treats the least ground among those that reach the coverage (all, where none does); and all three."""
    every = tuple(lay_out(weeds, layout, one) for one in Strategy)
    reaching = [one for one in every if one.coverage >= layout.coverage - 1e-9] or list(every)
    return min(reaching, key=lambda one: one.area_m2), every


# -- strategies ------------------------------------------------------------------------------------


class _Plan:
    """What a strategy makes of a margin (metres beyond what error and drift ask for)."""

    def __init__(self, weeds: Weeds, layout: Layout) -> None:
        self.weeds, self.layout = weeds, layout
        self.least_m = layout.drift_m + weeds.error95_m
        allowed = layout.allowed
        self._may = (
            np.ones(len(weeds.places), np.bool_)
            if allowed is None
            else np.asarray(shapely.contains_xy(allowed, weeds.places[:, 0], weeds.places[:, 1]))
        )

    def expected(self, margin_m: float) -> float:
        """Share of all weeds on the treated ground. Those where nothing may be treated do not count."""
        if not self._may.any():
            return 1.0
        alone = self.left_out(margin_m)[self._may].mean()
        return float(self.weeds.recall + (1 - self.weeds.recall) * alone)

    def left_out(self, margin_m: float) -> NDArray[np.bool_]:
        """[N] whether each weed is on the ground of all others."""
        raise NotImplementedError

    def ground(self, margin_m: float) -> shapely.Geometry:
        """Of all weeds."""
        raise NotImplementedError


class _Spots(_Plan):
    def __init__(self, weeds: Weeds, layout: Layout) -> None:
        super().__init__(weeds, layout)
        self._nearest = _nearest(weeds)

    def left_out(self, margin_m: float) -> NDArray[np.bool_]:
        return np.asarray(self._nearest <= self.least_m + margin_m)

    def ground(self, margin_m: float) -> shapely.Geometry:
        reach = self.weeds.radius_m + self.least_m + margin_m
        return shapely.union_all(shapely.buffer(shapely.points(self.weeds.places), reach, quad_segs=_ROUND))


def _nearest(weeds: Weeds) -> Floats:
    """[N] from the edge of the nearest other weed to each weed's middle."""
    if len(weeds.places) < 2:
        return np.full(len(weeds.places), np.inf)
    away, other = cKDTree(weeds.places).query(weeds.places, k=2)
    return np.asarray(away[:, 1] - weeds.radius_m[other[:, 1]])


class _Patches(_Plan):
    """A margin widens the kernel: the level is that at which a weed by itself is worth a disc of the least reach."""

    cell_m = 0.25

    def left_out(self, margin_m: float) -> NDArray[np.bool_]:
        density, _west, _north = self._density(margin_m)
        sigma = self._sigma(margin_m)
        own = 1 / (2 * math.pi * sigma**2)
        row, column = self._cells()
        return np.asarray(density[row, column] - own >= self._level(margin_m))

    def ground(self, margin_m: float) -> shapely.Geometry:
        density, west, north = self._density(margin_m)
        return _traced(density >= self._level(margin_m), west, north, self.cell_m)

    def _sigma(self, margin_m: float) -> float:
        return (self.least_m + margin_m) / 1.5

    def _level(self, margin_m: float) -> float:
        """Density (per m2) of a weed alone, 1.5 standard deviations off."""
        sigma = self._sigma(margin_m)
        return math.exp(-(1.5**2) / 2) / (2 * math.pi * sigma**2)

    def _cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        low, high, _shape = self._frame()
        column = np.floor((self.weeds.places[:, 0] - low[0]) / self.cell_m).astype(np.intp)
        row = np.floor((high[1] - self.weeds.places[:, 1]) / self.cell_m).astype(np.intp)
        return row, column

    def _frame(self) -> tuple[Floats, Floats, tuple[int, int]]:
        pad = 3 * self._sigma(MARGINS_M[1])
        low, high = self.weeds.places.min(axis=0) - pad, self.weeds.places.max(axis=0) + pad
        columns, rows = np.ceil((high - low) / self.cell_m).astype(int) + 1
        return low, high, (int(rows), int(columns))

    def _density(self, margin_m: float) -> tuple[Floats, float, float]:
        low, high, shape = self._frame()
        count = np.zeros(shape)
        np.add.at(count, self._cells(), 1.0)
        return _blurred(count, self._sigma(margin_m) / self.cell_m) / self.cell_m**2, low[0], high[1]


def _blurred(values: Floats, sigma: float) -> Floats:
    """Gaussian, by its transform; the frame is wide enough for nothing to come round."""
    east, north = np.fft.rfftfreq(values.shape[1]), np.fft.fftfreq(values.shape[0])
    kernel = np.exp(-2 * (math.pi * sigma) ** 2 * (north[:, None] ** 2 + east[None, :] ** 2))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(values) * kernel, values.shape))


def _traced(inside: NDArray[np.bool_], west: float, north: float, cell_m: float) -> shapely.Geometry:
    """The outline of cells, as runs of each row of them, joined."""
    edges = np.diff(np.pad(inside.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    (row, first), (_row, last) = np.nonzero(edges == 1), np.nonzero(edges == -1)
    boxes = shapely.box(
        west + first * cell_m, north - (row + 1) * cell_m, west + last * cell_m, north - row * cell_m
    )
    return shapely.union_all(boxes)


class _Swaths(_Plan):
    def __init__(self, weeds: Weeds, layout: Layout) -> None:
        super().__init__(weeds, layout)
        turn = math.radians(layout.direction_deg)
        self._along = np.array([math.sin(turn), math.cos(turn)])
        self._across = np.array([math.cos(turn), -math.sin(turn)])
        self._origin = weeds.places.mean(axis=0) if len(weeds.places) else np.zeros(2)
        away = weeds.places - self._origin
        self._at = np.column_stack([away @ self._across / layout.swath_m, away @ self._along / layout.step_m])

    def left_out(self, margin_m: float) -> NDArray[np.bool_]:
        cells, weed = self._hit(margin_m)
        # A weed is covered by the others where another one's disc touches the cell that it stands in.
        _numbers, label, count = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        own = np.floor(self._at).astype(np.int64)
        home = (cells == own[weed]).all(axis=1)
        found = np.zeros(len(self._at), np.bool_)
        found[weed[home]] = count[label.ravel()[home]] > 1
        return found

    def ground(self, margin_m: float) -> shapely.Geometry:
        cells, _weed = self._hit(margin_m)
        layout = self.layout
        boxes = []
        for across, along in np.unique(cells, axis=0).tolist():
            corners = np.array(
                [(across, along), (across + 1, along), (across + 1, along + 1), (across, along + 1)]
            )
            metres = corners * (layout.swath_m, layout.step_m)
            boxes.append(
                shapely.Polygon(self._origin + metres[:, [0]] * self._across + metres[:, [1]] * self._along)
            )
        return shapely.union_all(boxes)

    def _hit(self, margin_m: float) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Cells [K, 2] (across, along) that the square around each weed touches, and whose."""
        reach = self.weeds.radius_m + self.least_m + margin_m
        half = np.column_stack([reach / self.layout.swath_m, reach / self.layout.step_m])
        low, high = (np.floor(self._at + way * half).astype(np.int64) for way in (-1, 1))
        cells, weed = [], []
        for number, (a, b) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
            for x in range(a[0], b[0] + 1):
                for y in range(a[1], b[1] + 1):
                    cells.append((x, y))
                    weed.append(number)
        return np.array(cells, np.int64).reshape(-1, 2), np.array(weed, np.intp)


_PLANS: dict[Strategy, Callable[[Weeds, Layout], _Plan]] = {
    Strategy.SPOTS: _Spots,
    Strategy.PATCHES: _Patches,
    Strategy.SWATHS: _Swaths,
}


# -- pieces ----------------------------------------------------------------------------------------


def _pieces(ground: shapely.Geometry, layout: Layout) -> tuple[shapely.Polygon, ...]:
    """Polygons, none smaller than is asked for, within what may be treated; the largest first."""
    parts = [_widened(one, layout.least_m2) for one in shapely.get_parts(ground)]
    whole = shapely.union_all(parts)
    if layout.allowed is not None:
        whole = whole & layout.allowed
    polygons = [one for one in shapely.get_parts(whole) if isinstance(one, shapely.Polygon) and one.area > 0]
    return tuple(sorted(polygons, key=lambda one: -one.area))


def _widened(piece: shapely.Polygon, least_m2: float) -> shapely.Geometry:
    while 0 < piece.area < least_m2:
        # A disc of the piece's area would have to grow by about so much.
        piece = piece.buffer(max(0.02, (math.sqrt(least_m2) - math.sqrt(piece.area)) / math.sqrt(math.pi)))
    return piece
