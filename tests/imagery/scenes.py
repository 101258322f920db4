"""Pictures of what is no field, drawn: RGB, float noise and all, at about 11 mm for a pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
SIZE = 320


def _noise(rng: np.random.Generator, sigma_px: float, size: int = SIZE) -> NDArray[np.float32]:
    """Smooth noise of standard deviation 1."""
    field = cv2.GaussianBlur(rng.standard_normal((size, size), np.float32), (0, 0), max(sigma_px, 0.01))
    return np.asarray(field / field.std(), np.float32)


def _finished(pixels: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    noisy = pixels + rng.normal(0, 2, pixels.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def asphalt(seed: int) -> Picture:
    """A road surface with a few patches."""
    rng = np.random.default_rng(seed)
    grey = 95 + 40 * rng.random() + 4 * _noise(rng, 0.7) + 4 * _noise(rng, 30)
    return _finished(np.repeat(grey[..., None], 3, axis=2) * (1.01, 1.0, 0.99), rng)


def car_park(seed: int) -> Picture:
    """Bays with white lines and cars of some 4.5 x 1.8 m, a few of them cut by the edge."""
    rng = np.random.default_rng(seed)
    pixels = asphalt(seed).astype(np.float32)
    for left in range(int(rng.integers(0, 100)), SIZE, 225):
        cv2.line(pixels, (left, 0), (left, SIZE), (225.0, 225.0, 220.0), 10)
    for top in range(20, SIZE, 450):
        for left in range(int(rng.integers(-60, 40)), SIZE, 225):
            colour = rng.choice([[30, 30, 35], [200, 200, 205], [150, 30, 30], [40, 60, 120]]).tolist()
            cv2.rectangle(pixels, (left + 30, top), (left + 190, top + 400), tuple(map(float, colour)), -1)
            glass = (25.0, 30.0, 40.0)
            cv2.rectangle(pixels, (left + 45, top + 90), (left + 175, top + 150), glass, -1)
    return _finished(pixels, rng)


def roofs(seed: int) -> Picture:
    """Rows of clay tiles, or of sheet metal, with a ridge across."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    turn = rng.uniform(0, np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    wave = np.sin(along * 2 * np.pi / rng.uniform(15, 28))
    base = np.array([[150, 82, 62], [150, 152, 158], [96, 98, 104]][int(rng.integers(3))], np.float32)
    shade = 1 + 0.14 * wave + 0.12 * np.sign(y - SIZE / 2) + 0.03 * _noise(rng, 1)
    return _finished(shade[..., None] * base, rng)


def water(seed: int) -> Picture:
    """A pond with ripples and some glitter."""
    rng = np.random.default_rng(seed)
    shade = 1 + 0.05 * _noise(rng, 6) + 0.04 * _noise(rng, 2)
    pixels = shade[..., None] * np.array([52, 78, 92], np.float32) * rng.uniform(0.7, 1.4)
    pixels[_noise(rng, 1) > 3.2] = 240
    return _finished(pixels, rng)


def trees(seed: int) -> Picture:
    """Crowns of 2 to 5 m with deep shadow between."""
    rng = np.random.default_rng(seed)
    height = np.zeros((SIZE, SIZE), np.float32)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    for _ in range(9):
        middle, reach = rng.uniform(0, SIZE, 2), rng.uniform(90, 220)
        away = np.hypot(x - middle[0], y - middle[1]) / reach
        height = np.maximum(height, np.sqrt(np.maximum(1 - away**2, 0)) * rng.uniform(0.6, 1))
    shade = np.clip(0.15 + 0.9 * height + 0.3 * height * _noise(rng, 2.5), 0.05, 1.4)
    return _finished(shade[..., None] * np.array([78, 104, 48], np.float32), rng)


def lawn(seed: int) -> Picture:
    """Mown grass."""
    rng = np.random.default_rng(seed)
    shade = 1 + 0.06 * _noise(rng, 0.8) + 0.05 * _noise(rng, 40)
    return _finished(shade[..., None] * np.array([112, 140, 74], np.float32), rng)


NO_FIELD: Mapping[str, Callable[[int], Picture]] = {
    "asphalt": asphalt,
    "car park": car_park,
    "roofs": roofs,
    "water": water,
    "trees": trees,
    "lawn": lawn,
}
