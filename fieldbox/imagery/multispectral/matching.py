"""Where small patches of one picture of edges lie in another."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_SCORE = 0.35
"""Correlation below which a patch was not found again."""
_LEAST_EDGES = 0.15
"""Standard deviation of the edges of a patch (evened out, see `edges`) below which there is nothing to find."""
_MOST_BLANK = 0.1


class Matches(NamedTuple):
    """Patches that were found again."""

    here: NDArray[np.float64]
    """[N, 2] x, y of their centres in the reference."""
    there: NDArray[np.float64]
    """[N, 2] where they lie in the other picture."""
    score: NDArray[np.float64]
    """[N] correlation."""


def match(
    reference: NDArray[np.float32],
    other: NDArray[np.float32],
    centres: NDArray[np.int64],
    half: int,
    reach: int,
) -> Matches:
    """Look for the patches of 2 `half` + 1 pixels around `centres` [N, 2] of `reference` in `other`.

    A patch may lie up to `reach` pixels away in x and y; to a fraction of a pixel by a parabola through the
    peak. One is left out that has nothing to find, is found on the rim of the search, or badly.
    """
    here: list[tuple[int, int]] = []
    there: list[tuple[float, float]] = []
    scores: list[float] = []
    for x, y in centres.tolist():
        found = _find(reference, other, (x, y), half, reach)
        if found is not None:
            here.append((x, y))
            there.append((x + found[0], y + found[1]))
            scores.append(found[2])
    return Matches(
        np.array(here, np.float64).reshape(-1, 2),
        np.array(there, np.float64).reshape(-1, 2),
        np.array(scores, np.float64),
    )


def _find(
    reference: NDArray[np.float32], other: NDArray[np.float32], at: tuple[int, int], half: int, reach: int
) -> tuple[float, float, float] | None:
    x, y = at
    side = half + reach
    patch = reference[y - half : y + half + 1, x - half : x + half + 1]
    area = other[y - side : y + side + 1, x - side : x + side + 1]
    if patch.shape != (2 * half + 1,) * 2 or area.shape != (2 * side + 1,) * 2:
        return None
    if float(patch.std()) < _LEAST_EDGES or _blank(patch) or _blank(area):
        return None
    score = cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(score)
    if not best >= LEAST_SCORE or not 0 < column < 2 * reach or not 0 < row < 2 * reach:
        return None
    dx = _peak(score[row, column - 1], score[row, column], score[row, column + 1])
    dy = _peak(score[row - 1, column], score[row, column], score[row + 1, column])
    return column - reach + dx, row - reach + dy, float(best)


def _blank(part: NDArray[np.float32]) -> bool:
    return bool(np.count_nonzero(part == 0) > _MOST_BLANK * part.size)


def _peak(before: float, at: float, after: float) -> float:
    """Where between -0.5 and 0.5 a parabola through three values has its top."""
    bend = float(before) - 2 * float(at) + float(after)
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (float(before) - float(after)) / bend))


def grid(width: int, height: int, step: int, margin: int) -> NDArray[np.int64]:
    """Centres [N, 2] `step` pixels apart, `margin` from the edges."""
    xs = np.arange(margin, width - margin, step)
    ys = np.arange(margin, height - margin, step)
    across, down = np.meshgrid(xs, ys)
    return np.stack([across.ravel(), down.ravel()], axis=1).astype(np.int64)
