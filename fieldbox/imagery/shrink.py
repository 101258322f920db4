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


def resample(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Pixels [h, w, 3] averaged to 1/scale of the size (scale >= 1), contiguous.

    Pixel u of the result shows (u + 0.5) scale - 0.5 exactly, whatever the rounding of the size.
    """
    if scale <= 1:
        return np.ascontiguousarray(rgb)
    # Below 1.5 the mean of four neighbours loses as little as the area's mean, at a quarter of the time.
    how = cv2.INTER_LINEAR if scale < 1.5 else cv2.INTER_AREA
    shrunk = cv2.resize(rgb, None, fx=1 / scale, fy=1 / scale, interpolation=how)
    return np.asarray(shrunk, np.uint8)


def in_blocks(planes: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Planes [h, w, B] as means of [rows, columns] blocks over them; NaN where nothing of a block is known."""
    found = np.empty((*shape, planes.shape[2]), np.float32)
    for band in range(planes.shape[2]):
        plane = planes[:, :, band]
        known = np.isfinite(plane)
        total = cv2.resize(np.where(known, plane, 0), shape[::-1], interpolation=cv2.INTER_AREA)
        share = cv2.resize(known.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
        np.divide(total, share, out=found[:, :, band], where=share > 0)
        found[:, :, band][share <= 0] = np.nan
    return found
