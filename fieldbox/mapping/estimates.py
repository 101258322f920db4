"""Field-wide numbers from a field map, each with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import FieldMap, Interval

Z95 = 1.959964
BLOCK_M = 5.0
"""Cells are grouped into blocks of this size, so that likeness of neighbours is inside a block."""


class Estimate(NamedTuple):
    """A value and its 95 % interval; both None when it is not known."""

    value: float | None
    interval95: Interval | None


NOT_KNOWN = Estimate(None, None)


def area_seen_m2(grid: FieldMap) -> float:
    """Ground that was looked at."""
    return float(grid.seen.sum(dtype=np.float64)) * grid.cell_m**2


def share_pct(
    grid: FieldMap, layer: NDArray[np.float32], *, field_m2: float | None = None, model_error: float = 0.0
) -> Estimate:
    """Mean of a cover layer over the seen ground in per cent.

    The interval joins in quadrature (a) what the unseen part of the field (`field_m2`; None: there is
    none) may hold: the standard error of a ratio estimator over blocks of 5 m (Cochran 1977, 6.3) with
    the finite-population factor; and (b) `model_error`, the model's relative standard error of cover.
    """
    judged = np.isfinite(layer) & (grid.seen > 0)
    if not judged.any():
        return NOT_KNOWN
    seen = np.where(judged, grid.seen, 0).astype(float)
    covered = np.where(judged, layer, 0).astype(float) * seen
    share = float(covered.sum() / seen.sum())
    sampling = _sampling_error(grid, covered, seen, share, field_m2)
    half = 100 * Z95 * math.hypot(sampling, model_error * share)
    return Estimate(100 * share, Interval(max(0.0, 100 * share - half), min(100.0, 100 * share + half)))


def count(scores: Sequence[float], *, model_error: float = 0.0) -> Estimate:
    """Number of plants that were found on the seen ground.

    Taken as independent detections that are right with the probability `score` (variance: the sum of
    s (1 - s)), with the model's relative standard error of counts in quadrature.
    """
    chance = np.clip(np.asarray(scores, float), 0.0, 1.0)
    half = Z95 * math.hypot(math.sqrt(float((chance * (1 - chance)).sum())), model_error * chance.size)
    return Estimate(float(chance.size), Interval(max(0.0, chance.size - half), chance.size + half))


def unseen_pct(grid: FieldMap, field_m2: float) -> float:
    """Share of the field that was not looked at, in per cent."""
    return 100.0 * max(0.0, 1.0 - area_seen_m2(grid) / field_m2) if field_m2 > 0 else 0.0


def _sampling_error(
    grid: FieldMap,
    covered: NDArray[np.float64],
    seen: NDArray[np.float64],
    share: float,
    field_m2: float | None,
) -> float:
    missing = 0.0 if field_m2 is None else max(0.0, 1.0 - area_seen_m2(grid) / max(field_m2, 1e-9))
    size = max(1, round(BLOCK_M / grid.cell_m))
    block_seen, block_covered = _blocks(seen, size), _blocks(covered, size)
    used = block_seen > 0
    blocks = int(used.sum())
    if missing == 0.0 or blocks < 2:
        return 0.0
    rest = block_covered[used] - share * block_seen[used]
    variance = float((rest**2).sum()) / (blocks - 1) / blocks / float(block_seen[used].mean()) ** 2
    return math.sqrt(missing * variance)


def _blocks(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    rows, columns = values.shape
    padded = np.pad(values, ((0, -rows % size), (0, -columns % size)))
    shape = (padded.shape[0] // size, size, padded.shape[1] // size, size)
    return np.asarray(padded.reshape(shape).sum(axis=(1, 3)))
