"""The simulated camera: presets, rays to the ground through a height map, and the picture they give.

Axes: the camera body has x along the optical axis, y to the image's right, z to its bottom (DJI's
gimbal axes); the world is grid north, grid east, down. R = Rz(yaw) Ry(pitch) Rx(roll), straight down
at pitch -90. Written apart from `fieldbox.georef`, so that each can find the other's mistakes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Camera, Pose
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.simulate.scene import Bytes, SimField

Doubles = NDArray[np.float64]

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
MAX_PIXELS = 60_000_000
_GRID_PX = 16
_STRIP = 512
_STEPS = 5
_DISTORTION_STEPS = 12


@dataclass(frozen=True, slots=True)
class Preset:
    """A camera by its numbers. `pixel_mm` is the pitch of its sensor."""

    model: str
    width: int
    height: int
    focal_px: float
    pixel_mm: float
    f_number: float


PRESETS: dict[str, Preset] = {
    "m2p": Preset("L1D-20c", 5472, 3648, 4255.0, 0.00241, 4.0),
    "12mp": Preset("FC6310-like", 4000, 3000, 2900.0, 0.00155, 2.8),
    "2mp": Preset("SIM-2MP", 1600, 1200, 3571.0, 0.00155, 2.8),
    "small": Preset("SIM-1MP", 1280, 960, 3571.0, 0.00155, 2.8),
    "tiny": Preset("SIM-07MP", 960, 720, 3571.0, 0.00155, 2.8),
}
"""20 and 12 megapixels as drones have them; the rest are narrow cuts that give 2.8 mm per pixel at 10 m."""


def make_camera(
    preset: str,
    width: int | None = None,
    height: int | None = None,
    focal_px: float | None = None,
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0),
) -> Camera:
    """A preset's camera, with its size and focal length replaced where given.

    Raises Misconfigured for an unknown preset or impossible numbers.
    """
    base = PRESETS.get(preset)
    if base is None:
        raise Misconfigured(
            N_("The simulator knows no camera called '{value}'; choose from: {known}."),
            value=preset,
            known=", ".join(PRESETS),
        )
    wide, tall, focal = width or base.width, height or base.height, focal_px or base.focal_px
    if min(wide, tall) < 32 or wide * tall > MAX_PIXELS or not 0.3 * wide <= focal <= 50 * wide:
        raise Misconfigured(
            N_(
                "No simulated camera has {width} x {height} pixels and a focal length of {focal} pixels; "
                "give 32 pixels to 60 megapixels and a focal length of 0.3 to 50 image widths."
            ),
            width=wide,
            height=tall,
            focal=focal,
        )
    return Camera("DJI", base.model, wide, tall, focal, (wide - 1) / 2, (tall - 1) / 2, distortion, 0.0)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Doubles:
    """[3, 3] from an aircraft's axes (ahead, right, down) to north, east, down: Rz(yaw) Ry(pitch) Rx(roll)."""
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.0, math.radians(yaw_deg)]))
    nod, _ = cv2.Rodrigues(np.array([0.0, math.radians(pitch_deg), 0.0]))
    lean, _ = cv2.Rodrigues(np.array([math.radians(roll_deg), 0.0, 0.0]))
    return np.asarray(turn @ nod @ lean, np.float64)


def from_nadir(matrix: Doubles) -> tuple[float, float, float]:
    """Nadir-referenced (yaw, pitch, roll) in degrees of a rotation from `rotation`."""
    yaw = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) % 360
    pitch = math.degrees(math.asin(max(-1.0, min(1.0, -float(matrix[2, 0])))))
    return yaw, pitch, math.degrees(math.atan2(matrix[2, 1], matrix[2, 2]))


@dataclass(frozen=True, slots=True)
class Shot:
    """Where a photo is taken from, for rendering."""

    x: float
    y: float
    """Local metres."""
    height_m: float
    """Above the field's mean ground."""
    axes: Doubles
    """[3, 3] from the nadir-referenced body (ahead, right, down) to grid north, grid east, down."""
    grid_scale: float = 1.0
    """Grid metres for one metre on the ground."""


