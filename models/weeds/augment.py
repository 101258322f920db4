"""The same picture under another light, on another soil, through another lens."""

from __future__ import annotations

import math

import cv2
import numpy as np

from models.weeds.data import Array, excess_green


def recoloured(image: Array, rng: np.random.Generator) -> Array:
    """The same picture under another light, on another soil, through another lens. uint8 in and out."""
    pixels = image.astype(np.float32)
    if rng.random() < 0.4:
        pixels = _other_soil(image, pixels, rng)
    if rng.random() < 0.8:
        pixels = _other_light(pixels, rng)
    if rng.random() < 0.25:
        pixels = _shadow(pixels, rng)
    if rng.random() < 0.3:
        pixels = _blurred(pixels, rng)
    if rng.random() < 0.3:
        pixels += rng.standard_normal(pixels.shape, np.float32) * rng.uniform(2, 10)
    out = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = int(rng.integers(35, 92))
        out = cv2.imdecode(
            cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    if rng.random() < 0.06:
        out = _framed(out, rng)
    return out


def _other_soil(image: Array, pixels: Array, rng: np.random.Generator) -> Array:
    """Recolour what is not green, and vary the green a little on its own."""
    leaf = np.clip((cv2.blur(excess_green(image), (3, 3)) - 0.03) / 0.06, 0, 1)[..., None]
    mean = pixels.reshape(-1, 3).mean(0)
    tint = np.array([rng.uniform(0.85, 1.25), 1.0, rng.uniform(0.75, 1.3)], np.float32) * rng.uniform(
        0.45, 1.5
    )
    soil = (pixels - mean) * rng.uniform(0.5, 1.5) + mean * tint
    if rng.random() < 0.4:
        coarse = rng.standard_normal((int(rng.integers(6, 60)),) * 2, np.float32) * rng.uniform(5, 25)
        soil = soil + cv2.resize(coarse, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    green = pixels * np.array([rng.uniform(0.85, 1.2), 1.0, rng.uniform(0.8, 1.25)], np.float32)
    return (soil * (1 - leaf) + green * leaf).astype(np.float32)


def _other_light(pixels: Array, rng: np.random.Generator) -> Array:
    gain = rng.uniform(0.88, 1.14, 3) * rng.uniform(0.55, 1.45)
    saturation = rng.uniform(0.5, 1.45)
    matrix = (saturation * np.eye(3) + (1 - saturation) / 3) * gain[None]
    out = cv2.transform(pixels, matrix.astype(np.float32))
    mean = float(out.mean())
    out = (out - mean) * np.float32(rng.uniform(0.65, 1.4)) + np.float32(mean)
    if rng.random() < 0.4:
        curve = (255 * (np.arange(256) / 255) ** rng.uniform(0.6, 1.6)).astype(np.float32)
        out = curve[np.clip(out, 0, 255).astype(np.uint8)]
    return out


def _shadow(pixels: Array, rng: np.random.Generator) -> Array:
    height, width = pixels.shape[:2]
    turn = rng.uniform(0, 2 * math.pi)
    x = (np.arange(width, dtype=np.float32) - width * rng.random()) * math.cos(turn)
    y = (np.arange(height, dtype=np.float32) - height * rng.random()) * math.sin(turn)
    edge = np.clip((x[None] + y[:, None]) / rng.uniform(4, 40), -30, 30)
    return pixels * (1 - np.float32(rng.uniform(0.2, 0.6)) / (1 + np.exp(-edge)))[..., None].astype(
        np.float32
    )


def _blurred(pixels: Array, rng: np.random.Generator) -> Array:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.7))
    length = int(rng.integers(2, 6))
    kernel = np.full((1, length), 1 / length, np.float32)
    return cv2.filter2D(pixels, -1, kernel if rng.random() < 0.5 else kernel.T)


def _framed(image: Array, rng: np.random.Generator) -> Array:
    """Blacken a band along one side, as at the edge of a mosaic. Plants in it stay in the truth: the band is thin."""
    out = image.copy()
    band = int(rng.integers(4, 14))
    side = int(rng.integers(4))
    out = np.rot90(out, side).copy()
    out[:band] = 0
    return np.ascontiguousarray(np.rot90(out, -side))
