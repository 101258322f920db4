"""How two maps of one field lie on each other, from things that may be the same in both.

A map may be shifted by the error of its positions, and a little too large or turned. So a piece of some metres is tried
first, at all sizes and turns that the errors allow: each pair of things that look alike votes for the shift that would bring
them together. The right one gets a vote of every thing that is still there; wrong ones get votes by chance. Crop rows make
some wrong shifts frequent: moved by a row, or by a step in the row, many plants fall near others again. But seeds fall
unevenly and some do not come up, so that no wrong shift brings together as many as the right one, and the best of the wrong
ones, wherever it lies within reach, tells how much is chance. Only a peak plainly above that rival is believed. From there it
grows over the field: least squares over the pairs that agree (Umeyama 1991, IEEE PAMI 13(4)), farther out each time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]

PIECE_M = 6.0
"""Radius of the piece that is tried first."""
SQUARE_M = 0.1
"""Half a side of the squares that votes are counted in."""
APART_M = 0.3
"""A rival is at least so far from the peak."""
MOST_TRIED = 120
"""Plants that vote there: the nearest to its middle."""
LEAST_VOTES = 15
CLEARLY = 4.0
"""By how many standard deviations of the difference of two counts (Poisson) the peak exceeds its rival."""
LEAST_OVER = 1.4
"""And by which factor: votes of one thing for several shifts are no chance of their own."""
FIRST_M, CLOSE_M, TIGHT_M = 0.25, 0.12, 0.06
"""So far apart two places may be of the same thing: at first, in the end, and where one shift is held against another."""
ENOUGH = 3000
"""Plants tell as well as all of a large field how it lies."""
MOST_FITTED = 24
"""Shifts that are held against each other."""
BLOCKS = 4
"""Parts of the field along each axis that are held against the whole."""
LEAST_IN_BLOCK = 8
LEAST_AGREEING = 0.7
"""Share of the parts in which, for all that it agrees elsewhere, it has to agree."""
HALF_AS_MANY = 0.5
FLOOR_M = 0.01
"""No two maps are known to lie on each other better."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How the maps may lie to each other, by their stated errors."""

    reach_m: float
    """Shift."""
    scale: float = 0.0
    """Relative, either way."""
    turn_deg: float = 0.0
    """Either way."""