def shot_of(pose: Pose, xy: tuple[float, float], grid_yaw_deg: float, grid_scale: float) -> Shot:
    """The shot of a true pose; `grid_yaw_deg` is its yaw from grid north."""
    axes = rotation(grid_yaw_deg, pose.pitch_deg, pose.roll_deg)
    return Shot(xy[0], xy[1], pose.height_m, axes, grid_scale)


def project(shot: Shot, camera: Camera, xyz: Doubles) -> Doubles:
    """[N, 3] local metres east, north, above mean ground to [N, 2] pixels; NaN behind the camera."""
    offset = (xyz[:, :2] - (shot.x, shot.y)) / shot.grid_scale
    world = np.column_stack([offset[:, 1], offset[:, 0], shot.height_m - xyz[:, 2]])
    body = world @ shot.axes
    depth = np.where(body[:, 2] > 1e-6, body[:, 2], np.nan)
    points = np.column_stack([body[:, 1] / depth, -body[:, 0] / depth])
    return np.asarray(_distort(points, camera.distortion) * camera.focal_px + (camera.cx, camera.cy))


def ground_points(shot: Shot, camera: Camera, pixels: Doubles, field: SimField, *, repeat: bool) -> Doubles:
    """[..., 2] pixels to [..., 2] local metres where their rays meet the height map.

    Fixed-point iteration: meet the plane of the last height, look up the height there, again. It
    settles where the slope times the tangent of the view angle is below one, as over fields it is.
    """
    points = _undistort((pixels - (camera.cx, camera.cy)) / camera.focal_px, camera.distortion)
    body = np.stack([-points[..., 1], points[..., 0], np.ones(points.shape[:-1])], axis=-1)
    world = body @ shot.axes.T
    if float(world[..., 2].min()) < 0.05:
        raise Misconfigured(N_("The simulated camera sees the horizon; give a smaller tilt."))
    slope = np.stack([world[..., 1], world[..., 0]], axis=-1) / world[..., 2:] * shot.grid_scale
    height = np.zeros(points.shape[:-1])
    xy = np.zeros_like(slope)
    for _step in range(_STEPS):
        xy = slope * (shot.height_m - height)[..., None] + (shot.x, shot.y)
        height = heights_at(field, field.heights, xy, repeat=repeat)
    return xy


def heights_at(field: SimField, raster: NDArray[np.float32], xy: Doubles, *, repeat: bool) -> Doubles:
    """Heights [...] of a raster of `field` at local metres [..., 2], bilinear; its edge goes on outside."""
    rows, columns = raster.shape
    size = np.array(field.size_m)
    cells = (xy * np.array([1.0, -1.0]) + size / 2) / size * (columns, rows) - 0.5
    if repeat:
        cells = np.mod(cells, (columns, rows))
    flat = cells.reshape(1, -1, 2).astype(np.float32)
    wide = 8192
    out = np.empty(flat.shape[1], np.float32)
    for start in range(0, flat.shape[1], wide):
        part = flat[:, start : start + wide]
        border = cv2.BORDER_WRAP if repeat else cv2.BORDER_REPLICATE
        sampled = cv2.remap(raster, part[..., 0], part[..., 1], cv2.INTER_LINEAR, borderMode=border)
        out[start : start + wide] = sampled[0]
    return out.reshape(xy.shape[:-1]).astype(np.float64)


class Pyramid:
    """Halved copies of a canvas, made when first asked for."""

    def __init__(self, field: SimField) -> None:
        self.field = field
        self.levels: list[Bytes] = [field.canvas]
        self.rounds: list[SimField] = [field]

    def level(self, number: int) -> tuple[Bytes, SimField]:
        """The canvas halved `number` times, and a field whose surround is halved as often."""
        while len(self.levels) <= number:
            self.levels.append(_halved(self.levels[-1]))
            last = self.rounds[-1]
            around = None if last.surround is None else last.surround.halved()
            self.rounds.append(
                SimField(
                    self.levels[-1], last.gsd_m * 2, last.heights, last.ground, (), last.planted_m, around
                )
            )
        return self.levels[number], self.rounds[number]


