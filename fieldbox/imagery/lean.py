"""How far a moving camera leans, from two of its pictures of level ground: what is further away moves less.

A camera over a plane moves level and turns a little about its axis. In pixels from the picture's middle, x to the right and y
down, a point then goes from p to

    R p + (1 + l . p) (m - p (-l . m))

up to the last term's small share of the depth, where R is the turn, m the shift of the middle and l the lean: the tangents of
the camera's roll and pitch over the focal length (the homography R + t n' of a plane with the normal n, for t along the plane;
Hartley and Zisserman 2003, 13.1). The focal length need not be known to find l.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_POINTS = 25
LEAST_SHIFT = 0.04
"""Of the long side: pictures that have moved less tell nothing."""
_MOST_POINTS = 160
_APART_PX = 12
_LOST_PX = 1.5
"""A point that comes back so far from where it was is not followed."""
_MOST_STEPS, _CLOSE = 30, 1e-8
_BELIEVED = 1e-3
"""Of the width: by which a point may be off and counts in full."""
_SPREAD = 0.25
"""Of each side: points must be spread so far, as a standard deviation is over the whole of it (0.29)."""


class Lean(NamedTuple):
    """Tangent over the focal length in widths of the picture."""

    ahead: float
    """Of the angle by which the camera looks towards the top of its picture from straight down."""
    left: float


def lean_of(
    before: NDArray[np.float32], after: NDArray[np.float32], shift: tuple[float, float]
) -> Lean | None:
    """The lean seen between two grey pictures [h, w], 0 to 255, of which the second is moved by `shift` (widths; right, down).

    None: too little movement, or too few points that can be followed over too little of the picture.
    """
    height, width = before.shape
    if np.hypot(*shift) < LEAST_SHIFT:
        return None
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    start, end = _followed(before.astype(np.uint8), after.astype(np.uint8), np.asarray(shift) * width)
    if len(start) < LEAST_POINTS or not _is_spread(start, width, height, np.abs(shift) * width):
        return None
    return _fitted((start - middle) / width, (end - middle) / width, shift)


def _followed(
    before: NDArray[np.uint8], after: NDArray[np.uint8], moved: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points [N, 2] that are found in the second picture, and from there again in the first."""
    corners: NDArray[np.float32] | None = cv2.goodFeaturesToTrack(before, _MOST_POINTS, 0.02, _APART_PX)  # type: ignore[assignment]  # None: there are none
    if corners is None:
        return np.zeros((0, 2)), np.zeros((0, 2))
    start = np.asarray(corners, np.float32).reshape(-1, 1, 2)  # without the middle axis the guess is not used
    guess = start + moved.astype(np.float32)
    end, there, _error = cv2.calcOpticalFlowPyrLK(
        before, after, start, guess.copy(), flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    back, here, _error = cv2.calcOpticalFlowPyrLK(
        after, before, end, start.copy(), flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    lost = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    kept = (there.ravel() == 1) & (here.ravel() == 1) & (lost < _LOST_PX)
    return start.reshape(-1, 2)[kept].astype(float), end.reshape(-1, 2)[kept].astype(float)


def _is_spread(points: NDArray[np.float64], width: int, height: int, lost: NDArray[np.float64]) -> bool:
    """Over what both pictures show."""
    sides = np.maximum(np.array([width, height]) - lost, 1.0)
    return bool((points.std(axis=0) >= _SPREAD * 0.7 * sides).all())


def _fitted(start: NDArray[np.float64], end: NDArray[np.float64], shift: tuple[float, float]) -> Lean | None:
    """Points [N, 2] in widths from the middle."""

    known = np.array([*shift, 0.0, 0.0, 0.0])
    for _step in range(_MOST_STEPS):
        off = (_moved(start, known) - end).ravel()
        # Points that follow something else (a shadow, a bird) count less: the soft L1 loss, by weights that are renewed.
        weight = (1 + (off / _BELIEVED) ** 2) ** -0.25
        change = np.linalg.lstsq(_slopes(start, known) * weight[:, None], -off * weight)[0]
        known += change
        if np.abs(change).max() < _CLOSE:
            _right, _down, _turn, across, along = known.tolist()
            return Lean(along, across)
    return None


def _slopes(start: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """[2 N, 5] by how much points go elsewhere for a little more of each."""
    little = 1e-6 * np.eye(len(known))
    return np.column_stack(
        [(_moved(start, known + one) - _moved(start, known - one)).ravel() / 2e-6 for one in little]
    )


def _moved(start: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points go by (shift right and down, turn, lean across and along)."""
    shift, turn, lean = known[:2], known[2], known[3:]
    x, y = start.T
    turned = np.column_stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)])
    near = (1 + start @ lean)[:, None]
    away = -float(lean @ shift)
    return np.asarray((turned + near * shift) / (1 + near * away))
