"""Crop rows wherever they run: straight, curved, along terraces, across on the headland.

Rows are the whole numbers of a phase over the field: it grows by one from row to row. In blocks of some metres they are
straight and show as a peak in the spatial spectrum of the plants' places; its wave vector and phase tell direction, spacing and
place of the rows there. Blocks side by side whose rows fit each other, in direction, spacing and phase, are of one *plot*;
along a tree of the best fits their phases are joined (phase unwrapping by quality; Ghiglia and Pritt 1998, "Two-Dimensional
Phase Unwrapping"), and blended. Then the plants correct the phase around them, in a finer and finer lattice.

Where rows break off (a terrace's edge, a headland) another plot begins. Ground whose blocks show no rows belongs to none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SPACINGS_M = (0.2, 2.5)
"""Rows closer or wider than this are not looked for."""
MIN_PLACES = 30
MIN_ROWS = 3
CLEAR = 13.0
"""In a block rows stand this many times above what the other directions of their wavelength let expect. By chance alone one
of a thousand and more directions and wavelengths is above it in one block of 75."""
CLEAR_OF_USUAL = 5.5
"""The same where the spacing is known: far fewer wavelengths are asked."""
LEAST_BLOCKS = 0.5
"""Of the plants: as many stand in blocks that show rows, or there are none."""
LEAST_QUALITY = 0.3
"""Below it there is no telling which plant belongs to which row."""
PLAIN = 30.0
"""Plants times the square of their quality, of a plot: fewer plants, or such as keep less to their rows, make none."""
_STEP = 0.5
"""Of a wave of the lattice, by which the true one may lie beside it on each axis."""
_BESIDE_A_WAVE = 0.75
_ROWS_IN_BLOCK = 9.0
_BLOCK_M = (5.0, 20.0)
_CELLS_TO_ROW = 8.0
_NEAR = 1.35
"""Rows of one field are no wider or closer than this times the usual."""
_FITS = 0.30
"""Of a wave vector's length: by which those of two neighbours may differ."""
_IN_STEP = 0.28
"""Of a row: by which the phases of two neighbours may differ half-way between them."""
_PARTS = (1, 2, 3, 4)
"""Narrow rows also show at 1/2, 1/3 and 1/4 of their spacing."""
_SAMPLED = 48
"""Blocks that tell the spacing."""
_LATTICE_M = 0.5
_SLOPE_M = 0.75
"""On both sides of a place, over which the direction and the spacing there are taken: a row, and at least this."""
_SMOOTH_ROWS = (2.5, 1.5, 1.5, 1.5, 1.0, 1.0)
"""Standard deviations, in rows, over which the plants correct the phase, one pass after the other."""
TOLD_WITHIN_DEG = 7.5
"""Rows whose direction somebody told run no farther off it than this."""
_TELLING = 12.0
"""Plants, at least, that count together in a correction: fewer would each draw the row to themselves, wherever they stand."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A piece of a field whose rows hang together."""

    direction_deg: float
    """In which its rows run, clockwise from grid north, 0 to 180; of curved ones, the mean."""
    spacing_m: float
    bend_deg: float
    """Standard deviation of the direction over the plot: 0 where rows are straight."""
    area_m2: float
    """About, by the blocks that show its rows."""


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """The rows of a field."""

    plots: tuple[Plot, ...]
    """The largest first."""
    quality: float
    """Weighted mean of cos(2 pi phase) of the plants: 1 where all stand on their rows."""
    spread_m: float
    """Robust standard deviation of the plants' distance from their row (1.4826 x median)."""
    _blocks: _Blocks
    _corrections: tuple[_Lattice, ...]

    @property
    def spacing_m(self) -> float:
        """Of all plots, by their area."""
        return float(
            np.average([one.spacing_m for one in self.plots], weights=[one.area_m2 for one in self.plots])
        )

    def at(self, places: ArrayLike) -> ByRow:
        """Where `places` [N, 2] (east, north) stand by the rows."""
        return self._blocks.at(_points(places), self._corrections)


