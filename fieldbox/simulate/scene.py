"""What a simulated drone can be flown over: a canvas, its heights and the plants on it.

Local coordinates are metres east (x) and north (y) of the canvas's centre, on the UTM grid. The centre
of the canvas's top-left pixel is at (-(width - 1) / 2, (height - 1) / 2) x gsd.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover
from fieldbox.simulate.later import Happened
from fieldbox.simulate.paving import Paving

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant with its foot at `east`, `north` (local metres)."""

    id: int
    cover: Cover
    kind: str
    east: float
    north: float
    radius_m: float
    """Half its greatest extent, as drawn."""
    area_m2: float
    """Of its leaves seen from above."""
    height_m: float
    symptom: str | None = None
    """"stunted" or "yellowing", as painted; None: as it grew."""
    row: int | None = None
    """Index of the row of `SimField.rows` that it was sown in."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a crop row where a plant should stand and none does."""

    east: float
    north: float
    removed: bool
    """Taken out as a symptom; False: it never came up."""
    row: int | None = None
    """As that of a `Plant`."""


@dataclass(frozen=True, eq=False, slots=True)
class SownRow:
    """A crop row of a made field."""

    plot: int
    """Terrace, or 0."""
    number: int
    """Within its plot."""
    pieces: tuple[NDArray[np.float64], ...]
    """Each [K, 2] local metres along its middle."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the canvas's centre lies on a UTM grid."""

    epsg: int
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Surround:
    """Bare ground without end around a canvas, in the canvas's pixels."""

    soil: Paving
    """Of luminance."""
    colours: Bytes
    """[1, 256, 3] from luminance to RGB."""
    light: float
    """By which luminance is multiplied."""

    def window(self, x0: int, y0: int, width: int, height: int) -> Bytes:
        """The pixels [height, width, 3] from (x0, y0)."""
        level = cv2.convertScaleAbs(self.soil.window(x0, y0, width, height), alpha=self.light)
        return np.asarray(cv2.LUT(cv2.merge([level, level, level]), self.colours), np.uint8)

    def halved(self) -> Surround:
        """The same at half the resolution."""
        return replace(self, soil=self.soil.halved())


@dataclass(frozen=True)
class SimField:
    """A field to fly over. North is up in the canvas; heights are above the field's mean ground."""

    canvas: Bytes
    """[h, w, 3] RGB."""
    gsd_m: float
    heights: Floats
    """[rows, columns] metres, plants included, over the same ground as the canvas (coarser cells)."""
    ground: Floats
    """The same without the plants."""
    plants: tuple[Plant, ...]
    planted_m: tuple[float, float]
    """Extent east and north of the part that a flight should cover, around the canvas's centre."""
    surround: Surround | None = None
    """What lies beyond the canvas; None: black."""
    anchor: Anchor | None = None
    """Known place of an orthomosaic; None: the flight's options say where the field is."""
    name: str = "field"
    holes: tuple[Hole, ...] = ()
    rows: tuple[SownRow, ...] = ()
    happened: Happened | None = None
    """Since it was sown; None: it is as it was sown."""

    @property
    def size_m(self) -> tuple[float, float]:
        """East and north extent of the canvas."""
        return self.canvas.shape[1] * self.gsd_m, self.canvas.shape[0] * self.gsd_m

    def to_pixels(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., 2] local metres to [..., 2] canvas pixels (x, y)."""
        centre = np.array([(self.canvas.shape[1] - 1) / 2, (self.canvas.shape[0] - 1) / 2])
        return np.asarray(centre + xy * np.array([1.0, -1.0]) / self.gsd_m)

    def window(self, level: Bytes, origin: tuple[int, int], size: tuple[int, int], *, repeat: bool) -> Bytes:
        """Pixels [height, width, 3] of a pyramid level of the canvas, also beyond its edges.

        `origin` (x, y) and `size` (width, height) are in pixels of the level. Beyond the canvas it
        repeats, or shows the surround, or is black.
        """
        x0, y0 = origin
        width, height = size
        own_height, own_width = level.shape[:2]
        if x0 >= 0 and y0 >= 0 and x0 + width <= own_width and y0 + height <= own_height:
            return level[y0 : y0 + height, x0 : x0 + width]
        if repeat:
            return _tiled(level, x0, y0, width, height)
        out = np.zeros((height, width, 3), np.uint8)
        if self.surround is not None:
            out = self.surround.window(x0, y0, width, height)
        left, top = max(x0, 0), max(y0, 0)
        right, bottom = min(x0 + width, own_width), min(y0 + height, own_height)
        if left < right and top < bottom:
            out[top - y0 : bottom - y0, left - x0 : right - x0] = level[top:bottom, left:right]
        return out


def _tiled(tile: Bytes, x0: int, y0: int, width: int, height: int) -> Bytes:
    """A window of the plane paved with `tile`, as a new array."""
    tall, wide = tile.shape[:2]
    shift_y, shift_x = y0 % tall, x0 % wide
    times_y, times_x = math.ceil((shift_y + height) / tall), math.ceil((shift_x + width) / wide)
    out = np.empty((height, width, 3), np.uint8)
    for row in range(times_y):
        for column in range(times_x):
            top, left = row * tall - shift_y, column * wide - shift_x
            a, b = max(top, 0), min(top + tall, height)
            c, d = max(left, 0), min(left + wide, width)
            out[a:b, c:d] = tile[a - top : b - top, c - left : d - left]
    return out
