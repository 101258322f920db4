"""What bands of different colours have in common: where the picture changes, not whether it gets brighter or darker."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_EVEN_PX = 31
"""Edges are compared with their surroundings of this many pixels, so that a bright road does not outweigh a field."""
_FLOOR = 0.05
"""Share of the picture's own mean edge below which an edge is noise."""


def edges(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Strength of the edges of `pixels` [h, w], evened out locally: float32 [h, w], 0 near unknown pixels.

    Gradient magnitude of the square root of the light (noise of light grows with its root).
    """
    unknown = ~np.isfinite(pixels)
    known = np.where(unknown, 0, pixels)
    root = np.sqrt(np.maximum(known, 0), dtype=np.float32)
    cv2.GaussianBlur(root, (0, 0), 1.0, dst=root)
    across = cv2.Sobel(root, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(root, cv2.CV_32F, 0, 1)
    strength = cv2.magnitude(across, down)
    spoilt = cv2.dilate(unknown.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    strength[spoilt] = 0
    if not strength.size or not float(strength.mean()) > 0:
        return np.zeros_like(strength)
    around = cv2.boxFilter(strength, cv2.CV_32F, (_EVEN_PX, _EVEN_PX))
    evened = strength / (around + np.float32(_FLOOR * float(strength.mean())))
    return np.asarray(np.minimum(evened, 8), np.float32)


def shrink(strength: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of blocks of `factor` x `factor` pixels; what the lower and right edge cut is left away."""
    height, width = (side // factor for side in strength.shape)
    whole = strength[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.float32)
