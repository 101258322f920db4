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

of which the scatter is that of two samples, the weeds that were left out and the missed ones. A margin is wide enough when
the lower end (one-sided, 95 %) is as high as asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes
from rasterio.transform import Affine
from scipy.spatial import cKDTree

from fieldbox.domain import Strategy
from fieldbox.mapping.closing import filled, joined
from fieldbox.mapping.files import north_up

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
    join_m: float = 0.0
    """Pieces nearer to each other than this become one."""
    coverage: float = 0.95
    """Of all weeds, to be expected."""
    direction_deg: float = 0.0
    """In which swaths run, clockwise from grid north."""
    corner: tuple[float, float] | None = None
    """East, north of a place where swaths and steps begin; None: anywhere."""
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
    assured: float
    """Lower end (one-sided, 95 %) of that share."""
    margin_m: float
    """Around each weed, that coverage took."""
    by_others: NDArray[np.bool_]
    """[N] of the weeds: which of them stand on the ground of all others."""

    @property
    def area_m2(self) -> float:
        """Of all pieces."""
        return float(sum(one.area for one in self.pieces))


MARGINS_M = (0.0, 6.0)
"""Beyond drift and error: those tried."""
_CLOSER_M = 0.05
_CELL_M, _MOST_CELLS = 0.25, 4e6
"""Of the density of weeds: as fine as this, or as there may be many."""
_ONE_SIDED_95 = 1.645
_WHOLE = 1e-6
_HAIR_M = 0.01
_ROUND = 6
"""Segments of a quarter of a circle."""


def lay_out(weeds: Weeds, layout: Layout, strategy: Strategy) -> Ground:
    """The ground of one strategy: with the smallest margin that is sure to reach the coverage asked for.

    Where none does, because many weeds are missed and stand alone, the smallest: more ground would hardly reach more.
    """
    if not len(weeds.places):
        return Ground(strategy, (), 1.0, 1.0, 0.0, np.zeros(0, np.bool_))
    plan = _PLANS[strategy](weeds, layout)
    margin = _margin(plan, layout.coverage)
    share = plan.share(margin)
    whole = plan.ground(margin)
    if strategy is not Strategy.SWATHS:  # these are whole steps as they are
        whole = filled(joined(whole, layout.join_m), layout.swath_m * layout.step_m)
    pieces = _pieces(whole, layout)
    return Ground(strategy, pieces, *share, plan.least_m + margin, plan.left_out(margin))


def _margin(plan: _Plan, coverage: float) -> float:
    least, most = MARGINS_M
    if plan.share(least)[1] >= coverage or plan.share(most)[1] < coverage:
        return least
    while most - least > _CLOSER_M:
        middle = (least + most) / 2
        least, most = (least, middle) if plan.share(middle)[1] >= coverage else (middle, most)
    return most


def share_on(
    weeds: Weeds, ground: Ground, part: shapely.Geometry, allowed: shapely.Geometry
) -> tuple[float, float]:
    """Share of all weeds on `allowed` that is expected on a part of a layout's ground, and its lower end."""
    if shapely.area(shapely.difference(allowed, part)) <= _WHOLE * shapely.area(allowed):
        return 1.0, 1.0
    may = _on(allowed, weeds.places)
    there = _on(part, weeds.places)
    held = _held(weeds, ground.margin_m)
    return _share(
        weeds.recall, held * there[may].mean() if may.any() else 1.0, (there & ground.by_others)[may]
    )


def _share(recall: float, found: float, alone: NDArray[np.bool_]) -> tuple[float, float]:
    """Expected share of all weeds and its lower end, from the share of those found and which of them the others cover."""
    if not len(alone):
        return 1.0, 1.0
    covered = float(alone.mean())
    missed = max(len(alone) * (1 - recall) / recall, 1e-9)
    # Agresti and Coull (1998): a share of few is not surer for being 0 or 1.
    near = (covered * len(alone) + 2) / (len(alone) + 4)
    scatter = (1 - recall) * math.sqrt(near * (1 - near) * (1 / missed + 1 / len(alone)))
    expected = recall * found + (1 - recall) * covered
    return expected, max(0.0, expected - _ONE_SIDED_95 * min(scatter, 1 - recall))


def _held(weeds: Weeds, margin_m: float) -> float:
    """Chance that a weed stands no further from its place on the map than the margin, by a circular normal error."""
    return 1 - 0.05 ** ((margin_m / weeds.error95_m) ** 2) if weeds.error95_m > 0 else 1.0


