"""Plants drawn leaf by leaf as sprites seen from above, to be turned, scaled and stamped on a canvas.

A sprite is premultiplied RGBA at the canvas's resolution. Leaves are drawn three times larger with
half-blade shading, a midrib and the shadow that each casts on those below, then averaged down.
Sizes and colours follow potato plants and weeds of a real flight at 2.8 mm/px.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Rgb = tuple[float, float, float]

_SCALE = 3
"""Supersampling of sprites."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A plant: premultiplied RGBA uint8 [s, s, 4], drawn for `diameter_m`; its leaves balance on the middle."""

    rgba: Bytes
    diameter_m: float


class _Sheet:
    """A drawing surface at `_SCALE` times the canvas's resolution; the plant's foot is at its centre."""

    def __init__(self, rng: np.random.Generator, diameter_m: float, gsd_m: float) -> None:
        self.rng = rng
        self.px = _SCALE / gsd_m
        """Sheet pixels per metre."""
        self.side = _SCALE * (2 * math.ceil(diameter_m / gsd_m * 0.75) + 6)
        self.rgb = np.zeros((self.side, self.side, 3), np.uint8)
        self.alpha = np.zeros((self.side, self.side), np.uint8)
        self.foot = np.array([self.side / 2, self.side / 2])

    def leaf(
        self,
        base: Floats,
        angle: float,
        length: float,
        width: float,
        colour: Rgb,
        *,
        bend: float = 0.0,
        fold: float = 0.14,
    ) -> Floats:
        """Draw a leaf from `base` (sheet pixels) towards `angle`; length and width in metres. Returns its tip.

        `bend` turns it over its length (radians); `fold` is the contrast of its two halves.
        """
        t = np.linspace(0.0, 1.0, 11)
        heading = angle + bend * t
        step = length * self.px / 10
        spine = base + np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]) * step, axis=0)
        normal = np.column_stack([-np.sin(heading), np.cos(heading)])
        half = (width * self.px / 2) * np.sin(math.pi * np.clip(t, 0.02, 0.985) ** 0.85) ** 0.75
        left, right = spine + normal * half[:, None], spine - normal * half[:, None]
        self._shade(np.vstack([left, right[::-1]]))
        light = float(self.rng.uniform(-fold, fold))
        self._fill(np.vstack([left, spine[::-1]]), colour, 1 + light)
        self._fill(np.vstack([right, spine[::-1]]), colour, 1 - light)
        if width * self.px > 9:
            self._line(spine[1:-1], colour, 1.16, 1)
        return np.asarray(spine[-1])

    def stalk(self, points: Floats, width: float, colour: Rgb) -> None:
        """Draw a stem of `width` metres through `points` (sheet pixels)."""
        thickness = max(1, round(width * self.px))
        self._line(points, colour, 1.0, thickness)
        cv2.polylines(self.alpha, [_fixed(points)], False, 255, thickness, cv2.LINE_AA, 4)

    def sprite(self, diameter_m: float) -> Sprite:
        """Average down to the canvas's resolution."""
        share = self.alpha.astype(np.float32)[..., None] / 255
        full = np.dstack([self.rgb.astype(np.float32) * share, self.alpha.astype(np.float32)])
        side = self.side // _SCALE
        # What a labeller or a detector calls a plant's place is the middle of its leaves.
        moments = cv2.moments(self.alpha)
        middle = (self.side - 1) / 2
        offset = (middle - moments["m10"] / moments["m00"], middle - moments["m01"] / moments["m00"])
        full = cv2.warpAffine(full, np.array([[1, 0, offset[0]], [0, 1, offset[1]]]), (self.side, self.side))
        # As soft as a lens and an orthomosaic's resampling make it.
        small = cv2.GaussianBlur(cv2.resize(full, (side, side), interpolation=cv2.INTER_AREA), (0, 0), 0.55)
        return Sprite(np.clip(small + 0.5, 0, 255).astype(np.uint8), diameter_m)

    def _shade(self, outline: Floats) -> None:
        """The shadow of a leaf on the leaves below: darker where something is already drawn."""
        moved = outline + self.rng.uniform(1.2, 2.6) * _SCALE * np.array([0.6, 0.8])
        low = np.clip(np.floor(moved.min(axis=0)).astype(int) - 1, 0, self.side)
        high = np.clip(np.ceil(moved.max(axis=0)).astype(int) + 2, 0, self.side)
        if np.any(high - low < 2):
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(mask, [_fixed(moved - low)], 90, cv2.LINE_AA, 4)
        part = self.rgb[low[1] : high[1], low[0] : high[0]]
        dimmed = part.astype(np.uint16) * (255 - mask[..., None].astype(np.uint16)) // 255
        part[:] = dimmed.astype(np.uint8)

    def _fill(self, outline: Floats, colour: Rgb, light: float) -> None:
        cv2.fillPoly(self.rgb, [_fixed(outline)], _shaded(colour, light), cv2.LINE_AA, 4)
        cv2.fillPoly(self.alpha, [_fixed(outline)], 255, cv2.LINE_AA, 4)

    def _line(self, points: Floats, colour: Rgb, light: float, thickness: int) -> None:
        cv2.polylines(self.rgb, [_fixed(points)], False, _shaded(colour, light), thickness, cv2.LINE_AA, 4)


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Fixed-point coordinates with 4 fractional bits, as OpenCV's `shift` wants them."""
    return np.asarray(np.round(points * 16), np.int32)


