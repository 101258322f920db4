"""Did a treatment work: the weeds on treated ground before and after, against those on the rest of the field.

    efficacy = 1 - (treated left / treated before) x (control before / control left)

(Henderson and Tilton 1955, J. Econ. Entomol. 48, 157-161.) What happened to the whole field falls on the control as well and
drops out: weeds that crop grew over, what the model misses at the second date.

Where the maps lie on each other to a few centimetres, weeds that are left are those found again at their places: what came up
since, and what the model calls by chance on one date alone, is no weed that was left. Else all that stand there afterwards
count. The interval is that of the logarithm (of shares found again: binomial; of counts: Poisson), widened where cells scatter
more than that about their ground's mean. Its upper end leaves room for what the model calls weeds at both dates and are none:
no spray takes these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import Efficacy, Interval, Measure
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.change import Z95, Both
from fieldbox.mapping.overlay import Dated, Floats, Tally, counts

LEAST_WEEDS = 10
"""With fewer there before, on the treated ground or the rest, nothing can be told."""
LEAST_CELLS = 6
"""For how much cells scatter."""
SEEN_WHOLE = 0.9


@dataclass(frozen=True, slots=True)
class Ground:
    """One kind of ground at both dates."""

    area_m2: float
    before: float
    after: float
    """Weeds, as many as both dates would have seen on the same ground."""
    scatter: float
    """Variance over that of chance alone, at least 1."""
    again: float | None = None
    """Of the weeds before, those found again at their places; None: places are not known."""
    again_scatter: float = 1.0

    @property
    def left(self) -> float:
        """Of the weeds before, the share that is left. Half a weed is added, for none seen is not none."""
        return ((self.after if self.again is None else self.again) + 0.5) / (self.before + 0.5)

    @property
    def variance(self) -> float:
        """Of the logarithm of that."""
        if self.again is not None:
            return self.again_scatter * max(1 / (self.again + 0.5) - 1 / (self.before + 0.5), 0.0)
        return self.scatter * (1 / (self.before + 0.5) + 1 / (self.after + 0.5))


def efficacy(
    both: Both,
    dated: tuple[Dated, Dated],
    treated: shapely.Geometry,
    margin_m: float,
    measure: Measure = Measure.COUNT,
) -> Efficacy:
    """What a treatment of `treated` (in the zone of the later map) did; the edge is left out by `margin_m` on either side."""
    inner = shapely.buffer(treated, -margin_m)
    outer = shapely.buffer(treated, margin_m)
    on = _ground(both, dated, _Where(inner, inside=True), measure)
    off = _ground(both, dated, _Where(outer, inside=False), measure)
    if (off.again or 0) < LEAST_WEEDS:  # hardly any was found again even where nothing was done
        on, off = (replace(one, again=None) for one in (on, off))
    why = _no_telling(on, off, margin_m)
    value, interval = None, None
    if why is None:
        value, interval = _share(on, off, dated[0].false_share)
    return Efficacy(
        value=value,
        interval95=interval,
        treated_m2=on.area_m2,
        control_m2=off.area_m2,
        treated=(on.before, on.after),
        control=(off.before, off.after),
        found_again=None if on.again is None or off.again is None else (on.again, off.again),
        margin_m=margin_m,
        why=why,
    )


def _share(on: Ground, off: Ground, false_share: float) -> tuple[float, Interval]:
    left = on.left / off.left
    plain = (on.after if on.again is None else on.again) / on.before / off.left
    factor = math.exp(Z95 * math.sqrt(on.variance + off.variance))
    low, high = min(plain, left / factor), max(plain, left * factor)
    # False calls stand there before and after: (left - f) / (1 - f) of the true weeds are left.
    best = (low - false_share) / (1 - false_share) if false_share < 1 else 0.0
    return 1 - plain, Interval(1 - high, min(1.0, 1 - max(best, 0.0)))


def _no_telling(on: Ground, off: Ground, margin_m: float) -> Sentence | None:
    told = {"margin": round(margin_m, 1), "least": LEAST_WEEDS}
    if on.before < LEAST_WEEDS:
        template = N_(
            "No telling whether the treatment worked: fewer than {least} weeds stood on the treated ground before, "
            "{margin} m of its edge left out."
        )
        return Sentence(template, told)
    if min(off.before, off.after) < LEAST_WEEDS:
        template = N_(
            "No telling whether the treatment worked: fewer than {least} weeds stand on ground that was not treated, "
            "so what happened without it is not known."
        )
        return Sentence(template, told)
    return None


@dataclass(frozen=True, slots=True)
class _Where:
    shape: shapely.Geometry
    inside: bool

    def has(self, places: Floats) -> NDArray[np.bool_]:
        """[N] of places [N, 2]."""
        within = np.asarray(shapely.contains_xy(self.shape, places[:, 0], places[:, 1]), bool)
        return within if self.inside else ~within

    def share(self, squares: NDArray[np.object_], side_m: float) -> Floats:
        """[N] of each square's ground."""
        within = np.asarray(shapely.area(shapely.intersection(self.shape, squares))) / side_m**2
        return within if self.inside else 1 - within


def _ground(both: Both, dated: tuple[Dated, Dated], where: _Where, measure: Measure) -> Ground:
    frame, cell = both.frame, both.frame.cell_m
    east, north = frame.middles()
    squares = shapely.box(east - cell / 2, north - cell / 2, east + cell / 2, north + cell / 2)
    seen = np.minimum(both.before.seen_m2, both.after.seen_m2) >= SEEN_WHOLE * cell**2
    share = np.zeros(seen.shape)
    share[seen] = where.share(squares[seen], cell)
    size = max(one.weed_m2 for one in dated) if measure is Measure.COVER else None
    weeds = both.weeds
    rates = [
        _counts(both, places, tally, where, share, size) / np.maximum(tally.seen_m2, 1e-9) * cell**2
        for places, tally in (
            (weeds.before if weeds else None, both.before),
            (weeds.after if weeds else None, both.after),
        )
    ]
    before, after = (np.where(seen, one, 0.0) for one in rates)
    here = share > 0
    sums = float(share.sum()) * cell**2, float(before.sum()), float(after.sum())
    scatter = _scatter((before + after)[here], after[here])
    if weeds is None or size is not None or not len(weeds.again):
        return Ground(*sums, scatter)
    again = _counts(both, weeds.again, both.after, where, share, None)[here]
    return Ground(*sums, scatter, float(again.sum()), _scatter(before[here], again))


def _counts(
    both: Both, weeds: Floats | None, tally: Tally, where: _Where, share: Floats, weed_m2: float | None
) -> Floats:
    """Weeds of each cell that stand on this ground: by their places, else the cell's share of them, else, of plants of
    `weed_m2`, as many as cover so much."""
    if weed_m2 is not None:
        return tally.weed_m2 / weed_m2 * share
    if weeds is None:
        return tally.weeds * share
    return counts(weeds[where.has(weeds)], both.frame) * (share > 0)


def _scatter(all_of: Floats, some: Floats) -> float:
    """Pearson's chi-squared of the cells' counts, some out of all, over its degrees of freedom; at least 1."""
    known = all_of > 0
    share = float(some.sum() / max(all_of.sum(), 1e-9))
    if known.sum() < LEAST_CELLS or not 0 < share < 1:
        return 1.0
    squares = (some[known] - all_of[known] * share) ** 2 / (all_of[known] * share * (1 - share))
    return max(1.0, float(squares.sum()) / (int(known.sum()) - 1))
