"""Lanes: a flight shared out in upright rectangles, from poses alone.

The ground is cut into parallel lanes along the flight's lines (or across them). In a lane, each photo
could own the stretch in which it sees the lane's whole width well enough; the fewest, most evenly
spaced photos whose stretches meet are found by dynamic programming, and each owns the lane from half
way to the one before to half way to the one after. What the lanes leave over goes to the photo whose
window grows the least, or to photos that greedy set cover adds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.choice import Choice, Extent, Mask, Sight, needed, take
from fieldbox.georef.lattice import CELLS_A_SIDE, UNSEEN, Seen

Array = NDArray[np.float64]

BLURS = (0.05, 0.1)
"""Of the density of photos across the lanes, in short sides of the photo: how lines are told apart."""
VALLEY = 0.8
"""Two lines are two if there are fewer photos between them than this share of the lesser."""
TURNS_DEG = np.arange(-12.0, 12.01, 0.25)
"""Tried about the direction of the images to find the direction of the lines."""
MOSTLY = 0.9
"""A photo may own a step of a lane if it sees this share of what the best photo there sees."""
# In photos: a step of a lane that no photo sees whole, and the square of a gap (in short sides) between
# photos, which only makes the gaps even.
_UNREACHED, _UNEVEN = 0.5, 0.02
_BIN = 0.02
_NOTHING = Extent(0.0, 0.0, 0.0, 0.0)


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
        edges = {tuple(_edges(across, blur).tolist()): None for blur in BLURS}
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


class _Stretch(NamedTuple):
    """The steps [start, end) of a lane that a photo could own."""

    photo: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class _Frame:
    """All cells and photos in the frame of some lanes."""

    turn: float
    along: NDArray[np.float32]
    """[rows, columns] in cells, from 0 on."""
    lane: NDArray[np.int64]
    """[rows, columns] number of the lane."""
    aim: Array
    """[photos] along the lanes; NaN for a photo that sees nothing."""
    aim_lane: NDArray[np.int64]
    """[photos] -1 for a photo that sees nothing."""

    @classmethod
    def of(cls, sight: Sight, lanes: Lanes) -> _Frame:
        rows, columns = np.indices((sight.lattice.rows, sight.lattice.columns), float)
        along = lanes.along(rows, columns)
        places = aims(sight.seen)
        aim = lanes.along(places[:, 0], places[:, 1])
        aim_lane = lanes.lane(lanes.across(places[:, 0], places[:, 1]))
        start = math.floor(along.min(initial=0.0))
        return cls(
            lanes.turn,
            (along - start).astype(np.float32),
            lanes.lane(lanes.across(rows, columns)),
            aim - start,
            np.where(np.isfinite(aim), aim_lane, -1),
        )

    def members(self) -> list[list[int]]:
        """Photos of each lane, in their order along it."""
        found: dict[int, list[int]] = {}
        for index in np.argsort(self.aim, kind="stable").tolist():
            found.setdefault(int(self.aim_lane[index]), []).append(index)
        return [found[lane] for lane in sorted(found) if lane >= 0]

    def far(self, sight: Sight, index: int) -> NDArray[np.float32]:
        """[h, w] cells from the middle of a photo, down the image if the lanes lie so, else across it."""
        photo, one = sight.photos[index], sight.seen[index]
        upright = abs(math.cos(self.turn - math.radians(photo.grid_yaw_deg))) > math.sqrt(0.5)
        cell = min(photo.camera.width, photo.camera.height) / CELLS_A_SIDE
        return np.asarray(np.abs(one.pixels[1 if upright else 0].astype(np.float32)) / np.float32(cell))

    def mine(self, sight: Sight, index: int) -> Mask:
        """[h, w] cells of its own lane that a photo sees well."""
        return np.asarray(sight.well[index] & (self.lane[sight.seen[index].place] == self.aim_lane[index]))


def by_lanes(sight: Sight, lanes: Lanes) -> Choice:
    """Choose photos lane by lane and let each own its stretch of its lane."""
    frame = _Frame.of(sight, lanes)
    main: list[int] = []
    for photos in frame.members():
        main += _cheapest(frame.aim, *_stretches(sight, frame, photos))
    chosen = needed(sight, main)
    return Choice(chosen, _shared(sight, frame, main, sorted(set(chosen) - set(main))))


def _stretches(sight: Sight, frame: _Frame, photos: Sequence[int]) -> tuple[list[_Stretch], int, int]:
    """What each photo of a lane could own, and the lane's first step and its end."""
    views = []
    for index in photos:
        steps = frame.along[sight.seen[index].place][frame.mine(sight, index)].astype(np.int64)
        if steps.size:
            low = int(steps.min())
            views.append((index, low, np.bincount(steps - low)))
    first = min((low for _index, low, _counts in views), default=0)
    last = max((low + len(counts) for _index, low, counts in views), default=0)
    most = np.zeros(last - first, np.int64)
    for _index, low, counts in views:
        part = most[low - first : low - first + len(counts)]
        np.maximum(part, counts, out=part)
    found = []
    for index, low, counts in views:
        whole = counts >= MOSTLY * most[low - first : low - first + len(counts)]
        start, end = _run(whole, int(frame.aim[index]) - low)
        found.append(_Stretch(index, low + start, low + end))
    return found, first, last


