"""How often the model is right where it says weed, by what people said of plants that chance chose.

The weeds of a survey are two strata h, sure and unsure, of N_h plants each, of which n_h were judged and x_h are weeds. The
estimate is p = sum(W_h x_h / n_h), W_h = N_h / N. Of each stratum Wilson's 95 % interval (l_h, u_h) is taken, with n_h
raised to n_h (N_h - 1) / (N_h - n_h), since the plants that were judged are known (finite population; Korn and Graubard
1998 put an effective sample size into an interval in this way). They are put together by the method of variance estimates
recovery (Zou, Huang and Zhang 2009, Computational Statistics and Data Analysis 53, 1080-1085):

    low  = p - sqrt(sum(W_h^2 (p_h - l_h)^2)),  high = p + sqrt(sum(W_h^2 (u_h - p_h)^2))

Plants of which people say that it cannot be told, and contested ones, are counted apart: of them nothing is assumed. That
people are wrong themselves is not in the interval; how far they agree is told beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from fieldbox.dashboard.reviewqueue import ENOUGH, by_plant, outcome
from fieldbox.domain import Interval, LabelVerdict, Opinion

_Z95: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Stratum:
    """Plants that are alike in what the model says, and what people said of those that chance chose."""

    population: int
    right: int = 0
    wrong: int = 0
    untold: int = 0
    """Of which it cannot be told, or people do not agree."""

    @property
    def judged(self) -> int:
        """Those of which it was told."""
        return self.right + self.wrong

    @property
    def lacking(self) -> int:
        """How many more must be judged before a number is told."""
        # What cannot be told leaves fewer that can.
        return max(0, min(ENOUGH, self.population - self.untold) - self.judged)


@dataclass(frozen=True, slots=True)
class Precision:
    """How often the model is right. `share` None: too few plants were judged, `lacking` more are wanted."""

    population: int
    """Plants called weeds."""
    judged: int
    """By chance, of which it was told."""
    share: float | None
    interval95: Interval | None
    lacking: int


@dataclass(frozen=True, slots=True)
class Tally:
    """All that people said of plants of a survey."""

    strata: tuple[Stratum, Stratum]
    """Sure, unsure; of the plants that chance chose."""
    checked: int
    """Plants with a verdict, however they were chosen."""
    untold: int
    contested: int
    by_person: Mapping[str, int]
    """Verdicts of each, most first."""
    compared: int
    """Pairs of verdicts of two people on the same plant, both of which tell something."""
    agreed: int


def tally(opinions: Sequence[Opinion], population: tuple[int, int]) -> Tally:
    """Count what people said. `population`: sure and unsure plants of the survey."""
    plants = by_plant(opinions)
    results = [(given[0], outcome(one.verdict for one in given)) for given in plants.values()]
    pairs = [pair for given in plants.values() for pair in combinations(_telling(given), 2)]
    people: dict[str, int] = {}
    for one in opinions:
        people[one.who] = people.get(one.who, 0) + 1
    return Tally(
        strata=(_stratum(results, population[0], sure=True), _stratum(results, population[1], sure=False)),
        checked=len(plants),
        untold=sum(result is LabelVerdict.UNSURE for _, result in results),
        contested=sum(result is None for _, result in results),
        by_person=dict(sorted(people.items(), key=lambda one: (-one[1], one[0]))),
        compared=len(pairs),
        agreed=sum(one.verdict is other.verdict for one, other in pairs),
    )


def _telling(given: Iterable[Opinion]) -> list[Opinion]:
    return [one for one in given if one.verdict is not LabelVerdict.UNSURE]


def _stratum(
    results: Iterable[tuple[Opinion, LabelVerdict | None]], population: int, *, sure: bool
) -> Stratum:
    mine = [result for one, result in results if one.by_chance and one.sure is sure]
    right = mine.count(LabelVerdict.RIGHT)
    untold = mine.count(None) + mine.count(LabelVerdict.UNSURE)
    return Stratum(population, right, len(mine) - right - untold, untold)


def estimate(strata: Iterable[Stratum]) -> Precision:
    """Put strata together: those of one survey, or of several."""
    some = [one for one in strata if one.population]
    population, judged = sum(one.population for one in some), sum(one.judged for one in some)
    lacking = sum(one.lacking for one in some)
    if lacking or not judged:
        return Precision(population, judged, None, None, lacking)
    known = [one for one in some if one.judged]
    whole = sum(one.population for one in known)
    share = below = above = 0.0
    for one in known:
        weight, mine = one.population / whole, one.right / one.judged
        low, high = _wilson(one)
        share += weight * mine
        below += (weight * (mine - low)) ** 2
        above += (weight * (high - mine)) ** 2
    limits = Interval(max(0.0, share - math.sqrt(below)), min(1.0, share + math.sqrt(above)))
    return Precision(population, judged, share, limits, 0)


def _wilson(one: Stratum) -> tuple[float, float]:
    """Wilson's interval of the share that is right."""
    share = one.right / one.judged
    if one.judged >= one.population:
        return share, share
    n = one.judged * (one.population - 1) / (one.population - one.judged)
    z2 = _Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))
