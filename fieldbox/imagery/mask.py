"""Masks of pictures: where they hold anything."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Window


def read_mask(path: Path) -> NDArray[np.bool_] | None:
    """The mask [h, w] kept at `path`; None: there is none, so the picture holds something everywhere."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if pixels is None else np.asarray(pixels) > 0


def empty_blocks(mask: NDArray[np.bool_], window: Window, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of the [rows, columns] blocks over a window of a picture hold nothing somewhere."""
    part = mask[window.y0 : window.y1, window.x0 : window.x1]
    held = cv2.resize(part.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(held < 1.0, np.bool_)
