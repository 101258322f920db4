"""Plants along their rows: who stands next to whom, the step that they were sown at, gaps and doubles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from fieldbox.domain import Gap
from fieldbox.mapping.rows import Rows

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MIN_PLANTS = 30
"""Fewer crop plants than this are not compared."""
REACH_M = 6.0
"""Plants farther along the row than this are no neighbours."""
OFF_ROW = 0.25
"""A crop plant farther from its row than this share of the spacing belongs to none."""
GAP = 1.6
"""Plants this many steps apart have at least one missing between them."""
DOUBLE = 0.4
"""Plants nearer than this share of a step were meant to be one."""
MOST_MISSING = 20
"""Longer stretches without plants are ground that was not sown (a headland, a track)."""
_TOUCHING = 0.05
"""Metres: plants of a row nearer than this count as one when steps are measured."""
_OFF = (0.06, 0.09, 0.13, 0.18, 0.24, 0.3)
"""How far off its step a plant may stand, in steps: those tried."""
_PLAINER = 0.03
"""Gain in mean log likelihood. Over 20 simulated fields without a step the highest was 0.06 (50 plants)."""
_ALIKE = 8.0
"""Shape of the gamma distribution above which distances scatter so little (35 %) that they have one peak."""
_MOST = 3000
_ROUNDS = 2
"""Steps to a row's middle: the phase bends little on the way."""
_NEAREST = (6, 24)
"""Plants of the row among which the next one is looked for; more where all of the first are behind."""


@dataclass(frozen=True, eq=False, slots=True)
class Chain:
    """N plants along their rows: of each the one before and the one after it, -1 where there is none within reach."""

    before: Whole
    after: Whole
    distance: Floats
    """Metres to the one after; NaN where there is none."""

    def links(self) -> tuple[Whole, Whole, Floats]:
        """Neighbours in the rows: index of the one before, of the one after, and their distance."""
        first = np.flatnonzero(self.after >= 0)
        return first, self.after[first], self.distance[first]


@dataclass(frozen=True, slots=True)
class Stand:
    """How a crop stands in its rows."""

    step_m: float
    """That plants were sown apart."""
    gaps: tuple[Gap, ...]
    doubles: int
    """Plants that stand where another one was meant to stand alone."""

    @property
    def missing(self) -> int:
        """Plants."""
        return sum(one.missing for one in self.gaps)


def chain_of(places: ArrayLike, rows: Rows) -> Chain:
    """The plants at `places` [N, 2] along their rows, whichever way these run."""
    place = np.asarray(places, float).reshape(-1, 2)
    found = rows.at(place)
    before, after = np.full(len(place), -1, np.int64), np.full(len(place), -1, np.int64)
    distance = np.full(len(place), np.nan)
    kept = np.flatnonzero(found.on_row(OFF_ROW))
    order = kept[np.lexsort((found.row[kept], found.plot[kept]))]
    ends = np.flatnonzero(np.diff(found.plot[order]) | np.diff(found.row[order])) + 1
    for members in np.split(order, ends):
        if len(members) < 2:
            continue
        ahead, back = (_next(place[members], way * found.along[members]) for way in (1, -1))
        mutual = (ahead >= 0) & (back[ahead] == np.arange(len(members)))
        first, second = members[mutual], members[ahead[mutual]]
        after[first], before[second] = second, first
        distance[first] = np.hypot(*(place[second] - place[first]).T)
    return Chain(before, after, distance)


def _next(place: Floats, along: Floats) -> Whole:
    """[n] of the plants of one row, index of the nearest one ahead; -1: none within reach."""
    found = np.full(len(place), -1, np.int64)
    tree, left = cKDTree(place), np.arange(len(place))
    for count in (*_NEAREST, len(place)):
        if not left.size:
            break
        away, other = tree.query(place[left], k=min(count, len(place)), distance_upper_bound=REACH_M)
        away, other = away.reshape(len(left), -1), other.reshape(len(left), -1)
        there = np.isfinite(away)
        steps = place[np.where(there, other, 0)] - place[left][:, None, :]
        ahead = there & (np.einsum("nkd,nd->nk", steps, along[left]) > 0)
        ahead &= other != left[:, None]
        away = np.where(ahead, away, np.inf)
        best = np.argmin(away, axis=1)
        some = np.isfinite(away[np.arange(len(left)), best])
        found[left[some]] = other[np.arange(len(left)), best][some]
        left = left[~some & there.all(axis=1)]  # more of them may lie within reach
        if count >= len(place):
            break
    return found