@dataclass(frozen=True, slots=True)
class Lying:
    """From a place of the earlier map to that of the later one: pivot + shift + scale x turned(place - pivot)."""

    pivot: tuple[float, float]
    shift: tuple[float, float]
    scale: float
    turn_deg: float
    """Counter-clockwise."""

    def of(self, places: Floats) -> Floats:
        """[N, 2] places of the later map."""
        pivot = np.array(self.pivot)
        return np.asarray((places - pivot) @ _matrix(self.scale, self.turn_deg).T + pivot + self.shift)

    def back(self, places: Floats) -> Floats:
        """[N, 2] places of the earlier map, of those of the later one."""
        pivot = np.array(self.pivot)
        return np.asarray((places - pivot - self.shift) @ _matrix(1 / self.scale, -self.turn_deg).T + pivot)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the maps lie to each other, and how much speaks for it."""

    lying: Lying
    error_m: float
    """Standard error on each axis, over the field: by how much its parts differ from the whole."""
    votes: int
    """Pairs that agree."""
    of: int
    """Of so many things that the earlier map shows where the later one shows any."""


@dataclass(frozen=True, eq=False, slots=True)
class About:
    """A circle of the earlier map."""

    middle: Floats
    radius_m: float


class Things(Protocol):
    """What may be the same in both maps."""

    @property
    def before(self) -> Floats:
        """[N, 2] their places in the earlier map."""
        ...

    @property
    def after(self) -> Floats:
        """[M, 2] their places in the later one."""
        ...

    def candidates(self, middle: Floats, radius_m: float, reach_m: float) -> tuple[Floats, Floats]:
        """[K, 2] each: places in both maps of pairs that may be the same, about a place of the earlier map."""
        ...

    def matched(self, lying: Lying, within_m: float, about: About | None = None) -> tuple[Floats, Floats]:
        """[K, 2] each: places in both maps of pairs that, so laid, are the same; within a circle, of enough of them."""
        ...


class Plants:
    """Plants found at both dates: any may be any."""

    def __init__(self, before: Floats, after: Floats) -> None:
        self._before, self._after = before, after
        self._trees = cKDTree(before), cKDTree(after)

    @property
    def before(self) -> Floats:
        return self._before

    @property
    def after(self) -> Floats:
        return self._after

    def candidates(self, middle: Floats, radius_m: float, reach_m: float) -> tuple[Floats, Floats]:
        _away, own = self._trees[0].query(middle, k=MOST_TRIED, distance_upper_bound=radius_m)
        own = own[own < len(self._before)]
        found = self._trees[1].query_ball_point(self._before[own], reach_m)
        lengths = [len(one) for one in found]
        partner = np.array([index for one in found for index in one], np.intp)
        return self._before[np.repeat(own, lengths)], self._after[partner]

    def matched(self, lying: Lying, within_m: float, about: About | None = None) -> tuple[Floats, Floats]:
        own = np.arange(len(self._before))
        if about is not None:
            inside = self._trees[0].query_ball_point(about.middle, about.radius_m)
            own = np.asarray(inside, np.intp)[:: max(1, len(inside) // ENOUGH)]
        away, nearest = self._trees[1].query(lying.of(self._before[own]), distance_upper_bound=within_m)
        near = np.isfinite(away)
        own, nearest = own[near], nearest[near]
        _away, back = self._trees[0].query(lying.back(self._after[nearest]))
        mutual = back == own
        return self._before[own[mutual]], self._after[nearest[mutual]]


class Points:
    """Points of two mosaics, paired by their looks: [N, 2] places in both."""

    def __init__(self, before: Floats, after: Floats) -> None:
        self._before, self._after = before, after

    @property
    def before(self) -> Floats:
        return self._before

    @property
    def after(self) -> Floats:
        return self._after

    def candidates(self, middle: Floats, radius_m: float, reach_m: float) -> tuple[Floats, Floats]:
        near = np.hypot(*(self._before - middle).T) <= radius_m
        near &= np.hypot(*(self._after - self._before).T) <= reach_m
        return self._before[near], self._after[near]

    def matched(self, lying: Lying, within_m: float, about: About | None = None) -> tuple[Floats, Floats]:
        near = np.hypot(*(self._after - lying.of(self._before)).T) <= within_m
        if about is not None:
            near &= np.hypot(*(self._before - about.middle).T) <= about.radius_m
        return self._before[near], self._after[near]


def agree(things: Things, bounds: Bounds) -> Agreement | None:
    """How the maps lie to each other; None: nothing stands out, or the field's parts do not agree."""
    if len(things.before) < LEAST_VOTES:
        return None
    for middle in _middles(things.before):
        first = _tried(things, middle, bounds)
        if first is not None:
            return _grown(things, first, middle)
    return None


def _middles(places: Floats) -> list[Floats]:
    """Where a piece is tried: the middle, then quarters of the field."""
    quarters = np.quantile(places, [0.5, 0.25, 0.75], axis=0)
    return [quarters[0], *(np.array([quarters[i, 0], quarters[3 - i, 1]]) for i in (1, 2))]


def _tried(things: Things, middle: Floats, bounds: Bounds) -> Lying | None:
    """How a piece lies; None: no shift is plainly better than all others."""
    # What is at the edge of the piece moves with its size and turn, too.
    slack = PIECE_M * (bounds.scale + math.radians(bounds.turn_deg))
    before, after = things.candidates(middle, PIECE_M, bounds.reach_m + slack)
    if len(before) < LEAST_VOTES:
        return None
    step = SQUARE_M / PIECE_M
    trials: list[_Trial] = []
    for scale in _steps(bounds.scale, step):
        for turn in _steps(bounds.turn_deg, math.degrees(step)):
            moved = after - middle - (before - middle) @ _matrix(1 + scale, turn).T
            trials.append(_Trial(*_peak(_smooth(moved, bounds.reach_m), bounds.reach_m), 1 + scale, turn))
    best = max(trials, key=lambda one: one.count)
    moved = after - middle - (before - middle) @ _matrix(best.scale, best.turn_deg).T
    # Moved by a row the right size and turn are a rival, too.
    rivals = _peaks(_smooth(moved, bounds.reach_m), bounds.reach_m)
    ranked = [(one.shift, one) for one in sorted(trials, key=lambda one: -one.count)]
    return _plainly_best(things, middle, [*((shift, best) for shift in rivals), *ranked])


