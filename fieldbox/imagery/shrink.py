"""Pixels averaged over blocks, the same blocks as the model's cells."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def shrink(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Mean of each block of `factor` x `factor` pixels: uint8 [ceil(H / factor), ceil(W / factor), 3].

    A block that the lower or right edge cuts counts its edge pixels again.
    """
    height, width = rgb.shape[:2]
    down, right = -height % factor, -width % factor
    whole = cv2.copyMakeBorder(rgb, 0, down, 0, right, cv2.BORDER_REPLICATE) if down or right else rgb
    size = (whole.shape[1] // factor, whole.shape[0] // factor)
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)