def _on(ground: shapely.Geometry, places: Floats) -> NDArray[np.bool_]:
    shapely.prepare(ground)
    return np.asarray(shapely.contains_xy(ground, places[:, 0], places[:, 1]), np.bool_)


def smallest(weeds: Weeds, layout: Layout) -> tuple[Ground, tuple[Ground, ...]]:
    """The strategy that treats the least ground among those that reach the coverage (all, where none does); and all three."""
    every = tuple(lay_out(weeds, layout, one) for one in Strategy)
    reaching = [one for one in every if one.assured >= layout.coverage] or list(every)
    return min(reaching, key=lambda one: one.area_m2), every


# -- strategies ------------------------------------------------------------------------------------


class _Plan:
    """What a strategy makes of a margin (metres beyond what error and drift ask for)."""

    def __init__(self, weeds: Weeds, layout: Layout) -> None:
        self.weeds, self.layout = weeds, layout
        self.least_m = layout.drift_m + weeds.error95_m
        allowed = layout.allowed
        self._may = np.ones(len(weeds.places), np.bool_) if allowed is None else _on(allowed, weeds.places)

    def share(self, margin_m: float) -> tuple[float, float]:
        """Share of all weeds on the treated ground, and its lower end. Those where nothing may be treated do not count."""
        held = _held(self.weeds, self.least_m + margin_m)
        return _share(self.weeds.recall, held, self.left_out(margin_m)[self._may])

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
        return shapely.disjoint_subset_union_all(
            shapely.buffer(shapely.points(self.weeds.places), reach, quad_segs=_ROUND)
        )


def _nearest(weeds: Weeds) -> Floats:
    """[N] from the edge of the nearest other weed to each weed's middle."""
    if len(weeds.places) < 2:
        return np.full(len(weeds.places), np.inf)
    away, other = cKDTree(weeds.places).query(weeds.places, k=2)
    return np.asarray(away[:, 1] - weeds.radius_m[other[:, 1]])


class _Patches(_Plan):
    """A margin widens the kernel: the level is that at which a weed by itself is worth a disc of the least reach."""

    def __init__(self, weeds: Weeds, layout: Layout) -> None:
        super().__init__(weeds, layout)
        wide, tall = np.ptp(weeds.places, axis=0) + 2 * self._pad_m() + 1.0
        self.cell_m = max(_CELL_M, math.sqrt(wide * tall / _MOST_CELLS))

    def left_out(self, margin_m: float) -> NDArray[np.bool_]:
        density, _west, _north = self._density(margin_m)
        sigma = self._sigma(margin_m)
        own = 1 / (2 * math.pi * sigma**2)
        row, column = self._cells()
        return np.asarray(density[row, column] - own >= self._level(margin_m))

    def ground(self, margin_m: float) -> shapely.Geometry:
        density, west, north = self._density(margin_m)
        inside = density >= self._level(margin_m)
        # A weed far from all others is above its own level only if its cell's middle is near enough.
        inside[self._cells()] = True
        return traced(inside, west, north, self.cell_m)

    def _pad_m(self) -> float:
        """Around all weeds, for the widest kernel."""
        return 3 * self._sigma(MARGINS_M[1])

    def _sigma(self, margin_m: float) -> float:
        return max((self.least_m + margin_m) / 1.5, _HAIR_M)

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
        pad = self._pad_m()
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


def traced(inside: NDArray[np.bool_], west: float, north: float, cell_m: float) -> shapely.Geometry:
    """The ground of cells, row 0 in the north, with its steps smoothed: outlines lie up to half a cell outside."""
    found = shapes(inside.astype(np.uint8), inside, transform=north_up(west, north, cell_m))
    polygons = [shapely.geometry.shape(one) for one, _value in found]
    widened = shapely.buffer(polygons, cell_m / 2, join_style="mitre")
    return shapely.disjoint_subset_union_all(shapely.simplify(widened, cell_m / 2))


