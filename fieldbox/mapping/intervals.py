"""95 % intervals of the numbers that a survey states."""

from __future__ import annotations

import math

from fieldbox.domain import Interval
from fieldbox.mapping.health import wilson95

Z95 = 1.959964
NONE_SEEN = 3.69
"""Upper end of the two-sided 95 % interval of a Poisson mean of which nothing was seen: -ln 0.025."""
SMALL_PLANT_M2 = 0.002
"""A seedling of 5 cm."""


def count_interval(count: int, ratio: Interval) -> Interval:
    """Interval of a count of plants.

    `ratio` is the 95 % interval of true over predicted counts, measured once per model release. To
    it comes the scatter of the count itself (Poisson): relative variances add. The count that the
    map shows always lies inside.
    """
    if count == 0:
        return Interval(0.0, NONE_SEEN * max(ratio.high, 1.0))
    mean, sigma = _middle(ratio)
    relative = math.hypot(sigma / mean, 1 / math.sqrt(count))
    spread = Z95 * relative * count * mean
    return Interval(max(0.0, min(count * mean - spread, count)), max(count * mean + spread, count))


def cover_interval(percent: float, ratio: Interval, area_m2: float) -> Interval:
    """Interval of a cover in percent, from the 95 % interval of true over predicted cover.

    Its upper end leaves room for the few small plants that may stand unseen on `area_m2` even where
    none was found.
    """
    unseen = 100 * NONE_SEEN * SMALL_PLANT_M2 / area_m2 if area_m2 > 0 else 100.0
    low, high = percent * ratio.low, max(percent * ratio.high, percent + unseen)
    return Interval(max(0.0, min(low, percent)), min(100.0, high))


def proportion_interval(share: float, samples: int) -> Interval:
    """Wilson's interval in percent of a share (0 to 1) seen in `samples` independent pieces."""
    low, high = wilson95(share, max(samples, 1))
    return Interval(100 * min(low, share), 100 * max(high, share))


def area_interval(area: float, relative_gsd: float) -> Interval:
    """Interval of an area whose scale (metres per pixel) has the relative 95 % error `relative_gsd`."""
    return Interval(area * max(0.0, 1 - relative_gsd) ** 2, area * (1 + relative_gsd) ** 2)


def quotient_interval(
    count: float, count_interval: Interval, area: float, area_interval: Interval
) -> Interval | None:
    """Interval of a count over an area, of which both have theirs: relative variances add, as logarithms.

    None for an area that may be nothing.
    """
    if area_interval.low <= 0:
        return None
    wider, narrower = math.log(area_interval.high / area), math.log(area / area_interval.low)
    if count <= 0:
        return Interval(0.0, count_interval.high / area_interval.low)
    few, many = count_interval.low / count, math.log(count_interval.high / count)
    low = math.exp(-math.hypot(math.log(few), wider)) if few > 0 else 0.0
    return Interval(count / area * low, count / area * math.exp(math.hypot(many, narrower)))


def edge_interval(share: float, perimeter_m: float, area_m2: float, error95_m: float) -> Interval:
    """Interval in percent of a share of a field that shifts with the map: a strip along the boundary."""
    strip = 100 * perimeter_m * error95_m / area_m2 if area_m2 > 0 else 100.0
    return Interval(max(0.0, 100 * share - strip), min(100.0, 100 * share + strip))


def _middle(ratio: Interval) -> tuple[float, float]:
    return max((ratio.low + ratio.high) / 2, 1e-6), max(ratio.high - ratio.low, 0.0) / (2 * Z95)


def ratio_of_count(count: int, interval: Interval) -> tuple[float, float]:
    """Mean of true over found counts, and its relative standard error, from which `count_interval` made the interval.

    Where nothing was found the interval tells neither: (1, 0).
    """
    if count <= 0:
        return 1.0, 0.0
    mean = max((interval.low + interval.high) / (2 * count), 1e-6)
    relative = (interval.high - interval.low) / (2 * Z95 * count * mean)
    return mean, math.sqrt(max(relative**2 - 1 / count, 0.0))


def ratio_error_of_cover(percent: float, interval: Interval) -> float:
    """Relative standard error of a cover by its interval (`cover_interval`); 0 where nothing was found."""
    if percent <= 0:
        return 0.0
    return (interval.high - interval.low) / (2 * Z95 * max((interval.high + interval.low) / 2, 1e-6))