def _plainly_best(things: Things, middle: Floats, tried: Sequence[tuple[Floats, _Trial]]) -> Lying | None:
    """Of shifts that many vote for, the one that brings plainly more things together than any other; None: none does.

    Each is fitted to what it brings together before that is counted: a vote is rough, and chance has much room in it.
    """
    kept: list[Floats] = []
    found: list[tuple[int, Lying]] = []
    for shift, trial in tried:
        if len(kept) == MOST_FITTED:
            break
        if any(np.hypot(*(shift - one)) <= APART_M for one in kept):
            continue
        kept.append(shift)
        x, y = shift.tolist()
        lying = Lying((float(middle[0]), float(middle[1])), (x, y), trial.scale, trial.turn_deg)
        found.append(_gathered(things, lying, middle))
    count, lying = max(found, key=lambda one: one[0])
    apart = [n for n, one in found if np.hypot(*np.subtract(one.shift, lying.shift)) > APART_M]
    rival = max(apart, default=0)
    if count < max(LEAST_VOTES, LEAST_OVER * rival) or count - rival < CLEARLY * math.sqrt(count + rival):
        return None
    return lying


def _gathered(things: Things, lying: Lying, middle: Floats) -> tuple[int, Lying]:
    """How many things of the piece come together, closely, after fitting; and how it lies then."""
    count = 0
    for within in (FIRST_M, FIRST_M, CLOSE_M, CLOSE_M, TIGHT_M):
        before, after = things.matched(lying, within, About(middle, PIECE_M))
        count = len(before)
        if count < LEAST_VOTES:
            return 0, lying
        if within > TIGHT_M:
            lying = _fitted(before, after, middle)
    return count, lying


@dataclass(frozen=True, eq=False, slots=True)
class _Trial:
    """The best shift at one size and turn."""

    count: int
    shift: Floats
    scale: float
    turn_deg: float


def _steps(reach: float, step: float) -> Floats:
    count = math.ceil(reach / step - 1e-9)
    return np.linspace(-reach, reach, 2 * count + 1) if count else np.zeros(1)


def _smooth(moved: Floats, reach_m: float) -> NDArray[np.float32]:
    """Votes in the square about each bin of shifts, [bins, bins] north by east."""
    bins, step = _bins(reach_m)
    number = ((moved + bins * step / 2) * (1 / step)).astype(np.int32)
    number = number[((moved > -bins * step / 2) & (number < bins)).all(axis=1)]
    counts = np.bincount(number[:, 1] * bins + number[:, 0], minlength=bins * bins).reshape(bins, bins)
    wide = 2 * round(SQUARE_M / step) + 1
    return np.asarray(uniform_filter(counts.astype(np.float32), wide, mode="constant") * wide**2)


def _bins(reach_m: float) -> tuple[int, float]:
    """How many bins of shifts there are along each axis, and how wide they are."""
    step = SQUARE_M / 2
    return math.ceil(2 * reach_m / step) + 1, step


def _peak(smooth: NDArray[np.float32], reach_m: float) -> tuple[int, Floats]:
    """How many votes fall into the fullest square, and its shift."""
    bins, step = _bins(reach_m)
    row, column = divmod(int(smooth.argmax()), bins)
    return round(float(smooth[row, column])), np.array([column + 0.5, row + 0.5]) * step - bins * step / 2