@dataclass(frozen=True, eq=False, slots=True)
class ByRow:
    """N places by the rows. NaN for those outside all plots."""

    plot: Whole
    """-1: outside all."""
    row: Whole
    """Number within its plot, any whole number; 0 for those outside."""
    aside_m: Floats
    """From the middle of the row, to the side to which the numbers grow."""
    along: Floats
    """[N, 2] unit vectors in which the row runs there."""
    spacing_m: Floats
    """Between the rows there."""

    def on_row(self, share: float) -> NDArray[np.bool_]:
        """[N] whether each stands within this share of the spacing from the middle of its row."""
        return np.asarray((self.plot >= 0) & (np.abs(self.aside_m) <= share * self.spacing_m))


def find_rows(
    places: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    spacings_m: tuple[float, float] = SPACINGS_M,
    direction_deg: float | None = None,
) -> Rows | None:
    """The rows in which most of the places stand; None where there are none, or too few places to tell.

    `places` [N, 2] east, north in metres; `weights` [N], at least 0 (None: all alike), say how much each counts. With
    `direction_deg`, clockwise from grid north, rows are looked for within TOLD_WITHIN_DEG of it only.
    """
    told = None if direction_deg is None else _Told.of(direction_deg)
    points = _points(places)
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, float).reshape(-1)
    kept = np.isfinite(points).all(axis=1) & (weight > 0)
    points, weight = points[kept], weight[kept]
    if len(points) < MIN_PLACES or np.ptp(points, axis=0).max() < MIN_ROWS * spacings_m[0]:
        return None
    spacing = _usual_spacing(points, weight, spacings_m, told)
    if spacing is None:
        return None
    blocks = _joined(points, weight, spacing, told)
    if blocks is None:
        return None
    corrections = _corrected(points, weight, blocks)
    return _told(points, weight, _sound(points, weight, blocks, corrections), corrections)


def _points(places: ArrayLike) -> Floats:
    return np.asarray(places, float).reshape(-1, 2)


# -- blocks of a spectrum ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Told:
    """In which direction rows run, as somebody told it."""

    across: Floats
    """Unit vector (east, north) from row to row."""

    @classmethod
    def of(cls, direction_deg: float) -> _Told:
        angle = math.radians(direction_deg)
        return cls(np.array([math.cos(angle), -math.sin(angle)]))

    def fits(self, wave: Floats, slack: float | Floats = 0.0) -> NDArray[np.bool_]:
        """[...] of wave vectors [..., 2]: whether each is of rows in this direction, or within `slack` of one that is."""
        along, beside = wave @ self.across, wave @ np.array([-self.across[1], self.across[0]])
        return np.asarray(np.abs(beside) <= np.abs(along) * math.tan(math.radians(TOLD_WITHIN_DEG)) + slack)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The places of one block."""

    column: int
    row: int
    centre: Floats
    chosen: Whole


def _cut(points: Floats, side: float) -> Iterator[_Cut]:
    """Blocks of `side` metres, half overlapping, on a lattice around the middle of all places."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    steps = np.maximum(np.ceil(2 * extent / side).astype(int) - 1, 1)
    start = low + extent / 2 - (steps - 1) * side / 4 - side / 2
    by_east = np.argsort(points[:, 0], kind="stable")
    east = points[by_east, 0]
    for column in range(steps[0]):
        x = start[0] + column * side / 2
        first, last = np.searchsorted(east, [x, x + side])
        strip = by_east[first:last]
        north = points[strip, 1]
        for row in range(steps[1]):
            y = start[1] + row * side / 2
            chosen = strip[(north >= y) & (north < y + side)]
            if len(chosen) >= MIN_ROWS * 3:
                yield _Cut(column, row, np.array([x + side / 2, y + side / 2]), np.sort(chosen))


