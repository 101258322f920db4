"""Soil as the drone sees it: seamless tiles of luminance (uint8), and the colours that belong to them.

Measured on real bare soil at 2.8 mm/px, the three channels move together (correlation 0.99): soil is
one luminance with an offset per channel, so it is made with one channel and coloured with a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

TILE_PX = 2048
CRUST_PX = 1792
"""Tile sizes; they share few factors, so that crumb and crust do not repeat together."""
_MARGIN = 160


@dataclass(frozen=True, slots=True)
class SoilTiles:
    """Seamless luminance tiles: loose crumb (furrows, headland), crust (ridge tops), and a jagged edge."""

    crumb: Bytes
    crust: Bytes
    edge: Floats
    """Noise with standard deviation 1, of the crust's size: where crust gives way to crumb."""


def seamless_noise(rng: np.random.Generator, size: int, slope: float, longest_px: float = 0.0) -> Floats:
    """[size, size] noise that wraps, mean 0 and standard deviation 1, amplitude ~ frequency ** -slope.

    Waves longer than `longest_px` are left out (0: none are).
    """
    fy = np.fft.fftfreq(size)[:, None]
    fx = np.fft.rfftfreq(size)[None, :]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1.0
    amplitude = frequency**-slope
    amplitude[0, 0] = 0.0
    if longest_px > 0:
        amplitude[frequency < 1.0 / longest_px] = 0.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32)) * amplitude
    noise = np.fft.irfft2(spectrum, s=(size, size)).astype(np.float32)
    return np.asarray(noise / noise.std(), np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], wave_px: float) -> Floats:
    """[h, w] noise, not seamless, with features of about `wave_px` pixels, standard deviation about 1."""
    height, width = shape
    rows, columns = math.ceil(height / wave_px) + 3, math.ceil(width / wave_px) + 3
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    fine = cv2.resize(coarse, None, fx=wave_px, fy=wave_px, interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine[:height, :width] * 1.35, np.float32)


def soil_tiles(rng: np.random.Generator, gsd_m: float, sun: tuple[float, float], clods: float) -> SoilTiles:
    """Make the tiles for a canvas of `gsd_m`. `sun` is the unit vector (x right, y down) towards the sun."""
    crumb = _crumb(rng, gsd_m, sun, clods)
    crust, edge = _crust(rng, gsd_m, sun, clods)
    return SoilTiles(crumb, crust, edge)


def colour_table(soil_rgb: tuple[int, int, int]) -> Bytes:
    """[1, 256, 3] table from luminance to RGB; luminance 134 is `soil_rgb`, the brightest is stone-white."""
    level = np.arange(256, dtype=np.float32)
    offset = np.asarray(soil_rgb, np.float32) - 134.0
    fade = np.interp(level, [0, 60, 190, 245], [0.35, 0.95, 0.95, 0.25])
    return np.clip(level[:, None] + fade[:, None] * offset[None, :], 0, 255).astype(np.uint8)[None]


def blob(
    rng: np.random.Generator, radius_px: float, sun: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    """A clod or stone, lit from `sun`: (shading -1..1, alpha 0..1, shadow 0..1), square float32 arrays."""
    half = math.ceil(radius_px * 1.5) + 3
    grid = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    y, x = grid[0], grid[1]
    angle = np.arctan2(y, x)
    outline = np.full_like(x, 1.0)
    for wave in range(2, 6):
        outline += rng.normal(0, 0.18 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * math.pi))
    turn, squeeze = rng.uniform(0, math.pi), rng.uniform(0.65, 1.0)
    across = x * math.cos(turn) + y * math.sin(turn)
    along = (-x * math.sin(turn) + y * math.cos(turn)) / squeeze
    distance = np.hypot(across, along) / (radius_px * np.maximum(outline, 0.3))
    alpha = np.clip((1.0 - distance) * radius_px + 0.5, 0, 1)
    shading = (x * sun[0] + y * sun[1]) / radius_px * np.clip(distance * 1.4, 0, 1)
    reach = 0.3 * radius_px + 0.6
    shift = np.array([[1, 0, -sun[0] * reach], [0, 1, -sun[1] * reach]], np.float32)
    shadow = cv2.GaussianBlur(
        cv2.warpAffine(alpha, shift, alpha.shape[::-1]), (0, 0), max(0.5, radius_px / 8)
    )
    return shading.astype(np.float32), alpha.astype(np.float32), np.asarray(shadow, np.float32)


def _scatter_blobs(
    rng: np.random.Generator,
    tile: Floats,
    sun: tuple[float, float],
    radii_px: tuple[float, float],
    count: int,
    level: tuple[float, float],
) -> None:
    """Stamp `count` blobs on `tile` in place, wrapping at its edges. `level` is their luminance, mean and sd."""
    size = tile.shape[0]
    kinds = [
        blob(rng, float(np.exp(rng.uniform(math.log(radii_px[0]), math.log(radii_px[1])))), sun)
        for _ in range(40)
    ]
    for _ in range(count):
        shading, alpha, shadow = kinds[rng.integers(len(kinds))]
        side = alpha.shape[0]
        rows = (np.arange(side) + rng.integers(size)) % size
        columns = (np.arange(side) + rng.integers(size)) % size
        window = np.ix_(rows, columns)
        ground = tile[window]
        ground = ground * (1 - 0.35 * shadow)
        own = rng.normal(*level) + 26 * shading + (ground - ground.mean()) * 0.35
        tile[window] = ground * (1 - alpha) + own * alpha


