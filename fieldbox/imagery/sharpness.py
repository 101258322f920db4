"""How sharp and how well exposed a photo is, from a reduced picture of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Quality:
    """Comparable within a flight at one reduction only."""

    sharpness: float
    """Variance of the Laplacian over the variance of the grey values (Pech-Pacheco et al. 2000)."""
    clipped: float
    """Share of pixels that are burnt out or black, 0 to 1."""


def judge_quality(rgb: NDArray[np.uint8]) -> Quality:
    """Judge a picture, uint8 [h, w, 3]."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    contrast = float(np.var(grey))
    edges = float(np.var(cv2.Laplacian(grey, cv2.CV_32F)))
    clipped = float(np.mean((grey >= 254) | (grey <= 1)))
    return Quality(edges / contrast if contrast > 0 else 0.0, clipped)