@dataclass(frozen=True, eq=False, slots=True)
class _Spectrum:
    """What is the same for all blocks of one size: the taper, and the rings of equal wavelength."""

    side: float
    cells: int
    taper: Floats
    east: Floats
    north: Floats
    ring: Whole
    """-1: not looked at."""
    order: Whole
    bounds: Whole
    wanted: NDArray[np.bool_]
    """Waves among which the peak is looked for: the others of the ring only tell what is usual."""

    @classmethod
    def of(cls, side: float, spacings_m: tuple[float, float], told: _Told | None) -> _Spectrum:
        cells = int(min(256, math.ceil(side / spacings_m[0] * _CELLS_TO_ROW / 2)))
        east, north = np.meshgrid(np.arange(cells // 2 + 1.0), np.fft.fftfreq(cells, 1 / cells))
        ring = np.rint(np.hypot(east, north)).astype(np.int64)
        low, high = max(MIN_ROWS, math.ceil(side / spacings_m[1])), math.floor(side / spacings_m[0])
        wanted = (ring >= low) & (ring <= min(high, cells // 2 - 1)) & ((east > 0) | (north > 0))
        ring = np.where(wanted, ring, -1)
        order = np.argsort(ring.ravel(), kind="stable")
        bounds = np.searchsorted(ring.ravel()[order], np.arange(-1, int(ring.max(initial=0)) + 2))
        window = np.hanning(cells + 2)[1:-1]
        if told is not None:
            # Between two of the lattice's waves lies the true one.
            wanted &= told.fits(np.stack([east, north], axis=-1), _BESIDE_A_WAVE)
        taper = window[:, None] * window[None, :]
        return cls(side, cells, taper, east, north, ring, order, bounds, wanted)

    def clearest(self, places: Floats, weight: Floats) -> tuple[Floats, float]:
        """Wave vector (cycles a metre) of the peak that stands out most from the other directions of its wavelength, and how
        many times; `places` from the block's middle."""
        at = np.clip(np.floor((places / self.side + 0.5) * self.cells).astype(np.int64), 0, self.cells - 1)
        flat = at[:, 1] * self.cells + at[:, 0]
        image = np.bincount(flat, weight, self.cells**2).reshape(self.cells, self.cells) * self.taper
        image -= self.taper * (image.sum() / self.taper.sum())
        power = np.abs(np.fft.rfft2(image)) ** 2
        values = power.ravel()[self.order]
        floors = np.full(len(self.bounds), np.inf)
        for number in range(1, len(self.bounds) - 1):
            first, last = self.bounds[max(1, number - 1)], self.bounds[min(len(self.bounds) - 1, number + 2)]
            if self.bounds[number] < self.bounds[number + 1]:
                floors[number] = np.median(values[first:last]) / math.log(2)
        clear = np.where(self.wanted, power / np.maximum(floors[self.ring + 1], 1e-12), 0.0)
        best = np.unravel_index(int(np.argmax(clear)), clear.shape)
        return np.array([self.east[best], self.north[best]]) / self.side, float(clear[best])


def _climb(
    places: Floats, weight: Floats, wave: Floats, step: float, rounds: int, told: _Told | None = None
) -> tuple[Floats, complex]:
    """The best wave vector within `step` of one, and the weighted mean of exp(2 pi i wave . place) there: 0 where none fits
    the direction that was told."""
    grid = np.linspace(-1, 1, 5)
    best, mean = wave, 0j
    for _round in range(rounds):
        tried = best + step * np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
        turns = weight @ np.exp(2j * math.pi * (places @ tried.T))
        if told is not None:
            turns = np.where(told.fits(tried), turns, 0j)
        number = int(np.argmax(np.abs(turns)))
        best, mean = tried[number], complex(turns[number]) / float(weight.sum())
        step /= 2.5
    return best, mean


def _usual_spacing(
    points: Floats, weight: Floats, spacings_m: tuple[float, float], told_way: _Told | None
) -> float | None:
    """Metres between rows, from some blocks all over the field; None: too few show rows."""
    found: list[float] = []
    votes: list[float] = []
    told = total = 0.0
    extent = float(np.ptp(points, axis=0).max())
    side = min(max(2 * MIN_ROWS * spacings_m[0], min(10.0, extent)), extent * 1.001)
    spectrum = _Spectrum.of(side, spacings_m, told_way)
    cuts = list(_cut(points, side))
    longest = min(spacings_m[1], side / MIN_ROWS)
    for one in cuts[:: max(1, len(cuts) // _SAMPLED)]:
        places, mass = points[one.chosen] - one.centre, weight[one.chosen]
        wave, clear = spectrum.clearest(places, mass)
        total += float(mass.sum())
        if clear < CLEAR:
            continue
        # Of a wave and those it may be an overtone of, the true one fits best: nothing stands between its rows.
        tried = [wave / part for part in _PARTS if part == 1 or part <= longest * float(np.hypot(*wave))]
        wave, mean = max(
            (_climb(places, mass, each, _STEP / side, 3, told_way) for each in tried),
            key=lambda each: abs(each[1]),
        )
        if abs(mean) == 0:
            continue
        told += float(mass.sum())
        found.append(1 / float(np.hypot(*wave)))
        votes.append(float(mass.sum()) * abs(mean))
    if not found or told < LEAST_BLOCKS * total / 2:
        return None
    return _mode(np.array(found), np.array(votes))


def _mode(values: Floats, votes: Floats) -> float:
    """The value around which (within a sixth) most votes lie: the median of these."""
    apart = np.abs(np.log(values[:, None] / values[None, :])) < 1 / 6
    near = apart[int(np.argmax(apart @ votes))]
    order = np.argsort(values[near])
    sums = np.cumsum(votes[near][order])
    return float(values[near][order][np.searchsorted(sums, sums[-1] / 2)])


# -- blocks that hang together -------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Blocks:
    """Blocks that show rows: K of them, on a lattice of half their side."""

    side: float
    origin: Floats
    """East, north of the lattice's first centre."""
    index: Whole
    """[columns, rows] number of the block at each lattice place, -1: none."""
    centre: Floats
    """[K, 2]"""
    wave: Floats
    """[K, 2] cycles a metre, to one side within a plot."""
    phase: Floats
    """[K] at the centre, whole within a plot."""
    plot: Whole
    """[K]"""

    def blend(self, points: Floats) -> tuple[Whole, Floats, Floats]:
        """Plot, phase and wave of N places, blended from the blocks around each; -1 and NaN where there is none."""
        known: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1))
        at = np.where(known[:, None], (points - self.origin) / (self.side / 2), 0.0)
        low = np.floor(at).astype(np.int64)
        part = at - low
        columns, rows = self.index.shape
        numbers = np.full((len(points), 4), -1, np.int64)
        share = np.zeros((len(points), 4))
        for corner, (right, up) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
            x, y = low[:, 0] + right, low[:, 1] + up
            # The outermost blocks tell of the ground up to their own edges.
            x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
            near = (
                np.abs(points - (self.origin + np.column_stack([x, y]) * self.side / 2)).max(axis=1)
                <= self.side / 2
            )
            numbers[:, corner] = np.where(near & known, self.index[x, y], -1)
            share[:, corner] = np.abs(1 - right - part[:, 0]) * np.abs(1 - up - part[:, 1])
        there = numbers >= 0
        share = np.where(there, np.maximum(np.abs(share), 1e-6), 0.0)
        plots = np.where(there, self.plot[numbers], -1)
        plot = _heaviest(plots, share)
        share = np.where(plots == plot[:, None], share, 0.0)
        total = share.sum(axis=1)
        share = np.divide(share, total[:, None], out=np.zeros_like(share), where=total[:, None] > 0)
        offsets = points[:, None, :] - self.centre[numbers]
        phases = self.phase[numbers] + np.einsum("nkd,nkd->nk", offsets, self.wave[numbers])
        inside = plot >= 0
        phase = np.where(inside, (share * phases).sum(axis=1), np.nan)
        wave = np.where(inside[:, None], (share[:, :, None] * self.wave[numbers]).sum(axis=1), np.nan)
        return plot, phase, wave

    def at(self, points: Floats, corrections: tuple[_Lattice, ...]) -> ByRow:
        plot, phase, wave = self._phase(points, corrections)
        wave = self._steepest(points, plot, wave, corrections)
        inside = plot >= 0
        row = np.where(inside, np.rint(np.where(inside, phase, 0.0)), 0).astype(np.int64)
        length = np.hypot(wave[:, 0], wave[:, 1])
        spacing = 1 / length
        along = np.column_stack([-wave[:, 1], wave[:, 0]]) / length[:, None]
        return ByRow(plot, row, (phase - row) * spacing, along, spacing)

    def _phase(self, points: Floats, corrections: tuple[_Lattice, ...]) -> tuple[Whole, Floats, Floats]:
        plot, phase, wave = self.blend(points)
        for one in corrections:
            phase = phase - one.at(points, plot)
        return plot, phase, wave

    def _steepest(
        self, points: Floats, plot: Whole, wave: Floats, corrections: tuple[_Lattice, ...]
    ) -> Floats:
        """[N, 2] the slope of the corrected phase on both sides; that of the blocks where a plot ends nearer."""
        reach = np.maximum(_SLOPE_M, 1 / np.hypot(wave[:, 0], wave[:, 1]))
        slope = np.full(wave.shape, np.nan)
        for axis in (0, 1):
            step = np.zeros(points.shape)
            step[:, axis] = reach
            (plot_on, on, _), (plot_back, back, _) = (
                self._phase(points + way * step, corrections) for way in (1, -1)
            )
            both = (plot_on == plot) & (plot_back == plot) & (plot >= 0)
            slope[both, axis] = (on[both] - back[both]) / (2 * reach[both])
        apart = np.linalg.norm(slope - wave, axis=1) / np.linalg.norm(wave, axis=1)
        return np.where((apart < _FITS)[:, None], slope, wave)


def _heaviest(plots: Whole, share: Floats) -> Whole:
    """[N] of the plots in each row [N, 4] the one with the largest sum of shares; -1: none."""
    sums = np.stack([(share * (plots == plots[:, [k]])).sum(axis=1) for k in range(plots.shape[1])], axis=1)
    sums = np.where(plots >= 0, sums, -1.0)
    best = np.argmax(sums, axis=1)
    return np.take_along_axis(plots, best[:, None], axis=1)[:, 0]


def _joined(points: Floats, weight: Floats, spacing: float, told: _Told | None) -> _Blocks | None:
    """Blocks that show rows of about this spacing, joined to plots."""
    extent = np.ptp(points, axis=0)
    side = float(np.clip(_ROWS_IN_BLOCK * spacing, *_BLOCK_M))
    side = min(side, float(extent.max()) * 1.001)
    spectrum = _Spectrum.of(side, (spacing / _NEAR, min(spacing * _NEAR, side / MIN_ROWS)), told)
    cuts, waves, means = [], [], []
    for one in _cut(points, side):
        places, mass = points[one.chosen] - one.centre, weight[one.chosen]
        wave, clear = spectrum.clearest(places, mass)
        if clear >= CLEAR_OF_USUAL:
            window = mass * np.prod(np.cos(math.pi * places / side) ** 2, axis=1)
            wave, mean = _climb(places, window, wave, _STEP / side, 4, told)
            if abs(mean) >= LEAST_QUALITY:
                cuts.append(one)
                waves.append(wave)
                means.append(mean)
    if not cuts:
        return None
    return _unwrapped(side, cuts, np.array(waves), np.array(means))


def _unwrapped(side: float, cuts: list[_Cut], wave: Floats, mean: NDArray[np.complex128]) -> _Blocks:
    """One phase for all blocks of a plot, along the tree of the best fits."""
    column, row = (np.array([getattr(one, name) for one in cuts]) for name in ("column", "row"))
    index = np.full((column.max() + 1, row.max() + 1), -1, np.int64)
    index[column, row] = np.arange(len(cuts))
    centre = np.array([one.centre for one in cuts])
    phase = -np.angle(mean) / (2 * math.pi)  # rows are where wave . place + phase is whole
    left, right = _neighbours(index)
    sign = np.sign(np.einsum("ed,ed->e", wave[left], wave[right]))
    sign = np.where(sign == 0, 1.0, sign)
    apart = np.linalg.norm(wave[left] - sign[:, None] * wave[right], axis=1) / np.linalg.norm(
        wave[left], axis=1
    )
    middle = (centre[left] + centre[right]) / 2
    here = phase[left] + np.einsum("ed,ed->e", middle - centre[left], wave[left])
    there = sign * (phase[right] + np.einsum("ed,ed->e", middle - centre[right], wave[right]))
    steps = np.rint(here - there)
    off = np.abs(here - there - steps)
    fit = (apart < _FITS) & (off < _IN_STEP)
    left, right, sign, steps = left[fit], right[fit], sign[fit], steps[fit]
    cost = 0.01 + (apart[fit] / _FITS) ** 2 + (off[fit] / _IN_STEP) ** 2
    count = len(cuts)
    graph = coo_array((cost, (left, right)), (count, count)).tocsr()
    _number, plot = connected_components(graph, directed=False)
    tree = minimum_spanning_tree(graph)
    turned = {(int(i), int(j)): (s, n) for i, j, s, n in zip(left, right, sign, steps, strict=True)}
    flip, whole = np.ones(count), np.zeros(count)
    for root in np.unique(plot, return_index=True)[1]:
        order, parent = breadth_first_order(tree, int(root), directed=False)
        for node in order[1:]:
            before = int(parent[node])
            if (before, int(node)) in turned:
                s, n = turned[before, int(node)]
                # before's own phase - n = s x node's own, half-way between them
                flip[node] = flip[before] * s
                whole[node] = whole[before] + flip[before] * n
            else:
                s, n = turned[int(node), before]
                flip[node] = flip[before] * s
                whole[node] = whole[before] - flip[node] * n
    return _Blocks(side, centre[0] - np.array([column[0], row[0]]) * side / 2, index, centre,
                   flip[:, None] * wave, flip * phase + whole, plot.astype(np.int64))  # fmt: skip


def _neighbours(index: Whole) -> tuple[Whole, Whole]:
    """Pairs of blocks side by side, also over the corner."""
    pairs = []
    for right, up in ((1, 0), (0, 1), (1, 1), (1, -1)):
        columns, rows = index.shape
        one = index[: columns - right, max(0, -up) : rows - max(0, up)]
        other = index[right:, max(0, up) : rows - max(0, -up)]
        both = (one >= 0) & (other >= 0)
        pairs.append(np.column_stack([one[both], other[both]]))
    every = np.concatenate(pairs)
    return every[:, 0], every[:, 1]


# -- the plants correct the phase ------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Lattice:
    """A correction of the phase, of each plot, on a lattice."""

    origin: Floats
    step: float
    values: dict[int, Floats]
    """[columns, rows] by plots."""

    def at(self, points: Floats, plot: Whole) -> Floats:
        """[N] by the four lattice points around each place."""
        found = np.zeros(len(points))
        for number, values in self.values.items():
            mine = plot == number
            at = (points[mine] - self.origin) / self.step
            low = np.floor(at).astype(np.int64)
            part = at - low
            sums = np.zeros(int(mine.sum()))
            for right in (0, 1):
                for up in (0, 1):
                    x = np.clip(low[:, 0] + right, 0, values.shape[0] - 1)
                    y = np.clip(low[:, 1] + up, 0, values.shape[1] - 1)
                    share = np.abs(1 - right - part[:, 0]) * np.abs(1 - up - part[:, 1])
                    sums += share * values[x, y]
            found[mine] = sums
        return found


def _corrected(points: Floats, weight: Floats, blocks: _Blocks) -> tuple[_Lattice, ...]:
    plot, phase, wave = blocks.blend(points)
    spacing = float(np.nanmedian(1 / np.hypot(wave[:, 0], wave[:, 1]))) if (plot >= 0).any() else 1.0
    origin = points.min(axis=0) - _LATTICE_M
    shape = tuple(np.ceil((np.ptp(points, axis=0) + 2 * _LATTICE_M) / _LATTICE_M).astype(int) + 1)
    corrections = []
    for rows in _SMOOTH_ROWS:
        values = {}
        for number in np.unique(plot[plot >= 0]):
            mine = plot == number
            at = np.rint((points[mine] - origin) / _LATTICE_M).astype(np.int64)
            turns = np.zeros(shape, np.complex128)
            np.add.at(turns, (at[:, 0], at[:, 1]), weight[mine] * np.exp(2j * math.pi * phase[mine]))
            ground = (blocks.plot == number).sum() * (blocks.side / 2) ** 2
            enough = math.sqrt(_TELLING * float(ground) / (4 * math.pi * int(mine.sum())))
            smooth = _smoothed(turns, max(rows * spacing, enough) / _LATTICE_M)
            usual = np.abs(smooth).max() * 1e-3
            values[int(number)] = np.angle(smooth + usual) / (2 * math.pi)
        one = _Lattice(origin, _LATTICE_M, values)
        phase = phase - one.at(points, plot)
        corrections.append(one)
    return tuple(corrections)


def _smoothed(turns: NDArray[np.complex128], sigma: float) -> NDArray[np.complex128]:
    """Gaussian, by its transform; nothing beyond the edges."""
    pad = math.ceil(3 * sigma)
    shape = [size + 2 * pad for size in turns.shape]
    east, north = (np.fft.fftfreq(size) for size in shape)
    kernel = np.exp(-2 * (math.pi * sigma) ** 2 * (east[:, None] ** 2 + north[None, :] ** 2))
    found = np.fft.ifft2(np.fft.fft2(turns, shape) * kernel)
    return found[: turns.shape[0], : turns.shape[1]]


def _sound(points: Floats, weight: Floats, blocks: _Blocks, corrections: tuple[_Lattice, ...]) -> _Blocks:
    """Without plots that are none: a single line of plants, or weeds that stand like rows by chance."""
    found = blocks.at(points, corrections)
    good = [number for number in np.unique(blocks.plot) if _shows_rows(found, weight, found.plot == number)]
    kept = (blocks.index >= 0) & np.isin(blocks.plot[blocks.index], good)
    return replace(blocks, index=np.where(kept, blocks.index, -1))


def _shows_rows(found: ByRow, weight: Floats, mine: NDArray[np.bool_]) -> bool:
    if mine.sum() < MIN_PLACES:
        return False
    _rows, plants = np.unique(found.row[mine], return_counts=True)
    turns = np.cos(2 * math.pi * found.aside_m[mine] / found.spacing_m[mine])
    clear = float(np.average(turns, weights=weight[mine]))
    return bool((plants >= MIN_ROWS).sum() >= MIN_ROWS and clear > 0 and mine.sum() * clear**2 > PLAIN)


def _told(points: Floats, weight: Floats, blocks: _Blocks, corrections: tuple[_Lattice, ...]) -> Rows | None:
    found = blocks.at(points, corrections)
    inside = found.plot >= 0
    if not inside.any() or weight[inside].sum() < LEAST_BLOCKS * weight.sum():
        return None
    turns = np.cos(2 * math.pi * found.aside_m[inside] / found.spacing_m[inside])
    quality = float(np.average(turns, weights=weight[inside]))
    if quality < LEAST_QUALITY:
        return None
    spread = 1.4826 * _median(np.abs(found.aside_m[inside]), weight[inside])
    numbers, counts = np.unique(blocks.plot, return_counts=True)
    plots = [_plot(points, weight, found, int(number), count * (blocks.side / 2) ** 2)
             for number, count in zip(numbers, counts, strict=True) if (found.plot == number).any()]  # fmt: skip
    plots = sorted(plots, key=lambda one: -one.area_m2)
    return Rows(tuple(plots), quality, spread, blocks, corrections)


def _plot(points: Floats, weight: Floats, found: ByRow, number: int, area_m2: float) -> Plot:
    """Direction by a plane through the phases, as far as rows are straight; spacing by what is usual: banks and tracks between
    rows are none."""
    mine = found.plot == number
    place, mass = points[mine] - points[mine].mean(axis=0), np.sqrt(weight[mine])
    phase = found.row[mine] + found.aside_m[mine] / found.spacing_m[mine]
    turned = np.exp(2j * np.arctan2(found.along[mine, 0], found.along[mine, 1]))
    mean = np.average(turned, weights=weight[mine])
    bend = math.degrees(math.sqrt(max(0.0, -2 * math.log(max(abs(mean), 1e-9)))) / 2)
    direction = math.degrees(np.angle(mean) / 2) % 180
    spacing = _median(found.spacing_m[mine], weight[mine])
    if bend < 2.0 and mine.sum() >= MIN_PLACES:
        plane = np.linalg.lstsq(np.column_stack([place, np.ones(len(place))]) * mass[:, None], phase * mass)[
            0
        ][:2]
        direction = math.degrees(math.atan2(-plane[1], plane[0])) % 180
    return Plot(direction, spacing, bend, area_m2)


def _median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
