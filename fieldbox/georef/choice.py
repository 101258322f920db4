"""Which photos to use and how they share the ground: lanes of upright rectangles, from poses alone.

A flight is cut into parallel lanes along its lines (or across them). In a lane, each photo could own
the stretch in which it sees the lane's whole width well enough; the fewest, most evenly spaced photos
whose stretches meet are found by dynamic programming, and each owns the lane from half way to the one
before to half way to the one after. What the lanes leave over, greedy set cover adds. A flight without
lines is left to greedy set cover alone. The cheapest of these partitions is taken.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.lattice import CELLS_A_SIDE, IN_MARGIN, UNSEEN, Lattice, Seen
from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEARLY = 0.1
"""Ground that no photo sees within the limit may be seen at a radius this much (share) over the best."""
DECODE_SHARE = 0.055
"""What decoding a photo costs, as a share of what looking at all its pixels would: 80 ms for 20 MP
against 75 ms for each MP looked at (one core)."""
LANE_BLURS = (0.05, 0.1)
"""Of the density of photos across the lanes, in short sides of the photo: how lines are told apart."""
VALLEY = 0.8
"""Two lines are two if there are fewer photos between them than this share of the lesser."""
TURNS_DEG = np.arange(-12.0, 12.01, 0.25)
"""Tried about the direction of the images to find the direction of the lines."""
MOSTLY = 0.9
"""A photo may own a step of a lane if it sees this share of what the best photo there sees."""
# In decodings: a photo that is needed anyhow, a cell's length of a lane that no photo sees whole, and
# the square of a gap (in short sides) between photos, which only makes the gaps even.
_FORCED, _UNREACHED, _UNEVEN = 0.2, 0.5, 0.02
_BIN = 0.02
_OTHER_LANE, _EXTRA = np.float32(1e4), np.float32(2e4)


class Choice(NamedTuple):
    """Photos that look (sorted) and, for each cell [rows, columns], the one that owns it, or -1."""

    photos: list[int]
    owner: NDArray[np.int32]


@dataclass(frozen=True)
class Sight:
    """All photos' sights of the cells, and which of them are good enough."""

    photos: Sequence[PhotoGeometry]
    seen: Sequence[Seen]
    lattice: Lattice
    margin_px: int
    well: Sequence[Mask]
    """For each photo, [h, w] cells that it sees within the limit, or nearly as well as any."""
    times: NDArray[np.int32]
    """[rows, columns] photos that see the cell well."""

    @classmethod
    def of(
        cls,
        photos: Sequence[PhotoGeometry],
        seen: Sequence[Seen],
        lattice: Lattice,
        margin_px: int,
        max_radius: float,
    ) -> Sight:
        """Judge all sights against the best of them."""
        best = nearest(seen, range(len(seen)), lattice)[0]
        slack = np.where(best < IN_MARGIN, best, best - IN_MARGIN) * np.float32(NEARLY)
        enough = np.maximum(best + slack, np.float32(max_radius))
        well = [np.isfinite(one.radius) & (one.radius <= enough[one.place]) for one in seen]
        times = np.zeros(best.shape, np.int32)
        for one, mask in zip(seen, well, strict=True):
            times[one.place] += mask
        return cls(photos, seen, lattice, margin_px, well, times)

    def cost(self, choice: Choice) -> float:
        """Pixels to look at, margins included, and the photos to decode in the same unit (approximate)."""
        return sum(self._cost(index, choice.owner) for index in choice.photos)

    def _cost(self, index: int, owner: NDArray[np.int32]) -> float:
        camera, window = self.photos[index].camera, self.window(index, owner)
        if window is None:
            return 0.0
        rim = 2.0 * self.margin_px
        width = min(window[1] - window[0] + rim, camera.width)
        height = min(window[3] - window[2] + rim, camera.height)
        return width * height + DECODE_SHARE * camera.width * camera.height

    def window(self, index: int, owner: NDArray[np.int32]) -> tuple[float, float, float, float] | None:
        """Left, right, top, bottom of what a photo owns, in pixels from the principal point; None for nothing."""
        camera, one = self.photos[index].camera, self.seen[index]
        mine = owner[one.place] == index
        if not mine.any():
            return None
        across, down = one.pixels[0][mine], one.pixels[1][mine]
        half = min(camera.width, camera.height) / CELLS_A_SIDE / 2
        return (
            float(across.min()) - half,
            float(across.max()) + half,
            float(down.min()) - half,
            float(down.max()) + half,
        )