def _shaded(colour: Rgb, light: float) -> Rgb:
    red, green, blue = (min(255.0, max(0.0, channel * light)) for channel in colour)
    return red, green, blue


def _tone(rng: np.random.Generator, colour: Rgb, spread: float) -> Rgb:
    """A leaf's colour: lighter leaves are also yellower, as young or sunlit ones are."""
    light = float(np.exp(rng.normal(0, spread)))
    red, green, blue = _shaded(colour, light)
    warm = rng.normal(0, 3.5)
    return _shaded((red + warm + 8 * (light - 1), green + warm / 2, blue), 1.0)


def _potato(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (84, 113, 62), 0.07)
    stems = int(rng.integers(4, 7) + diameter * 12)
    for layer, reach in ((0.80, 1.0), (0.90, 0.8), (1.0, 0.6), (1.06, 0.4), (1.1, 0.22)):
        turn = rng.uniform(0, 2 * math.pi)
        for number in range(stems):
            angle = turn + 2 * math.pi * number / stems + rng.normal(0, 0.3)
            length = diameter / 2 * reach * rng.uniform(0.6, 1.08)
            _compound_leaf(sheet, angle, length, diameter, _shaded(_tone(rng, plant, 0.12), layer))
    return sheet.sprite(diameter)


def _compound_leaf(sheet: _Sheet, angle: float, length: float, diameter: float, colour: Rgb) -> None:
    """Paired leaflets along a rachis with a larger one at its end."""
    rng = sheet.rng
    bend = rng.normal(0, 0.25)
    size = (0.017 + 0.050 * diameter) * rng.uniform(0.8, 1.2)
    pairs = 4 if length > 0.08 else 3 if length > 0.05 else 2
    direction = np.array([math.cos(angle), math.sin(angle)])
    tip = sheet.foot + direction * max(0.0, length - size) * sheet.px
    sheet.stalk(np.vstack([sheet.foot, tip]), 0.003, _shaded(colour, 0.9))
    for pair in range(pairs):
        at = sheet.foot + direction * (length - size) * sheet.px * (0.3 + 0.6 * pair / pairs)
        for side in (-1, 1):
            shape = size * rng.uniform(0.65, 0.95)
            turned = angle + side * rng.uniform(0.7, 1.15) + bend
            sheet.leaf(at, turned, shape, shape * rng.uniform(0.5, 0.75), _tone(rng, colour, 0.2), fold=0.2)
    sheet.leaf(tip, angle + bend, size, size * rng.uniform(0.55, 0.75), _tone(rng, colour, 0.2), fold=0.2)


def _maize(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (84, 118, 56), 0.07)
    plane = rng.uniform(0, math.pi)
    for number in range(int(rng.integers(5, 9))):
        angle = plane + math.pi * number + rng.normal(0, 0.35)
        length = diameter / 2 * rng.uniform(0.65, 1.05)
        colour = _shaded(_tone(rng, plant, 0.1), 0.75 + 0.06 * number)
        width = 0.012 + 0.05 * diameter
        sheet.leaf(sheet.foot, angle, length, width, colour, bend=rng.normal(0, 0.3), fold=0.2)
    return sheet.sprite(diameter)