def _per_tile(density_m2: float, size: int, gsd_m: float) -> int:
    return int(density_m2 * (size * gsd_m) ** 2)


def _crumb(rng: np.random.Generator, gsd_m: float, sun: tuple[float, float], clods: float) -> Bytes:
    tile = 112 + 9 * seamless_noise(rng, TILE_PX, 0.2, 12) + 10 * seamless_noise(rng, TILE_PX, 0.9, 200)
    cm = 0.01 / gsd_m
    for radii, density, level in (
        ((0.35, 0.8), 220.0, (118.0, 13.0)),
        ((0.8, 1.8), 26.0, (128.0, 14.0)),
        ((1.8, 4.5), 2.2, (133.0, 12.0)),
    ):
        count = _per_tile(density * clods, TILE_PX, gsd_m)
        _scatter_blobs(rng, tile, sun, (radii[0] * cm, radii[1] * cm), count, level)
    _scatter_blobs(rng, tile, sun, (0.25 * cm, 0.8 * cm), _per_tile(5.0, TILE_PX, gsd_m), (196.0, 22.0))
    return np.asarray(np.clip(tile, 0, 255), np.uint8)


def _crust(
    rng: np.random.Generator, gsd_m: float, sun: tuple[float, float], clods: float
) -> tuple[Bytes, Floats]:
    """Plates of dried soil with cracks between them: warped Voronoi cells of two sizes."""
    cm = 0.01 / gsd_m
    tile = 147 + 6 * seamless_noise(rng, CRUST_PX, 0.2, 12) + 9 * seamless_noise(rng, CRUST_PX, 1.0, 160)
    for size_cm, depth, relief in ((7.0, 46.0, 5.0), (2.4, 20.0, 7.0)):
        crack, plate = _cells(rng, size_cm * cm)
        strength = np.clip(0.35 + 0.75 * seamless_noise(rng, CRUST_PX, 1.4, 600), 0, 1.3)
        tile += relief * plate - depth * crack * strength
    for radii, density, level in (((0.4, 1.0), 70.0, (146.0, 13.0)), ((1.0, 3.2), 7.0, (150.0, 12.0))):
        count = _per_tile(density * clods, CRUST_PX, gsd_m)
        _scatter_blobs(rng, tile, sun, (radii[0] * cm, radii[1] * cm), count, level)
    _scatter_blobs(rng, tile, sun, (0.25 * cm, 0.7 * cm), _per_tile(4.0, CRUST_PX, gsd_m), (200.0, 20.0))
    return np.clip(tile, 0, 255).astype(np.uint8), seamless_noise(rng, CRUST_PX, 1.2, 260)


def _cells(rng: np.random.Generator, spacing_px: float) -> tuple[Floats, Floats]:
    """Seamless cracks (0..1) between cells of about `spacing_px`, and a brightness for each cell (sd 1)."""
    size, wide = CRUST_PX, CRUST_PX + 2 * _MARGIN
    count = max(8, int((size / spacing_px) ** 2))
    points = rng.integers(0, size, (count, 2))
    seeds = np.full((wide, wide), 255, np.uint8)
    owner = np.zeros((wide, wide), np.int32)
    for dy in (-size, 0, size):
        for dx in (-size, 0, size):
            moved = points + np.array([_MARGIN + dy, _MARGIN + dx])
            inside = np.all((moved >= 0) & (moved < wide), axis=1)
            seeds[moved[inside, 0], moved[inside, 1]] = 0
            owner[moved[inside, 0], moved[inside, 1]] = np.flatnonzero(inside)
    _distance, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    shades = rng.standard_normal(count).astype(np.float32)
    by_label = np.zeros(int(labels.max()) + 1, np.float32)
    at = seeds == 0
    by_label[labels[at]] = shades[owner[at]]
    plate = by_label[labels]
    bend = [seamless_noise(rng, size, 1.3, spacing_px * 3) * spacing_px * 0.16 for _ in range(2)]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) + _MARGIN
    plate = np.asarray(cv2.remap(plate, x + bend[0], y + bend[1], cv2.INTER_NEAREST), np.float32)
    padded = np.pad(plate, 2, mode="wrap")
    edges = (cv2.dilate(padded, np.ones((2, 2), np.uint8)) - cv2.erode(padded, np.ones((2, 2), np.uint8))) > 0
    crack = cv2.GaussianBlur(edges.astype(np.float32), (0, 0), 0.8)[2:-2, 2:-2]
    return np.asarray(crack, np.float32), plate
