"""Crop health from colours: how each cell's crop compares with the rest of its own field. Relative only.

A red, green and blue camera cannot tell a disease from thirst or hunger; what it can tell is where the
crop is less green than elsewhere in the same field on the same day.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Interval

MIN_PIXELS = 50
MIN_CELLS = 30
POOR_Z = -2.5
POOR_BY_CHANCE = 0.00621
"""Share of a normal distribution below -2.5."""
MAD_TO_SIGMA = 1.4826


class Health(NamedTuple):
    """0 to 100 (100 best) with its 95 % interval; both None when too few cells could be judged."""

    value: float | None
    interval95: Interval | None


def score_health(index: NDArray[np.float32], pixels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Robust z-scores (x - median) / (1.4826 MAD) of a greenness index over the cells of a field.

    `index` [rows, columns] is the mean over the crop's green pixels in a cell, `pixels` how many they
    are. Cells with fewer than MIN_PIXELS are NaN; so are all if fewer than MIN_CELLS are left or the
    field shows no scatter.
    """
    judged = np.isfinite(index) & (pixels >= MIN_PIXELS)
    scores = np.full(index.shape, np.nan, np.float32)
    if judged.sum() < MIN_CELLS:
        return scores
    values = index[judged].astype(float)
    middle = float(np.median(values))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
    if spread > 0:
        scores[judged] = (values - middle) / spread
    return scores


def health_index(scores: NDArray[np.float32]) -> Health:
    """100 x (1 - share of judged cells that are poor beyond chance).

    Poor is z < -2.5; of cells that scatter normally 0.6 % are that low, which is taken off:
    excess = (share - 0.0062) / (1 - 0.0062). The interval is Wilson's for the share, with the number
    of cells reduced for their likeness to their neighbours (see `effective_cells`). It says how sure
    the share is, not how sure it is that a poor cell is ill.
    """
    judged = np.isfinite(scores)
    count = int(judged.sum())
    if count < MIN_CELLS:
        return Health(None, None)
    poor = np.where(judged, scores < POOR_Z, False)
    share = float(poor.sum()) / count
    low, high = wilson95(share, effective_cells(poor, judged))
    return Health(_index(share), Interval(_index(high), _index(low)))


def wilson95(share: float, count: float) -> Interval:
    """Wilson's score interval (1927) of a share seen in `count` independent trials."""
    z2 = 1.959964**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(z2) / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def effective_cells(poor: NDArray[np.bool_], judged: NDArray[np.bool_]) -> float:
    """Number of independent cells that tell as much as the judged ones do.

    n ((1 - r) / (1 + r))^2 with the correlation r of neighbours: the formula of a first-order
    autoregressive series, once for each direction. At least MIN_CELLS / 3.
    """
    count = float(judged.sum())
    values = np.where(judged, poor.astype(float), np.nan)
    share = float(np.nanmean(values))
    variance = share * (1 - share)
    if variance == 0:
        return count
    offset = values - share
    products = np.concatenate([(offset[1:] * offset[:-1]).ravel(), (offset[:, 1:] * offset[:, :-1]).ravel()])
    products = products[np.isfinite(products)]
    likeness = float(np.clip(products.mean() / variance, 0.0, 0.95)) if products.size else 0.0
    return max(count * ((1 - likeness) / (1 + likeness)) ** 2, MIN_CELLS / 3)


def _index(share: float) -> float:
    return 100.0 * (1.0 - max(0.0, (share - POOR_BY_CHANCE) / (1 - POOR_BY_CHANCE)))