def _cabbage(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (92, 116, 84), 0.06)
    for layer, reach, count in ((0.75, 1.0, 8), (0.92, 0.75, 6), (1.08, 0.5, 5), (1.2, 0.28, 4)):
        turn = rng.uniform(0, 2 * math.pi)
        for number in range(count):
            angle = turn + 2 * math.pi * number / count + rng.normal(0, 0.15)
            length = diameter / 2 * reach * rng.uniform(0.85, 1.05)
            colour = _shaded(_tone(rng, plant, 0.08), layer)
            sheet.leaf(sheet.foot, angle, length, length * rng.uniform(0.65, 0.85), colour, fold=0.12)
    return sheet.sprite(diameter)


def _grass(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (104, 126, 76), 0.1)
    for _ in range(int(rng.integers(4, 9))):
        length = diameter / 2 * rng.uniform(0.6, 1.1)
        width = rng.uniform(0.005, 0.009)
        colour = _tone(rng, plant, 0.12)
        sheet.leaf(sheet.foot, rng.uniform(0, 2 * math.pi), length, width, colour, bend=rng.normal(0, 0.6))
    return sheet.sprite(diameter)


def _broadleaf(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (90, 124, 68), 0.1)
    count, turn = int(rng.integers(5, 9)), rng.uniform(0, 2 * math.pi)
    for layer, reach in ((0.85, 1.0), (1.08, 0.55)):
        for number in range(count):
            angle = turn + layer * 3 + 2 * math.pi * number / count + rng.normal(0, 0.25)
            length = diameter / 2 * reach * rng.uniform(0.75, 1.1)
            colour = _shaded(_tone(rng, plant, 0.12), layer)
            stem = sheet.foot + np.array([math.cos(angle), math.sin(angle)]) * length * 0.3 * sheet.px
            sheet.stalk(np.vstack([sheet.foot, stem]), 0.002, colour)
            sheet.leaf(stem, angle, length * 0.75, length * rng.uniform(0.38, 0.55), colour)
    return sheet.sprite(diameter)


def _creeping(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (94, 122, 74), 0.1)
    for _ in range(int(rng.integers(2, 5))):
        angle, at = rng.uniform(0, 2 * math.pi), sheet.foot.copy()
        steps = int(rng.integers(3, 6))
        for _step in range(steps):
            angle += rng.normal(0, 0.3)
            ahead = at + np.array([math.cos(angle), math.sin(angle)]) * diameter / 2 / steps * 0.9 * sheet.px
            sheet.stalk(np.vstack([at, ahead]), 0.002, _shaded(plant, 0.9))
            for side in (-1, 1):
                size = rng.uniform(0.016, 0.026)
                sheet.leaf(
                    ahead, angle + side * rng.uniform(0.8, 1.5), size, size * 0.65, _tone(rng, plant, 0.13)
                )
            at = ahead
    return sheet.sprite(diameter)


def _seedling(rng: np.random.Generator, diameter: float, gsd: float) -> Sprite:
    sheet = _Sheet(rng, diameter, gsd)
    plant = _tone(rng, (98, 130, 72), 0.1)
    turn = rng.uniform(0, 2 * math.pi)
    for number in range(4):
        angle = turn + number * math.pi / 2 + rng.normal(0, 0.2)
        length = diameter / 2 * (1.0 if number % 2 else 0.8) * rng.uniform(0.85, 1.1)
        sheet.leaf(sheet.foot, angle, length, length * rng.uniform(0.45, 0.65), _tone(rng, plant, 0.12))
    return sheet.sprite(diameter)


Draw = Callable[[np.random.Generator, float, float], Sprite]

CROPS: dict[str, Draw] = {"potato": _potato, "maize": _maize, "cabbage": _cabbage}
"""How to draw a crop plant (rng, diameter in metres, gsd in metres)."""
WEEDS: dict[str, Draw] = {
    "grass": _grass,
    "broadleaf": _broadleaf,
    "creeping": _creeping,
    "seedling": _seedling,
}
"""How to draw a weed."""
HEIGHT_SHARE = {
    "potato": 0.5,
    "maize": 0.8,
    "cabbage": 0.45,
    "grass": 0.7,
    "broadleaf": 0.35,
    "creeping": 0.15,
    "seedling": 0.4,
}
"""Height over diameter."""


def library(
    rng: np.random.Generator, kind: str, diameters: NDArray[np.float64], gsd_m: float
) -> list[Sprite]:
    """One sprite for each of `diameters` (metres), in that order."""
    draw = CROPS.get(kind) or WEEDS[kind]
    return [draw(rng, float(diameter), gsd_m) for diameter in diameters]