def nearest(
    seen: Sequence[Seen], chosen: Sequence[int], lattice: Lattice
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Smallest radius and the photo that has it (the first of equals), for every cell."""
    radius = np.full((lattice.rows, lattice.columns), UNSEEN, np.float32)
    owner = np.full((lattice.rows, lattice.columns), -1, np.int32)
    for index in chosen:
        _take(seen[index], index, seen[index].radius, radius, owner)
    return radius, owner


def choose(sight: Sight) -> Choice:
    """The cheapest of the partitions; of equals, the first."""
    every = range(len(sight.seen))
    few = needed(sight, [])
    found = [
        Choice(few, nearest(sight.seen, few, sight.lattice)[1]),
        Choice(list(every), nearest(sight.seen, every, sight.lattice)[1]),
    ]
    found += [by_lanes(sight, lanes) for lanes in lanes_of(sight)]
    return min(found, key=sight.cost)


def needed(sight: Sight, kept: Sequence[int]) -> list[int]:
    """Photos that, with the `kept`, see all ground well: greedy set cover, less what it left over.

    The next photo is the one that adds the most ground; of equals, the first.
    """
    seen, well = sight.seen, sight.well
    times = np.zeros_like(sight.times)
    for index in kept:
        times[seen[index].place] += well[index]
    queue = [(-int(mask.sum()), index) for index, mask in enumerate(well)]
    heapq.heapify(queue)
    chosen: list[int] = []
    while queue and queue[0][0] < 0:
        gain, index = heapq.heappop(queue)
        now = -int((well[index] & (times[seen[index].place] == 0)).sum())
        if now == gain:
            chosen.append(index)
            times[seen[index].place] += well[index]
        elif now < 0:
            heapq.heappush(queue, (now, index))
    return sorted([*kept, *_without_spare(sight, times, chosen)])


def _without_spare(sight: Sight, times: NDArray[np.int32], chosen: Sequence[int]) -> list[int]:
    seen, well = sight.seen, sight.well
    alone = {index: int((well[index] & (times[seen[index].place] == 1)).sum()) for index in chosen}
    kept = set(chosen)
    for index in sorted(chosen, key=lambda one: (alone[one], one)):
        place = seen[index].place
        if not (well[index] & (times[place] == 1)).any():
            times[place] -= well[index]
            kept.discard(index)
    return sorted(kept)


# --- lanes ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Lanes:
    """Parallel lanes on the ground; along and across in cells, in the frame turned by `turn` radians."""

    turn: float
    edges: Array
    """Across, ascending: what parts the lanes; one fewer than lanes."""

    def along(self, rows: Array, columns: Array) -> Array:
        """Along the lanes, of cells."""
        return np.asarray(columns * math.sin(self.turn) - rows * math.cos(self.turn))

    def across(self, rows: Array, columns: Array) -> Array:
        """Across the lanes, of cells."""
        return np.asarray(columns * math.cos(self.turn) + rows * math.sin(self.turn))

    def lane(self, across: Array) -> NDArray[np.int64]:
        """Number of the lane."""
        return np.searchsorted(self.edges, across)


def lanes_of(sight: Sight) -> list[Lanes]:
    """Lanes along and across the images, at the turn that parts the photos' lines best."""
    places = aims(sight.seen)
    lying = np.isfinite(places).all(axis=1)
    if lying.sum() < 2:
        return []
    rows, columns = places[lying].T
    yaws = np.radians([4 * photo.grid_yaw_deg for photo in sight.photos])[lying]
    upright = math.atan2(float(np.sin(yaws).sum()), float(np.cos(yaws).sum())) / 4
    found = []
    for base in (upright, upright + math.pi / 2):
        turn = _sharpest(base, rows, columns)
        across = Lanes(turn, np.zeros(0)).across(rows, columns)
        edges = {tuple(_edges(across, blur).tolist()): None for blur in LANE_BLURS}
        found += [Lanes(turn, np.array(one)) for one in edges]
    return found


def aims(seen: Sequence[Seen]) -> Array:
    """[N, 2] row and column of the cell that each photo sees best; NaN if it sees none."""
    places = np.full((len(seen), 2), np.nan)
    for index, one in enumerate(seen):
        if np.isfinite(one.radius).any():
            row, column = divmod(int(one.radius.argmin()), one.radius.shape[1])
            places[index] = one.row + row, one.column + column
    return places


def _sharpest(base: float, rows: Array, columns: Array) -> float:
    """The turn near `base` at which the photos, seen along it, crowd the most."""
    best, best_score = base, -1.0
    for degrees in sorted(TURNS_DEG.tolist(), key=abs):
        turn = base + math.radians(degrees)
        across = Lanes(turn, np.zeros(0)).across(rows, columns)
        counts = _density(across, 2 * _BIN)[0]
        score = float((counts**2).sum()) * (1 - 0.005 * abs(degrees))
        if score > best_score * (1 + 1e-9):
            best, best_score = turn, score
    return best


def _density(across: Array, blur: float) -> tuple[Array, float, float]:
    """Blurred count of photos in bins, where the first bin's centre lies, and the width of a bin."""
    step = _BIN * CELLS_A_SIDE
    first = float(across.min()) - 4 * blur * CELLS_A_SIDE
    bins = math.ceil((float(across.max()) - first + 4 * blur * CELLS_A_SIDE) / step) + 1
    counts = np.bincount(np.round((across - first) / step).astype(int), minlength=bins).astype(float)
    reach = math.ceil(3 * blur / _BIN)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * _BIN / blur) ** 2)
    return np.convolve(counts, kernel, mode="full")[reach : reach + bins], first, step


