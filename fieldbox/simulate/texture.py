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

CRUMB_PX, CRUST_PX = 2048, 1792
"""Sides of the tiles. How they are laid so that soil does not repeat: see `paving`."""
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


def soil_tiles(
    rng: np.random.Generator, gsd_m: float, sun: tuple[float, float], clods: float, widest_px: int
) -> SoilTiles:
    """Make the tiles for a canvas of `gsd_m`, at most `widest_px` wide or high.

    `sun` is the unit vector (x right, y down) towards the sun.
    """
    halves = 2 if widest_px <= CRUST_PX else 1
    maker = _Maker(rng, gsd_m, sun, clods)
    crumb = maker.crumb(CRUMB_PX // halves)
    crust, edge = maker.crust(CRUST_PX // halves)
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


def _paste(tile: Floats, stamp: tuple[Floats, Floats, Floats], corner: tuple[int, int], level: float) -> None:
    """Lay a blob of luminance `level` on `tile` in place, wrapping at its edges."""
    shading, alpha, shadow = stamp
    size, side = tile.shape[0], alpha.shape[0]
    top, left = corner
    wraps = top + side > size or left + side > size
    if wraps:
        window = np.ix_((np.arange(side) + top) % size, (np.arange(side) + left) % size)
        ground = tile[window]
    else:
        ground = tile[top : top + side, left : left + side]
    dimmed = ground * (1 - 0.4 * shadow)
    own = level + 24 * shading + (ground - ground.mean()) * 0.35
    mixed = dimmed + (own - dimmed) * alpha
    if wraps:
        tile[window] = mixed
    else:
        ground[:] = mixed


@dataclass(frozen=True)
class _Maker:
    """Draws the tiles. Radii in cm, densities per square metre, levels as (mean, standard deviation)."""

    rng: np.random.Generator
    gsd_m: float
    sun: tuple[float, float]
    clods: float

    def crumb(self, size: int) -> Bytes:
        """Loose soil: grains, clods of all sizes, pale stones."""
        tile = 110 + 7 * self._grain(size) + 9 * seamless_noise(self.rng, size, 0.9, 200)
        self._scatter(tile, (0.35, 0.8), 420 * self.clods, (116, 17))
        self._scatter(tile, (0.8, 1.6), 75 * self.clods, (127, 17))
        self._scatter(tile, (1.5, 3.6), 9 * self.clods, (137, 15))
        self._scatter(tile, (0.25, 0.8), 11, (190, 26))
        return np.asarray(np.clip(tile, 0, 255), np.uint8)

    def crust(self, size: int) -> tuple[Bytes, Floats]:
        """Plates of dried soil with cracks between them: warped Voronoi cells of two sizes."""
        px = 0.01 / self.gsd_m
        tile = 150 + 5 * self._grain(size) + 8 * seamless_noise(self.rng, size, 1.0, 160)
        for size_cm, depth, relief in ((8.0, 62.0, 4.0), (2.6, 26.0, 6.0)):
            crack, plate = _cells(self.rng, size_cm * px, size)
            strength = np.clip(0.4 + 0.6 * seamless_noise(self.rng, size, 1.1, 400), 0, 1.3)
            tile += relief * plate - depth * crack * strength
        self._scatter(tile, (0.4, 1.0), 160 * self.clods, (148, 16))
        self._scatter(tile, (1.0, 2.8), 18 * self.clods, (157, 14))
        self._scatter(tile, (0.25, 0.7), 9, (205, 22))
        edge = seamless_noise(self.rng, size, 1.2, 260)
        return np.asarray(np.clip(tile, 0, 255), np.uint8), edge

    def _grain(self, size: int) -> Floats:
        noise = seamless_noise(self.rng, size, 0.35, 14)
        return np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6) * 1.25, np.float32)

    def _scatter(
        self, tile: Floats, radii_cm: tuple[float, float], density: float, level: tuple[float, float]
    ) -> None:
        """Stamp blobs all over `tile`; those too small for a pixel are left out."""
        px = 0.01 / self.gsd_m
        low, high = max(0.6, radii_cm[0] * px), radii_cm[1] * px
        if high < 0.7:
            return
        size = tile.shape[0]
        radii = np.exp(self.rng.uniform(math.log(min(low, high)), math.log(high), 48))
        kinds = [blob(self.rng, float(radius), self.sun) for radius in np.minimum(radii, size / 5)]
        for _ in range(int(density * (size * self.gsd_m) ** 2)):
            stamp = kinds[int(self.rng.integers(len(kinds)))]
            corner = (int(self.rng.integers(size)), int(self.rng.integers(size)))
            _paste(tile, stamp, corner, float(self.rng.normal(*level)))


def _cells(rng: np.random.Generator, spacing_px: float, size: int) -> tuple[Floats, Floats]:
    """Seamless cracks (0..1) between cells of about `spacing_px`, and a brightness for each cell (sd 1)."""
    wide = size + 2 * _MARGIN
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
    bend = [seamless_noise(rng, size, 1.3, spacing_px * 3) * spacing_px * 0.13 for _ in range(2)]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) + _MARGIN
    plate = np.asarray(cv2.remap(plate, x + bend[0], y + bend[1], cv2.INTER_NEAREST), np.float32)
    padded = np.pad(plate, 2, mode="wrap")
    pair = np.ones((2, 2), np.uint8)
    edges = (cv2.dilate(padded, pair) - cv2.erode(padded, pair)) > 0
    crack = cv2.GaussianBlur(edges.astype(np.float32), (0, 0), 0.75)[2:-2, 2:-2]
    return np.asarray(crack, np.float32), np.asarray(cv2.GaussianBlur(plate, (0, 0), 1.0), np.float32)