def _run(good: Mask, at: int) -> tuple[int, int]:
    """Start and end of the run of good steps around one; empty if that one is not good."""
    at = min(max(at, 0), len(good) - 1)
    bad = np.flatnonzero(~good)
    after = int(np.searchsorted(bad, at))
    start = int(bad[after - 1]) + 1 if after else 0
    end = int(bad[after]) if after < len(bad) else len(good)
    return start, end


def _cheapest(aim: Array, stretches: Sequence[_Stretch], first: int, last: int) -> list[int]:
    """The photos on the cheapest way from a lane's first step to its end, in their order along it."""
    if not stretches:
        return []
    at = aim[[one.photo for one in stretches]]
    starts = np.array([one.start for one in stretches], float)
    ends = np.array([one.end for one in stretches], float)
    total = _UNREACHED * np.maximum(starts - first, 0.0)
    came = np.full(len(at), -1)
    for one in range(len(stretches)):
        if one:
            middle = (at[one] + at[:one]) / 2
            missed = np.maximum(middle - ends[:one], 0.0) + np.maximum(starts[one] - middle, 0.0)
            uneven = _UNEVEN * ((at[one] - at[:one]) / CELLS_A_SIDE) ** 2
            way = total[:one] + _UNREACHED * missed + uneven
            before = int(way.argmin())
            if way[before] < total[one]:
                total[one], came[one] = way[before], before
        total[one] += 1.0
    one = int((total + _UNREACHED * np.maximum(last - ends, 0.0)).argmin())
    path = []
    while one >= 0:
        path.append(stretches[one].photo)
        one = int(came[one])
    return path[::-1]


def _shared(sight: Sight, frame: _Frame, main: Sequence[int], added: Sequence[int]) -> NDArray[np.int32]:
    """[rows, columns] owners: the nearest along the lane, then whoever sees the rest most cheaply."""
    least = np.full(frame.lane.shape, UNSEEN, np.float32)
    owner = np.full(frame.lane.shape, -1, np.int32)
    # In the order of their digests, so that of equals the first has it.
    for index in sorted(main):
        one = sight.seen[index]
        far = frame.far(sight, index)
        take(one, index, np.where(frame.lane[one.place] == frame.aim_lane[index], far, UNSEEN), least, owner)
    for index in main:
        here = owner[sight.seen[index].place]
        here[(here == index) & ~sight.well[index]] = -1
    least[owner < 0] = UNSEEN
    left = (sight.times > 0) & (owner < 0)
    only_added = left.copy()
    for index in main:
        only_added[sight.seen[index].place] &= ~sight.well[index]
    for index in added:
        one = sight.seen[index]
        mine = sight.well[index] & only_added[one.place]
        take(one, index, np.where(mine, one.radius, UNSEEN), least, owner)
    _give_left(sight, sorted([*main, *added]), left & ~only_added, least, owner)
    return owner


def _give_left(
    sight: Sight,
    chosen: Sequence[int],
    left: Mask,
    least: NDArray[np.float32],
    owner: NDArray[np.int32],
) -> None:
    """Give each cell left over to the photo whose window has to grow the least for it, in place."""
    windows = {index: sight.extent(index, owner) for index in chosen}
    for index in chosen:
        one, window = sight.seen[index], windows[index]
        mine = sight.well[index] & left[one.place]
        if not mine.any():
            continue
        growth = _growth(one.pixels, window or _NOTHING)
        if window is None:
            growth += np.float32(sight.decoding(index))
        take(one, index, np.where(mine, growth, UNSEEN), least, owner)


def _growth(pixels: NDArray[np.int16], window: Extent) -> NDArray[np.float32]:
    """[h, w] pixels by which a window has to grow to hold each cell."""
    across, down = pixels.astype(np.float32)
    wider = np.maximum(np.maximum(window.left - across, across - window.right), 0.0)
    taller = np.maximum(np.maximum(window.top - down, down - window.bottom), 0.0)
    height, width = window.bottom - window.top, window.right - window.left
    return np.asarray(wider * (height + taller) + taller * width, np.float32)