def stand_of(places: ArrayLike, rows: Rows | None) -> Stand | None:
    """Gaps and doubles of the crop plants at `places` [N, 2]; None where that cannot be told.

    The step from plant to plant is the one that fits the whole field's distances best. Without rows, or if
    plants keep no regular step, nothing is said.
    """
    place = np.asarray(places, float).reshape(-1, 2)
    if rows is None or len(place) < MIN_PLANTS:
        return None
    before, after, distance = chain_of(place, rows).links()
    step = regular_step(distance)
    if step is None:
        return None
    missing = np.rint(distance / step).astype(np.int64) - 1
    told = (distance >= GAP * step) & (missing >= 1) & (missing <= MOST_MISSING)
    gaps = tuple(
        Gap(tuple(place[before[i]].tolist()), tuple(place[after[i]].tolist()), int(missing[i]))
        for i in np.flatnonzero(told)
    )
    return Stand(step, gaps, int((distance < DOUBLE * step).sum()))


def on_middle(places: ArrayLike, rows: Rows) -> Floats:
    """[N, 2] the points of the rows' middles beside `places` [N, 2]; those where no rows run stay."""
    points = np.array(places, float).reshape(-1, 2)
    for _round in range(_ROUNDS):
        found = rows.at(points)
        inside = found.plot >= 0
        across = np.column_stack([found.along[:, 1], -found.along[:, 0]])
        points[inside] -= found.aside_m[inside, None] * across[inside]
    return points


def missing_places(gaps: Sequence[Gap], rows: Rows | None = None) -> Floats:
    """[M, 2] east, north of where the missing plants would stand: on the row, where it is given, else straight between
    the plants on both sides."""
    spots = [
        np.array(gap.start) + (np.array(gap.end) - np.array(gap.start)) * number / (gap.missing + 1)
        for gap in gaps
        for number in range(1, gap.missing + 1)
    ]
    places = np.array(spots).reshape(-1, 2)
    return places if rows is None else on_middle(places, rows)


def regular_step(distance: Floats) -> float | None:
    """The distance (m) that plants were sown apart, from those between neighbours in rows; None: no such.

    Two descriptions of the distances are held against each other by their likelihood: plants at one step,
    each a little off, a share of them missing (peaks at whole multiples of the step); and no step at all (a
    gamma distribution). The first has to be plainly better, or the distances to be nearly alike.
    """
    distance = distance[(distance > _TOUCHING) & (distance < REACH_M)]
    if len(distance) < MIN_PLANTS:
        return None
    if len(distance) > _MOST:
        distance = np.sort(distance)[:: math.ceil(len(distance) / _MOST)]
    mean = float(distance.mean())
    none, shape = _gamma(distance)
    best, found = -math.inf, mean
    for step in np.geomspace(max(_TOUCHING, float(np.quantile(distance, 0.03))), 1.02 * mean, 60).tolist():
        for off in _OFF:
            fit = _stepped(distance, step, off * step, mean)
            if fit > best:
                best, found = fit, step
    plain = best - none > max(_PLAINER, 8 / len(distance))
    return found if plain or shape > _ALIKE else None


def _stepped(distance: Floats, step: float, off: float, mean: float) -> float:
    """Mean log likelihood of distances k step +- off, k geometric so that the mean fits; 6 % are anything."""
    stands = min(step / mean, 0.98)
    times = np.arange(1, 16)
    share = stands * (1 - stands) ** (times - 1) / (off * math.sqrt(2 * math.pi))
    peaks = np.exp(-0.5 * ((distance[:, None] - times * step) / off) ** 2) @ share
    return float(np.log(0.94 * peaks + 0.06 / (4 * mean) * (distance < 4 * mean) + 1e-4).mean())


def _gamma(distance: Floats) -> tuple[float, float]:
    """Mean log likelihood of a gamma distribution fitted to the distances, and its shape.

    The shape by Minka's approximation (2002, "Estimating a gamma distribution").
    """
    mean = float(distance.mean())
    gap = max(math.log(mean) - float(np.log(distance).mean()), 1e-6)
    shape = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    fit = (shape - 1) * np.log(distance) - distance * shape / mean
    return float(fit.mean()) - math.lgamma(shape) - shape * math.log(mean / shape), shape