def _halved(image: Bytes) -> Bytes:
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def render(shot: Shot, camera: Camera, pyramid: Pyramid, *, repeat: bool = False) -> tuple[Bytes, Doubles]:
    """The picture [h, w, 3] RGB before the lens and sensor, and the coarse grid [r, c, 2] of ground points.

    The grid's points lie 16 pixels apart, the first 8.5 pixels before the image's corner.
    """
    field = pyramid.field
    grid = _coarse_pixels(camera)
    ground = ground_points(shot, camera, grid, field, repeat=repeat)
    wide = np.linalg.norm(np.diff(ground, axis=1), axis=-1)
    gsd = float(np.median(wide)) / _GRID_PX
    number = max(0, min(5, round(math.log2(max(gsd / field.gsd_m, 1.0)) - 0.15)))
    if min(field.canvas.shape[:2]) >> number < 8:
        number = 0
    level, scene = pyramid.level(number)
    pixels = (field.to_pixels(ground) + 0.5) / 2**number - 0.5
    low = np.floor(pixels.reshape(-1, 2).min(axis=0)).astype(int) - 2
    high = np.ceil(pixels.reshape(-1, 2).max(axis=0)).astype(int) + 3
    out = np.empty((camera.height, camera.width, 3), np.uint8)
    if repeat:  # keep the numbers small enough for float32 however far the flight goes
        pixels, low, high = _rebased(pixels, low, high, level)
    for top in range(0, camera.height, _STRIP):
        bottom = min(top + _STRIP, camera.height)
        first, last = top // _GRID_PX, math.ceil(bottom / _GRID_PX) + 2
        _strip(out[top:bottom], pixels[first:last], level, scene, repeat=repeat)
    return out, ground


def _rebased(pixels: Doubles, low: Any, high: Any, level: Bytes) -> tuple[Doubles, Any, Any]:
    size = np.array([level.shape[1], level.shape[0]])
    shift = low // size * size
    return pixels - shift, low - shift, high - shift


def _strip(out: Bytes, coarse: Doubles, level: Bytes, scene: SimField, *, repeat: bool) -> None:
    """Fill a strip of the picture from its part of the grid of level pixels [r, c, 2]."""
    flat = coarse.reshape(-1, 2)
    low = np.floor(flat.min(axis=0)).astype(int) - 2
    high = np.ceil(flat.max(axis=0)).astype(int) + 3
    source = scene.window(
        level, (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1])), repeat=repeat
    )
    step = max(source.shape) // 32000 + 1
    if step > 1:
        raise Misconfigured(
            N_("A simulated photo covers too much of the canvas; fly lower or use a coarser canvas.")
        )
    local = (coarse - low).astype(np.float32)
    size = (local.shape[1] * _GRID_PX, local.shape[0] * _GRID_PX)
    rows, columns = out.shape[:2]
    cut = (slice(_GRID_PX, _GRID_PX + rows), slice(_GRID_PX, _GRID_PX + columns))
    map_x = cv2.resize(local[..., 0], size, interpolation=cv2.INTER_LINEAR)[cut]
    map_y = cv2.resize(local[..., 1], size, interpolation=cv2.INTER_LINEAR)[cut]
    out[:] = cv2.remap(source, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _coarse_pixels(camera: Camera) -> Doubles:
    """[r, c, 2] pixels at the centres of blocks of 16 x 16, with one more block all around."""
    columns, rows = math.ceil(camera.width / _GRID_PX) + 2, math.ceil(camera.height / _GRID_PX) + 2
    x = (np.arange(columns) - 0.5) * _GRID_PX - 0.5
    y = (np.arange(rows) - 0.5) * _GRID_PX - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1)


def _distort(points: Doubles, k: tuple[float, float, float, float, float]) -> Doubles:
    """Brown's model in OpenCV's order (k1, k2, p1, p2, k3): ideal to distorted, [..., 2]."""
    if not any(k):
        return points
    x, y = points[..., 0], points[..., 1]
    r2 = x * x + y * y
    radial = 1 + k[0] * r2 + k[1] * r2**2 + k[4] * r2**3
    return np.stack(
        [
            x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x),
            y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y,
        ],
        axis=-1,
    )


def _undistort(points: Doubles, k: tuple[float, float, float, float, float]) -> Doubles:
    """The inverse of `_distort` by fixed-point iteration (mild distortions only)."""
    if not any(k):
        return points
    found = points
    for _step in range(_DISTORTION_STEPS):
        found = found + points - _distort(found, k)
    return found