def _edges(across: Array, blur: float) -> Array:
    """Half way between the lines that the photos form across a direction."""
    density, first, step = _density(across, blur)
    inner = density[1:-1]
    peaks = np.flatnonzero((inner > density[:-2]) & (inner >= density[2:])) + 1
    cuts: list[int] = []
    before = int(peaks[0])
    for peak in peaks[1:].tolist():
        valley = before + int(density[before : peak + 1].argmin())
        if density[valley] <= VALLEY * min(density[before], density[peak]):
            cuts.append(valley)
            before = peak
        elif density[peak] > density[before]:
            before = peak
    line = np.searchsorted(np.array(cuts) * step + first, across)
    count = np.bincount(line, minlength=len(cuts) + 1)
    centres = np.bincount(line, across, len(cuts) + 1)[count > 0] / count[count > 0]
    return np.asarray((centres[1:] + centres[:-1]) / 2)


def by_lanes(sight: Sight, lanes: Lanes) -> Choice:
    """Choose photos lane by lane and let each own its stretch of its lane."""
    rows, columns = np.indices((sight.lattice.rows, sight.lattice.columns), np.float32)
    along = lanes.along(rows, columns).astype(np.float32)
    lane = lanes.lane(lanes.across(rows, columns)).astype(np.int32)
    places = aims(sight.seen)
    aim_along = lanes.along(places[:, 0], places[:, 1])
    aim_lane = np.where(
        np.isfinite(aim_along), lanes.lane(lanes.across(places[:, 0], places[:, 1])), -1
    )
    members: dict[int, list[int]] = {}
    for index in np.argsort(aim_along, kind="stable").tolist():
        members.setdefault(int(aim_lane[index]), []).append(index)
    step = np.floor(along).astype(np.int32)
    step -= step.min(initial=0)
    shift = float(np.floor(along).min(initial=0))
    main: list[int] = []
    for number in sorted(members):
        if number >= 0:
            main += _stretches(sight, members[number], step, lane == number, aim_along - shift)
    chosen = needed(sight, main)
    return Choice(chosen, _shared(sight, set(main), chosen, along, lane, aim_along, aim_lane))


