"""The colour of single plants, from the pixels that a look decodes anyway."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_PIXELS = 3
"""Fewer green pixels than this say nothing of a plant's colour."""
_FINE_BITS = 4
"""Corners are given to the drawing routine in sixteenths of a pixel."""


def plant_colours(
    rgb: NDArray[np.uint8],
    vegetation: NDArray[np.bool_],
    outlines: Sequence[NDArray[np.float32]],
    stride: int,
) -> NDArray[np.float32]:
    """[N, 3] mean red, green and blue (0 to 255) of each plant over its own green pixels; NaN for too few.

    `rgb` [h, w, 3] and `vegetation` [h, w] are at 1/`stride` of the scale of the `outlines` ([K, 2] x, y
    each, corners in pixels whose first has its centre at (0, 0)). Ground where two plants overlap is the
    later one's.
    """
    height, width = vegetation.shape
    colours = np.full((len(outlines), 3), np.nan, np.float32)
    if not outlines:
        return colours
    corners = np.concatenate(outlines)
    fixed = np.rint(((corners + 0.5) / stride - 0.5) * (1 << _FINE_BITS)).astype(np.int32)
    owners = np.zeros((height, width), np.int32)
    start = 0
    for number, outline in enumerate(outlines, start=1):
        ring = fixed[start : start + len(outline)]
        cv2.fillPoly(owners, [ring], number, cv2.LINE_8, _FINE_BITS)
        start += len(outline)
    own = np.flatnonzero((owners > 0) & vegetation)
    plant = owners.ravel()[own] - 1
    pixels = rgb.reshape(-1, 3)[own].astype(np.float64)
    count = np.bincount(plant, minlength=len(outlines))
    enough = count >= LEAST_PIXELS
    for channel in range(3):
        sums = np.bincount(plant, pixels[:, channel], len(outlines))
        colours[enough, channel] = (sums[enough] / count[enough]).astype(np.float32)
    return colours
