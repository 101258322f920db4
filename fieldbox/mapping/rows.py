"""Crop rows, found from the places of plants (or of bits of vegetation): direction, spacing and where each runs.

Rows show as a peak in the spatial spectrum of the places: its direction is that across the rows, its
wavelength their spacing. The spectrum is taken over blocks of the field and added without phase (Welch
1967, IEEE Transactions on Audio and Electroacoustics 15(2), 70-73), so that rows need not keep step over a
whole field, and is compared with what lies in other directions at the same wavelength, so that clumps and
patches, which have no direction, make no rows. Then the peak is refined over longer and longer blocks, and
each row is placed by the plants next to it.

Rows are taken to be straight. Curved rows come out as None or with a low `quality`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SPACINGS_M = (0.2, 2.5)
"""Rows closer or wider than this are not looked for."""
MIN_PLACES = 30
MIN_ROWS = 3
CLEAR = 15.0
"""Rows stand this many times above what the other directions of their wavelength let expect. Tight clumps
can reach it by chance, but not LEAST_QUALITY with it."""
LEAST_QUALITY = 0.3
"""Below it there is no telling which plant belongs to which row."""
_BLOCK_M = 20.0
_CELL_M = 0.05
_PARTS = (1, 2, 3, 4)
"""Narrow rows also show at 1/2, 1/3 and 1/4 of their spacing."""
_MOST = 20_000
"""Places used to refine direction and spacing; more add time and no precision."""
_SEED = 7


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """Straight parallel rows on the ground."""

    direction_deg: float
    """In which the rows run: clockwise from grid north, 0 to 180."""
    spacing_m: float
    """Between neighbouring rows (mean)."""
    origin: tuple[float, float]
    """East, north of the point that `offsets` are measured from."""
    offsets: Floats
    """[R] where each row runs: metres from the origin to the right of the direction, ascending."""
    quality: float
    """Weighted mean of cos(2 pi distance / spacing): 1 where everything stands on its row, 0 where all is
    spread evenly (weeds between the rows count), lower where the rows are curved."""
    spread_m: float
    """Robust standard deviation of the plants' distance from their row (1.4826 x median)."""

    @property
    def along(self) -> Floats:
        """Unit vector (east, north) in which the rows run."""
        turn = math.radians(self.direction_deg)
        return np.array([math.sin(turn), math.cos(turn)])

    @property
    def across(self) -> Floats:
        """Unit vector (east, north) to the right of it."""
        turn = math.radians(self.direction_deg)
        return np.array([math.cos(turn), -math.sin(turn)])

    def row_of(self, places: ArrayLike) -> tuple[Whole, Floats]:
        """Number of the nearest row (0 is the first of `offsets`) and the distance to it in metres.

        `places` [N, 2] east, north. A place beyond the outermost rows gets the outermost one's number, and
        its true distance.
        """
        aside = self.aside(places)
        middles = (self.offsets[1:] + self.offsets[:-1]) / 2
        number = np.searchsorted(middles, aside).astype(np.int64)
        return number, np.abs(aside - self.offsets[number])

    def aside(self, places: ArrayLike) -> Floats:
        """[N] metres to the right of the origin, across the rows."""
        return np.asarray((_points(places) - self.origin) @ self.across)

    def ahead(self, places: ArrayLike) -> Floats:
        """[N] metres from the origin along the rows."""
        return np.asarray((_points(places) - self.origin) @ self.along)


def find_rows(
    places: ArrayLike, weights: ArrayLike | None = None, *, spacings_m: tuple[float, float] = SPACINGS_M
) -> Rows | None:
    """The rows in which most of the places stand; None where there are none, or too few places to tell.

    `places` [N, 2] east, north in metres: plants, or centres of cells with vegetation. `weights` [N], at
    least 0 (None: all alike), say how much each counts: a cell's cover, a plant's area or its score.
    The result does not depend on the order of the places but for rounding. 90,000 places over 3 ha take about 4 s.
    """
    points = _points(places)
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, float).reshape(-1)
    kept = np.isfinite(points).all(axis=1) & (weight > 0)
    points, weight = points[kept], weight[kept]
    if len(points) < MIN_PLACES:
        return None
    origin = (points.min(axis=0) + points.max(axis=0)) / 2
    points = points - origin
    wave = _peak(points, weight, spacings_m)
    if wave is None:
        return None
    wave = _refined(points, weight, wave, spacings_m)
    return _placed(points, weight, wave, origin)


def _points(places: ArrayLike) -> Floats:
    return np.asarray(places, float).reshape(-1, 2)


# -- direction and spacing ----------------------------------------------------------------------


