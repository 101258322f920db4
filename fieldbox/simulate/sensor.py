"""From the light that reaches the lens to the picture: clouds, exposure, vignetting, blur and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Camera
from fieldbox.simulate.scene import Bytes
from fieldbox.simulate.texture import seamless_noise

_STRIP = 256
_NOISE_PX = 1024
_CLOUD_PX = 256
_CLOUD_M = 0.6
"""A pixel of the cloud map on the ground."""


@dataclass(frozen=True, slots=True)
class Look:
    """Photometry: see `FlightOptions`."""

    brightness: float
    drift: float
    tint: float
    clouds: float
    vignetting: float
    noise: float


class Sensor:
    """Develops a flight's pictures; the same seed and photo number give the same picture."""

    def __init__(self, look: Look, camera: Camera, seed: int) -> None:
        rng = np.random.default_rng([seed, 21])
        self.look, self.camera, self._seed = look, camera, seed
        grain = rng.normal(0, 1, (_NOISE_PX, _NOISE_PX, 3)).astype(np.float32)
        grain = 0.8 * grain[..., :1] + 0.6 * cv2.GaussianBlur(grain, (0, 0), 0.8) * 2
        self._grain = np.clip(grain * look.noise * 0.75 + 128, 0, 255).astype(np.uint8)
        self._clouds = seamless_noise(rng, _CLOUD_PX, 1.8)
        self._flat = look.vignetting == 0 and look.clouds == 0

    def expose(
        self, picture: Bytes, ground: NDArray[np.float64], blur: tuple[float, float], number: int
    ) -> Bytes:
        """Develop `picture` in place of a sensor. `ground`: the coarse grid of `camera.render`; `blur` in pixels."""
        rng = np.random.default_rng([self._seed, 22, number])
        if math.hypot(*blur) > 0.4:
            picture = np.asarray(cv2.filter2D(picture, -1, _streak(*blur)), np.uint8)
        exposure = self.look.brightness * math.exp(self.look.drift * float(rng.normal()))
        gain = self._gain(ground, number)[..., None] * (exposure * self._balance(number)).astype(np.float32)
        shift = rng.integers(0, _NOISE_PX, 2)
        height, width = picture.shape[:2]
        out = np.empty_like(picture)
        for top in range(0, height, _STRIP):
            part = picture[top : top + _STRIP]
            if not self._flat or self.look.tint > 0 or abs(exposure - 1) > 1e-4:
                part = self._lit(part, gain, top)
            if self.look.noise > 0:
                rows = (np.arange(top, top + part.shape[0]) + shift[0]) % _NOISE_PX
                columns = (np.arange(width) + shift[1]) % _NOISE_PX
                part = self._grainy(part, rows, columns)
            out[top : top + _STRIP] = part
        return out

    def _balance(self, number: int) -> NDArray[np.float64]:
        """[3] red, green, blue: the white balance that the camera chose for a photo."""
        if self.look.tint == 0:
            return np.ones(3)
        # A stream of its own: without it, photos are what they always were.
        red, blue = np.random.default_rng([self._seed, 23, number]).normal(0, self.look.tint, 2)
        return np.exp([red, 0.0, blue])

    def _grainy(self, part: Bytes, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Bytes:
        grain = self._grain[rows].take(columns, axis=1)
        return np.asarray(cv2.addWeighted(part, 1.0, grain, 1.0, -128.0), np.uint8)

    def _lit(self, part: Bytes, gain: NDArray[np.float32], top: int) -> Bytes:
        """A strip times its gains [r, c, 3]: the coarse grid (see `camera.render`) enlarged 16 times."""
        rows, width = part.shape[:2]
        first, last = top // 16, math.ceil((top + rows) / 16) + 2
        coarse = gain[first:last]
        big = cv2.resize(coarse, (coarse.shape[1] * 16, coarse.shape[0] * 16), interpolation=cv2.INTER_LINEAR)
        cut = big[16 : 16 + rows, 16 : 16 + width]
        return np.asarray(cv2.multiply(part, cut, dtype=cv2.CV_8U), np.uint8)

    def _gain(self, ground: NDArray[np.float64], number: int) -> NDArray[np.float32]:
        """[r, c] light of the coarse grid: vignetting, and cloud shadows that drift over the ground."""
        rows, columns = ground.shape[:2]
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        radius = np.hypot((x - (columns - 1) / 2), (y - (rows - 1) / 2)) / (math.hypot(rows, columns) / 2)
        gain = 1.0 - self.look.vignetting * radius**2.4
        if self.look.clouds > 0:
            at = np.mod(ground / _CLOUD_M + (0.9 * number, 0.4 * number), _CLOUD_PX).astype(np.float32)
            cover = cv2.remap(
                self._clouds, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
            )
            gain *= 1.0 - self.look.clouds * np.clip(cover * 0.9 + 0.3, 0, 1)
        return np.asarray(gain, np.float32)


def _streak(dx: float, dy: float) -> NDArray[np.float32]:
    """A kernel that smears along (dx, dy) pixels, centred, of unit sum."""
    half = max(1, math.ceil(max(abs(dx), abs(dy)) / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 33):
        x, y = half + dx * share, half + dy * share
        column, row = math.floor(x), math.floor(y)
        fx, fy = x - column, y - row
        for row_step, weight_y in ((0, 1 - fy), (1, fy)):
            for column_step, weight_x in ((0, 1 - fx), (1, fx)):
                if weight_x * weight_y > 0:
                    kernel[row + row_step, column + column_step] += weight_x * weight_y
    return np.asarray(kernel / kernel.sum(), np.float32)