def _stretches(
    sight: Sight, photos: Sequence[int], step: NDArray[np.int32], inside: Mask, aim: Array
) -> list[int]:
    """The photos of one lane (in their order along it) that share it."""
    views = []
    first, last = int(step[0, 0]) if step.size else 0, 0
    first, last = int(step.max(initial=0)), 0
    for index in photos:
        place = sight.seen[index].place
        mine = step[place][sight.well[index] & inside[place]]
        low = int(mine.min()) if mine.size else 0
        views.append((low, np.bincount(mine - low) if mine.size else np.zeros(0, np.int64)))
        if mine.size:
            first, last = min(first, low), max(last, low + len(views[-1][1]))
    if last <= first:
        return []
    most = np.zeros(last - first, np.int64)
    for low, counts in views:
        part = most[low - first : low - first + len(counts)]
        np.maximum(part, counts, out=part)
    kept, reach, cost = [], [], []
    for index, (low, counts) in zip(photos, views, strict=True):
        if not len(counts):
            continue
        good = counts >= MOSTLY * most[low - first : low - first + len(counts)]
        at = min(max(int(aim[index]) - low, 0), len(good) - 1)
        bad = np.flatnonzero(~good)
        before, after = bad[bad <= at], bad[bad > at]
        start = low + (int(before[-1]) + 1 if before.size else 0)
        end = low + (int(after[0]) if after.size else len(good))
        kept.append(index)
        reach.append((start, max(start, end)))
        place = sight.seen[index].place
        cost.append(_FORCED if (sight.well[index] & (sight.times[place] == 1)).any() else 1.0)
    path = _cheapest(aim[kept], np.array(reach, float), np.array(cost), first, last)
    return [kept[one] for one in path]


def _cheapest(at: Array, reach: Array, cost: Array, first: float, last: float) -> list[int]:
    """Numbers of the photos on the cheapest way from the lane's first step to its last."""
    total = np.empty(len(at))
    came = np.full(len(at), -1)
    starts = _UNREACHED * np.maximum(reach[:, 0] - first, 0.0)
    for one in range(len(at)):
        total[one] = starts[one]
        if one:
            gap = at[one] - at[:one]
            middle = (at[one] + at[:one]) / 2
            missed = np.maximum(middle - reach[:one, 1], 0.0) + np.maximum(reach[one, 0] - middle, 0.0)
            way = total[:one] + _UNREACHED * missed + _UNEVEN * (gap / CELLS_A_SIDE) ** 2
            before = int(way.argmin())
            if way[before] < total[one]:
                total[one], came[one] = way[before], before
        total[one] += cost[one]
    one = int((total + _UNREACHED * np.maximum(last - reach[:, 1], 0.0)).argmin())
    path = []
    while one >= 0:
        path.append(one)
        one = int(came[one])
    return path[::-1]


def _shared(
    sight: Sight,
    main: set[int],
    chosen: Sequence[int],
    along: NDArray[np.float32],
    lane: NDArray[np.int32],
    aim_along: Array,
    aim_lane: NDArray[np.int64],
) -> NDArray[np.int32]:
    """[rows, columns] owners: the nearest along the lane, then whoever sees the rest most cheaply."""
    least = np.full(lane.shape, UNSEEN, np.float32)
    owner = np.full(lane.shape, -1, np.int32)
    for index in chosen:
        one = sight.seen[index]
        if index in main:
            far = np.abs(along[one.place] - np.float32(aim_along[index]))
            mine = sight.well[index] & (lane[one.place] == aim_lane[index])
            _take(one, index, np.where(mine, far, UNSEEN), least, owner)
    left = (sight.times > 0) & (owner < 0)
    alone = left.copy()
    for index in main:
        alone[sight.seen[index].place] &= ~sight.well[index]
    for index in chosen:
        if index not in main:
            one = sight.seen[index]
            mine = sight.well[index] & alone[one.place]
            _take(one, index, np.where(mine, one.radius, UNSEEN), least, owner)
    left &= ~alone
    windows = {index: sight.window(index, owner) for index in chosen}
    for index in chosen:
        one = sight.seen[index]
        mine = sight.well[index] & left[one.place]
        window = windows[index]
        if window is not None and mine.any():
            _take(one, index, np.where(mine, _growth(one.pixels, window), UNSEEN), least, owner)
    return owner


def _growth(pixels: NDArray[np.int16], window: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """[h, w] pixels by which a window has to grow to hold each cell."""
    left, right, top, bottom = window
    across, down = pixels.astype(np.float32)
    wider = np.maximum(np.maximum(left - across, across - right), 0.0)
    taller = np.maximum(np.maximum(top - down, down - bottom), 0.0)
    return np.asarray(wider * (bottom - top + taller) + taller * (right - left), np.float32)


def _take(
    seen: Seen,
    index: int,
    value: NDArray[np.float32],
    least: NDArray[np.float32],
    owner: NDArray[np.int32],
) -> None:
    """Give to a photo the cells for which its value is the least, in place."""
    here = least[seen.place]
    better = value < here
    np.copyto(here, value, where=better)
    np.copyto(owner[seen.place], np.int32(index), where=better)
