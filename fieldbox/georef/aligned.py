"""Photos after the adjustment: the same questions as of `PhotoGeometry`, answered over the ground it found.

The pose of an aligned photo is the adjusted one, its height that above the ground beneath it. Where that ground rises or
falls away from there, pixels are followed to it. Errors come from the covariance of the whole adjustment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fieldbox.georef.adjustment import Adjusted, Outcome
from fieldbox.georef.errors95 import locate
from fieldbox.georef.projection import RADIUS95, PhotoGeometry, between, nodes_of
from fieldbox.georef.surface import Surface
from fieldbox.georef.ties import Frame

Array = NDArray[np.float64]

RASTER_STEPS = 40
"""Heights are looked up in a raster so many times finer than the surface's lattice: bilinear between its cells that is
good to a thousandth of the surface's own bend."""
_WIDE = 1024
FOLLOW = 4
"""Steps from the plane to the ground: each leaves a few hundredths of the error (slope x tangent)."""
ASIDE = 0.25
"""Tangent of a typical view off the nadir, on each axis: what a metre of height moves a thing by."""
MATCHED_PX = 0.3
"""What the place of a thing in a photo is good to, pixels of the full photo."""


@dataclass(frozen=True, eq=False)
class Relief:
    """Heights of a surface as a raster: float32 [rows, columns], rows count to the north."""

    west: float
    south: float
    step: float
    heights: NDArray[np.float32]

    @classmethod
    def of(cls, surface: Surface) -> Relief:
        """Raster of a surface over all of its lattice."""
        lattice = surface.lattice
        step = lattice.step / RASTER_STEPS
        columns, rows = ((count - 3) * RASTER_STEPS + 1 for count in (lattice.columns, lattice.rows))
        west, south = lattice.west + lattice.step, lattice.south + lattice.step
        x, y = np.meshgrid(west + step * np.arange(columns), south + step * np.arange(rows))
        heights = surface.height(np.column_stack([x.ravel(), y.ravel()]))
        return cls(west, south, step, heights.reshape(rows, columns).astype(np.float32))

    def at(self, places: Array) -> Array:
        """Heights [N] at local places [N, 2]; beyond the raster its edge goes on; 0 for NaN."""
        known = np.asarray(np.isfinite(places).all(axis=1))
        axes = (places - (self.west, self.south)) / self.step
        axes = np.where(known[:, None], axes, 0.0).astype(np.float32)
        # OpenCV remaps pictures of less than 32,768 rows and columns: the places are laid out as one.
        rows = -(-len(axes) // _WIDE)
        laid = np.zeros((rows * _WIDE, 2), np.float32)
        laid[: len(axes)] = axes
        if not rows:
            return np.zeros(0)
        x, y = (np.ascontiguousarray(laid[:, axis].reshape(rows, _WIDE)) for axis in range(2))
        found = cv2.remap(self.heights, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.where(known, found.ravel()[: len(axes)], 0.0)


@dataclass(frozen=True, eq=False)
class Whole:
    """What all photos of an adjustment share."""

    adjusted: Adjusted
    frame: Frame
    relief: Relief


@dataclass(frozen=True)
class AlignedPhoto(PhotoGeometry):
    """An adjusted photo; `number` is its place in the adjustment."""

    whole: Whole
    number: int

    @property
    def block(self) -> int | None:
        """See `PhotoGeometry`."""
        return int(self.whole.adjusted.block[self.number])

    @cached_property
    def share95_m(self) -> float:
        """From the residuals of all ties (their points' heights are free) and the scatter of plants about the surface,
        which two photos see from two sides."""
        adjusted = self.whole.adjusted
        axis_m = adjusted.rms_px / math.sqrt(2) * self.gsd_m
        return RADIUS95 * math.hypot(axis_m, ASIDE * adjusted.surface.scatter_m)

    @cached_property
    def ground_m(self) -> float:
        """Height of the ground beneath the camera."""
        return float(self.whole.relief.at(self.whole.frame.to_local(self.centre[None]))[0])

    def _above(self, ground: Array) -> Array:
        rise = self.whole.relief.at(self.whole.frame.to_local(ground)) - self.ground_m
        return np.asarray(self.pose.height_m - rise)

    def _ground(self, points: Array) -> Array:
        tangents = self._meet(points, self.axes, 1.0) * self.metres_on_grid
        ground = self.centre + self.pose.height_m * tangents
        for _step in range(FOLLOW):
            ground = self.centre + self._above(ground)[:, None] * tangents
        return ground

    def ground_grid(self, x0: float, y0: float, step: float, columns: int, rows: int) -> Array:
        """As of any photo; interpolated between nodes some 32 px apart, to a few hundredths of a pixel."""
        xs = np.asarray(x0 + step * np.arange(columns), float)
        ys = np.asarray(y0 + step * np.arange(rows), float)
        nodes_x, nodes_y = nodes_of(xs), nodes_of(ys)
        lattice = np.stack(np.meshgrid(nodes_x, nodes_y), axis=-1)
        ground = self.pixel_to_ground(lattice.reshape(-1, 2)).reshape(lattice.shape)
        return between(nodes_x, nodes_y, ground, xs, ys)

    def covariance(self, xy: ArrayLike) -> Array:
        """As of any photo, but from the covariance of the whole adjustment (see `errors95`)."""
        pixels = np.asarray(xy, float).reshape(-1, 2)
        numbers = np.full(len(pixels), self.number, np.intp)
        spread = locate(self.whole.adjusted, numbers, pixels, MATCHED_PX).covariance
        return np.stack([spread[:, 0, 0], spread[:, 1, 1], spread[:, 0, 1]], 1) * self.whole.frame.scale**2


def aligned(told: tuple[PhotoGeometry, ...], adjusted: Adjusted, frame: Frame) -> dict[str, PhotoGeometry]:
    """The photos by digest, in the order of the adjustment: adjusted, or as they were told where it left them."""
    whole = Whole(adjusted, frame, Relief.of(adjusted.surface))
    found: dict[str, PhotoGeometry] = {}
    for number, photo in enumerate(told):
        found[photo.digest] = photo
        if adjusted.outcome[number] == Outcome.ADJUSTED:
            found[photo.digest] = _placed(photo, whole, number)
    return found


def _placed(photo: PhotoGeometry, whole: Whole, number: int) -> AlignedPhoto:
    adjusted = whole.adjusted
    east, north, height, yaw, pitch, roll = adjusted.pose[number].tolist()
    ground_m = float(whole.relief.at(np.array([[east, north]]))[0])
    place = whole.frame.to_grid(np.array([[east, north]]))[0]
    lat, lon = (float(one) for one in photo.plane.to_geographic(place[0], place[1]))
    spread = adjusted.covariance[number]
    sd = np.sqrt(np.maximum(np.diag(spread), 0.0))
    pose = replace(
        photo.pose,
        lat=lat,
        lon=lon,
        height_m=height - ground_m,
        yaw_deg=(yaw + photo.plane.convergence_deg(lat, lon)) % 360.0,
        pitch_deg=pitch,
        roll_deg=roll,
        error_m=math.sqrt(float(spread[0, 0] + spread[1, 1]) / 2),
        height_error_m=float(sd[2]),
        yaw_error_deg=float(sd[3]),
        tilt_error_deg=float(sd[4:].mean()),
    )
    camera = adjusted.cameras[int(adjusted.camera[number])]
    return AlignedPhoto(photo.digest, pose, camera, photo.plane, whole, number)