class _Swaths(_Plan):
    """Each weed wets all cells (swath x step) that the square around it touches."""

    def __init__(self, weeds: Weeds, layout: Layout) -> None:
        super().__init__(weeds, layout)
        self._frame = Frame.of(layout, weeds.places)
        self._at = self._frame.cells_of(weeds.places)

    def left_out(self, margin_m: float) -> NDArray[np.bool_]:
        # A weed is covered by the others where another one's square touches the cell that it stands in.
        count, low = self._counted(margin_m)
        across, along = (np.floor(self._at).astype(np.int64) - low).T
        return np.asarray(count[across, along] > 1)

    def ground(self, margin_m: float) -> shapely.Geometry:
        count, low = self._counted(margin_m)
        return self._frame.ground(count > 0, low)

    def _counted(self, margin_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many weeds wet each cell [across, along], and which cell is the first."""
        reach = self.weeds.radius_m + self.least_m + margin_m
        half = np.column_stack([reach / self.layout.swath_m, reach / self.layout.step_m])
        first, last = (np.floor(self._at + way * half).astype(np.int64) for way in (-1, 1))
        low = first.min(axis=0)
        first, last = first - low, last - low + 1
        # Corners of the rectangles of cells; summed along both axes they fill them.
        corners = np.zeros(last.max(axis=0) + 1, np.int64)
        for (x, y), sign in (
            ((first, first), 1),
            ((last, last), 1),
            ((first, last), -1),
            ((last, first), -1),
        ):
            np.add.at(corners, (x[:, 0], y[:, 1]), sign)
        return corners.cumsum(axis=0).cumsum(axis=1), low


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """The cells of a sprayer on the ground: swaths side by side, cut into steps."""

    corner: Floats
    across: Floats
    """Unit vector to the side to which the swaths' numbers grow."""
    along: Floats
    swath_m: float
    step_m: float

    @classmethod
    def of(cls, layout: Layout, places: Floats) -> Frame:
        """The frame of a layout; without a corner it begins amid the places [N, 2]."""
        turn = math.radians(layout.direction_deg)
        corner = places.mean(axis=0) if layout.corner is None else np.array(layout.corner)
        across = np.array([math.cos(turn), -math.sin(turn)])
        return cls(corner, across, np.array([math.sin(turn), math.cos(turn)]), layout.swath_m, layout.step_m)

    def cells_of(self, places: Floats) -> Floats:
        """[N, 2] (across, along) of places [N, 2], in cells."""
        return self.turned(places) / (self.swath_m, self.step_m)

    def turned(self, places: Floats) -> Floats:
        """[N, 2] metres across and along of places [N, 2]."""
        away = places - self.corner
        return np.column_stack([away @ self.across, away @ self.along])

    def placed(self, metres: Floats) -> Floats:
        """The places of [N, 2] metres across and along."""
        return np.asarray(self.corner + metres[:, [0]] * self.across + metres[:, [1]] * self.along)

    def ground(self, wanted: NDArray[np.bool_], low: NDArray[np.int64]) -> shapely.Geometry:
        """The ground of cells [across, along], of which the first is number `low`."""
        # Traced in a frame where a cell is a square of side 1, and turned into its place.
        found = shapes(wanted.astype(np.uint8), wanted)
        polygons = [shapely.geometry.shape(one) for one, _value in found]
        return shapely.transform(
            shapely.disjoint_subset_union_all(polygons),
            lambda xy: self.placed((xy[:, ::-1] + low) * (self.swath_m, self.step_m)),
        )

    def touched(self, ground: shapely.Geometry) -> float:
        """Area in m2 of all cells that the ground reaches into by more than a hair."""
        cells = shapely.transform(ground.buffer(-_HAIR_M), self.cells_of)
        if cells.is_empty:
            return 0.0
        west, south, east, north = (math.floor(one) for one in shapely.total_bounds(cells))
        shape = north - south + 1, east - west + 1
        burnt = rasterize([cells], shape, all_touched=True, transform=Affine(1, 0, west, 0, 1, south))
        return float(burnt.sum()) * self.swath_m * self.step_m


_PLANS: dict[Strategy, Callable[[Weeds, Layout], _Plan]] = {
    Strategy.SPOTS: _Spots,
    Strategy.PATCHES: _Patches,
    Strategy.SWATHS: _Swaths,
}


# -- pieces ----------------------------------------------------------------------------------------


def _pieces(ground: shapely.Geometry, layout: Layout) -> tuple[shapely.Polygon, ...]:
    """Polygons, none smaller than is asked for, within what may be treated; the largest first."""
    parts, whole = shapely.get_parts(ground), ground
    if (shapely.area(parts) < layout.least_m2).any():
        whole = shapely.disjoint_subset_union_all([_widened(one, layout.least_m2) for one in parts])
    if layout.allowed is not None:
        whole = whole & layout.allowed
    polygons = [one for one in shapely.get_parts(whole) if isinstance(one, shapely.Polygon) and one.area > 0]
    return tuple(sorted(polygons, key=lambda one: -one.area))


def _widened(piece: shapely.Polygon, least_m2: float) -> shapely.Geometry:
    while 0 < piece.area < least_m2:
        # A disc of the piece's area would have to grow by about so much.
        piece = piece.buffer(max(0.02, (math.sqrt(least_m2) - math.sqrt(piece.area)) / math.sqrt(math.pi)))
    return piece