def _peak(points: Floats, weight: Floats, spacings_m: tuple[float, float]) -> Floats | None:
    """Wave vector (cycles a metre, east and north) of the rows, to about one step of the spectrum."""
    side = min(_BLOCK_M, max(2 * spacings_m[0], float(np.ptp(points, axis=0).max())))
    cells = math.ceil(side / _CELL_M)
    power = np.zeros((cells, cells // 2 + 1))
    window = np.hanning(cells + 2)[1:-1]
    taper = window[:, None] * window[None, :]
    for chosen, corner in _blocks(points, side):
        column, row = np.floor((points[chosen] - corner) / side * cells).astype(np.int64).T
        flat = np.clip(row, 0, cells - 1) * cells + np.clip(column, 0, cells - 1)
        image = np.bincount(flat, weight[chosen], cells * cells).reshape(cells, cells) * taper
        image -= taper * (image.sum() / taper.sum())
        power += np.abs(np.fft.rfft2(image)) ** 2
    return _clearest(power, side, cells, spacings_m)


def _blocks(points: Floats, side: float) -> Iterator[tuple[Whole, Floats]]:
    """Indices of the points of each block of `side` metres, half overlapping, and its lower left corner."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    steps = np.maximum(np.ceil(2 * extent / side).astype(int) - 1, 1)
    starts = [np.linspace(low[i], max(low[i], low[i] + extent[i] - side), steps[i]) for i in (0, 1)]
    # A block that is larger than the field in one direction has the field in its middle.
    slack = np.maximum(side - extent, 0) / 2
    by_east = np.argsort(points[:, 0], kind="stable")
    east = points[by_east, 0]
    for x in starts[0] - slack[0]:
        first, last = np.searchsorted(east, [x, x + side])
        strip = by_east[first:last]
        north = points[strip, 1]
        for y in starts[1] - slack[1]:
            chosen = strip[(north >= y) & (north <= y + side)]
            if len(chosen):
                yield np.sort(chosen), np.array([x, y])


def _clearest(power: Floats, side: float, cells: int, spacings_m: tuple[float, float]) -> Floats | None:
    """The peak that stands out most from the other directions of its wavelength."""
    east, north = np.meshgrid(np.arange(cells // 2 + 1), np.fft.fftfreq(cells, 1 / cells))
    ring = np.rint(np.hypot(east, north)).astype(np.int64)
    low, high = max(MIN_ROWS, math.ceil(side / spacings_m[1])), math.floor(side / spacings_m[0])
    wanted = (ring >= low) & (ring <= min(high, cells // 2 - 1)) & ((east > 0) | (north > 0))
    if not wanted.any():
        return None
    ring = np.where(wanted, ring, 0)
    floor = _floors(ring, power)
    clear = np.where(wanted, power / np.maximum(floor[ring], 1e-12), 0.0)
    best = np.unravel_index(int(np.argmax(clear)), clear.shape)
    peak = np.array([east[best], north[best]], float)
    if clear[best] < CLEAR:
        return None
    return peak / side


def _floors(ring: Whole, power: Floats) -> Floats:
    """[rings] what the middle of each ring's power lets expect as its mean (exponential: median / ln 2).

    Each ring is judged with its neighbours: the innermost have few directions.
    """
    order = np.argsort(ring.ravel(), kind="stable")
    sizes = np.bincount(ring.ravel())
    ends = np.cumsum(sizes)
    values = power.ravel()[order]
    floors = np.full(len(sizes), np.inf)
    for number in range(1, len(sizes)):
        first, last = ends[max(0, number - 2)], ends[min(len(sizes) - 1, number + 1)]
        if sizes[number]:
            floors[number] = np.median(values[first:last]) / math.log(2)
    return floors


def _refined(points: Floats, weight: Floats, wave: Floats, spacings_m: tuple[float, float]) -> Floats:
    """The wave vector that fits best over blocks that double in length while they still agree."""
    if len(points) > _MOST:
        few = np.sort(np.random.default_rng(_SEED).choice(len(points), _MOST, replace=False))
        points, weight = points[few], weight[few]
    extent = float(np.ptp(points, axis=0).max())
    side = min(_BLOCK_M, extent)
    # Of a wave and those it may be an overtone of, the true one fits best: nothing stands between its rows.
    whole = _cut(points, weight, side)
    longest = min(spacings_m[1], side / MIN_ROWS)
    tried = [wave / part for part in _PARTS if part == 1 or part <= longest * float(np.hypot(*wave))]
    wave, before = max((_climb(whole, one, 1 / side) for one in tried), key=lambda found: found[1])
    while side < extent:
        side = min(2 * side, extent)
        found, height = _climb(_cut(points, weight, side), wave, 1 / side)
        if height < 0.5 * before:
            break  # the rows do not keep step over such a length
        wave, before = found, height
    return wave


def _cut(points: Floats, weight: Floats, side: float) -> list[tuple[Floats, Floats]]:
    return [(points[chosen], weight[chosen]) for chosen, _corner in _blocks(points, side * 1.001)]


def _climb(blocks: list[tuple[Floats, Floats]], wave: Floats, step: float) -> tuple[Floats, float]:
    """The best wave vector within `step` of one, by a grid that gets finer, and its share of the power."""
    total = sum(float(weight.sum()) ** 2 for _places, weight in blocks)
    best, height = wave, 0.0
    grid = np.linspace(-1, 1, 7)
    for _round in range(4):
        tried = best + step * np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
        power = np.zeros(len(tried))
        for places, weight in blocks:
            turns = np.exp(2j * math.pi * (places @ tried.T))
            power += np.abs(weight @ turns) ** 2
        best, height = tried[int(np.argmax(power))], float(power.max()) / total
        step /= 3
    return best, height


# -- where each row runs ------------------------------------------------------------------------


def _placed(points: Floats, weight: Floats, wave: Floats, origin: Floats) -> Rows | None:
    frequency = float(np.hypot(*wave))
    direction = math.degrees(math.atan2(-wave[1], wave[0])) % 180.0
    turn = math.radians(direction)
    aside = points @ np.array([math.cos(turn), -math.sin(turn)])
    offsets = _offsets(aside, weight, 1 / frequency)
    if len(offsets) < MIN_ROWS:
        return None
    middles = (offsets[1:] + offsets[:-1]) / 2
    away = aside - offsets[np.searchsorted(middles, aside)]
    spacing = float(np.ptp(offsets)) / (len(offsets) - 1)
    quality = float(np.average(np.cos(2 * math.pi * np.clip(away / spacing, -0.5, 0.5)), weights=weight))
    if quality < LEAST_QUALITY:
        return None
    spread = 1.4826 * _median(np.abs(away), weight)
    return Rows(direction, spacing, (float(origin[0]), float(origin[1])), offsets, quality, spread)


def _offsets(aside: Floats, weight: Floats, spacing: float) -> Floats:
    """Where each row runs, from the one with most plants outwards: neighbours tell where to look."""
    turns = 2 * math.pi * aside / spacing
    phase = math.atan2(float(weight @ np.sin(turns)), float(weight @ np.cos(turns))) / (2 * math.pi)
    number = np.rint(aside / spacing - phase).astype(np.int64)
    first, heavy = int(number.min()), np.bincount(number - int(number.min()), weight)
    typical = float(np.median(heavy[heavy > 0]))
    start = int(np.argmax(heavy))
    order = np.argsort(aside, kind="stable")
    aside, weight = aside[order], weight[order]
    found = {start: _shifted((first + start + phase) * spacing, aside, weight, spacing, typical)}
    for way, last in ((1, len(heavy) - 1), (-1, 0)):
        at = found[start]
        for step in range(start + way, last + way, way):
            at = _shifted(at + way * spacing, aside, weight, spacing, typical)
            found[step] = at
    rows = np.array([found[step] for step in sorted(found)])
    return rows[_worth(rows, aside, weight, spacing, typical)]


def _shifted(at: float, aside: Floats, weight: Floats, spacing: float, typical: float) -> float:
    """A row's place from the plants within half a spacing of where it is expected; few plants move it little."""
    first, last = np.searchsorted(aside, [at - spacing / 2, at + spacing / 2])
    turns = 2 * math.pi * (aside[first:last] - at) / spacing
    near = weight[first:last]
    right, ahead = float(near @ np.sin(turns)), float(near @ np.cos(turns))
    trust = math.hypot(right, ahead) / (math.hypot(right, ahead) + 0.1 * typical)
    return at + trust * math.atan2(right, ahead) / (2 * math.pi) * spacing


def _worth(rows: Floats, aside: Floats, weight: Floats, spacing: float, typical: float) -> slice:
    """Without the outermost rows that hold next to nothing: a few weeds beyond the field's edge."""
    ends = np.searchsorted(aside, np.stack([rows - spacing / 4, rows + spacing / 4]))
    sums = np.concatenate([[0.0], np.cumsum(weight)])
    filled = np.flatnonzero(sums[ends[1]] - sums[ends[0]] >= 0.1 * typical)
    return slice(int(filled[0]), int(filled[-1]) + 1) if filled.size else slice(0, 0)


def _median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