def _peaks(smooth: NDArray[np.float32], reach_m: float) -> list[Floats]:
    """The fullest squares apart from each other."""
    bins, step = _bins(reach_m)
    left, found = smooth.copy(), []
    down, across = np.ogrid[:bins, :bins]
    for _number in range(MOST_FITTED // 2):
        _count, shift = _peak(left, reach_m)
        found.append(shift)
        column, row = (shift + bins * step / 2) / step - 0.5
        left[(down - row) ** 2 + (across - column) ** 2 <= (APART_M / step) ** 2] = 0
    return found


def _grown(things: Things, lying: Lying, middle: Floats) -> Agreement | None:
    """From a piece to the field: fitted to what agrees, farther and farther out."""
    away = np.hypot(*(things.before - middle).T)
    radius, farthest = PIECE_M, float(away.max())
    while True:
        for within in (FIRST_M, FIRST_M, CLOSE_M):
            before, after = things.matched(lying, within, About(middle, radius))
            if len(before) < LEAST_VOTES:
                return None
            lying = _fitted(before, after, middle)
        if radius >= farthest:
            break
        radius *= 1.4
    before, after = things.matched(lying, CLOSE_M)
    return _held(things, lying, before, after)


def _fitted(before: Floats, after: Floats, pivot: Floats) -> Lying:
    """The similarity of least squares; complex numbers make it linear: after = a x before + b."""
    here, there = before - pivot, after - pivot
    z, w = here[:, 0] + 1j * here[:, 1], there[:, 0] + 1j * there[:, 1]
    z0, w0 = z.mean(), w.mean()
    a = np.vdot(z - z0, w - w0) / max(float(np.vdot(z - z0, z - z0).real), 1e-12)
    b = w0 - a * z0
    return Lying(
        (float(pivot[0]), float(pivot[1])),
        (float(b.real), float(b.imag)),
        float(abs(a)),
        math.degrees(math.atan2(a.imag, a.real)),
    )


def _held(things: Things, lying: Lying, before: Floats, after: Floats) -> Agreement | None:
    """What is left in the parts of the field; None: too many parts do not agree."""
    laid = lying.of(things.before)
    shown_by_both = ((laid >= things.after.min(axis=0)) & (laid <= things.after.max(axis=0))).all(axis=1)
    common = things.before[shown_by_both]
    low, high = common.min(axis=0), common.max(axis=0)
    every, mine = _parts(common, low, high), _parts(before, low, high)
    left = after - lying.of(before)
    every_count = np.bincount(every, minlength=BLOCKS**2)
    off, close = np.zeros((BLOCKS**2, 2)), np.zeros(BLOCKS**2)
    for part in np.unique(mine):
        here = left[mine == part]
        off[part] = np.median(here, axis=0)
        # Chance pairs lie anywhere, the right ones crowd.
        close[part] = (np.hypot(*(here - off[part]).T) <= TIGHT_M).sum()
    shown = every_count >= LEAST_IN_BLOCK
    share = close[shown] / every_count[shown]
    if not len(share) or (share >= HALF_AS_MANY * np.quantile(share, 0.75)).mean() < LEAST_AGREEING:
        return None
    weighed = close >= LEAST_IN_BLOCK
    spread = math.sqrt(float(np.mean(np.square(off[weighed])))) if weighed.any() else float(left.std())
    chance = float(left.std()) / math.sqrt(len(left))
    of = int(every_count[shown].sum())
    return Agreement(lying, math.hypot(spread, chance, FLOOR_M), len(left), of)


def _parts(places: Floats, low: Floats, high: Floats) -> NDArray[np.intp]:
    """[K] which part of the field each place is in."""
    cell = (
        np.floor((places - low) / np.maximum(high - low, 1e-9) * BLOCKS).astype(np.intp).clip(0, BLOCKS - 1)
    )
    return np.asarray(cell[:, 1] * BLOCKS + cell[:, 0], np.intp)


def _matrix(scale: float, turn_deg: float) -> Floats:
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    return scale * np.array([[cos, -sin], [sin, cos]])
