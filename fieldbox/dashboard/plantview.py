"""A plant in its photo: which window of the photo shows it, and its outline in pixels of that window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fieldbox.dashboard.photos import window_of
from fieldbox.domain import Camera, PlantSeen, Pose

CROP_PX: Final = 800
LEAST_VIEW_PX: Final = 160
"""Nothing is shown larger: there would be more blur than plant."""
ROOM: Final = 3.2
"""So many times its own extent is seen around a plant: what it is shows beside its neighbours."""
_METRES_PER_DEG = 111_320.0

Pixels = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PlantView:
    """How a plant is shown. Pixels are those of the window."""

    left: int
    top: int
    width: int
    height: int
    """The window of the photo; `left` and `top` in pixels of the photo."""
    view: tuple[float, float, float]
    """Left, top and side of the square that is seen at first."""
    ring: tuple[float, float, float]
    """Centre and radius of a ring around the plant."""
    outline: Pixels
    """[K, 2], empty where it cannot be told how the photo was taken."""


def view_of(plant: PlantSeen) -> PlantView:
    """The window that shows a plant, and where in it the plant lies."""
    camera = plant.camera
    photo = (camera.width, camera.height) if camera else (math.inf, math.inf)
    outline = outline_in_photo(plant)
    extent = _extent(plant, outline)
    side = max(LEAST_VIEW_PX, ROOM * extent)
    left, top, width, height = _window(plant, max(CROP_PX, math.ceil(side)), photo)
    x, y = plant.pixel_x - left, plant.pixel_y - top
    seen = min(side, width, height)
    corner = (_within(x - seen / 2, width - seen), _within(y - seen / 2, height - seen))
    return PlantView(
        left, top, width, height, (*corner, seen), (x, y, 0.75 * extent), outline - np.array([left, top])
    )


def _window(plant: PlantSeen, size: int, photo: tuple[float, float]) -> tuple[int, int, int, int]:
    if (
        math.inf in photo
    ):  # a photo that states nothing of its camera: the plant may be off the middle at an edge
        return round(plant.pixel_x - size / 2), round(plant.pixel_y - size / 2), size, size
    return window_of(plant.pixel_x, plant.pixel_y, size, (int(photo[0]), int(photo[1])))


def _within(value: float, most: float) -> float:
    return min(max(value, 0.0), max(most, 0.0))


def _extent(plant: PlantSeen, outline: Pixels) -> float:
    """Pixels across a plant."""
    if len(outline):
        return float((outline.max(axis=0) - outline.min(axis=0)).max())
    return 2 * math.sqrt(plant.area_cm2 / math.pi) / max(plant.gsd_cm, 0.01)


def outline_in_photo(plant: PlantSeen) -> Pixels:
    """[K, 2] pixels of the photo; [0, 2] where pose or camera is not known.

    The ground around a plant is taken for a plane; its centre lies where the model saw it, to the pixel.
    """
    if plant.camera is None or plant.pose is None or not len(plant.outline):
        return np.zeros((0, 2))
    slopes = _ground_by_pixel(plant.camera, plant.pose, plant.pixel_x, plant.pixel_y)
    if slopes is None:
        return np.zeros((0, 2))
    metres = (plant.outline - np.array([plant.lon, plant.lat])) * _METRES_PER_DEG
    metres[:, 0] *= math.cos(math.radians(plant.lat))
    return np.asarray(np.array([plant.pixel_x, plant.pixel_y]) + metres @ np.linalg.inv(slopes).T)


def _ground_by_pixel(camera: Camera, pose: Pose, x: float, y: float) -> NDArray[np.float64] | None:
    """[2, 2] metres east and north by pixel right and down, around a pixel; None where no ground is seen there."""
    pixels = np.array([(x, y), (x + 1, y), (x, y + 1)])
    rays = np.column_stack([(pixels - (camera.cx, camera.cy)) / camera.focal_px, np.ones(3)])
    north, east, down = (rays @ _turned(pose).T).T
    if (down < 0.1).any():
        return None
    ground = pose.height_m * np.column_stack([east / down, north / down])
    slopes = (ground[1:] - ground[0]).T
    return slopes if abs(np.linalg.det(slopes)) > 1e-12 else None


def _turned(pose: Pose) -> NDArray[np.float64]:
    """[3, 3] vectors of the camera (right, down, ahead) to north, east, down: yaw, then pitch, then roll."""
    (cy, sy), (cp, sp), (cr, sr) = (
        (math.cos(math.radians(turn)), math.sin(math.radians(turn)))
        for turn in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    )
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    body = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(yaw @ pitch @ roll @ body)
