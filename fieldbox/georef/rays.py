"""Rays of many photos at once, with their derivatives: rotations, lenses, distortion (see `projection` for one photo)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldbox.domain import Camera
from fieldbox.georef.arrow import Array
from fieldbox.georef.projection import BODY_FROM_CAMERA, distort, distortion_slopes


def rotations(angles: Array) -> tuple[Array, Array]:
    """[N, 3, 3] as `projection.rotation` for radians [N, 3], and [3, N, 3, 3] its derivatives."""
    cos, sin = np.cos(angles), np.sin(angles)
    zero, one = np.zeros(len(angles)), np.ones(len(angles))
    (cy, cp, cr), (sy, sp, sr) = cos.T, sin.T

    def matrix(*rows: Array) -> Array:
        return np.stack(rows, axis=1).reshape(-1, 3, 3)

    yaw = matrix(cy, -sy, zero, sy, cy, zero, zero, zero, one)
    pitch = matrix(cp, zero, sp, zero, one, zero, -sp, zero, cp)
    roll = matrix(one, zero, zero, zero, cr, -sr, zero, sr, cr)
    d_yaw = matrix(-sy, -cy, zero, cy, -sy, zero, zero, zero, zero)
    d_pitch = matrix(-sp, zero, cp, zero, zero, zero, -cp, zero, -sp)
    d_roll = matrix(zero, zero, zero, zero, -sr, -cr, zero, cr, -sr)
    last = roll @ BODY_FROM_CAMERA
    whole = yaw @ pitch @ last
    return whole, np.stack(
        [d_yaw @ pitch @ last, yaw @ d_pitch @ last, yaw @ pitch @ d_roll @ BODY_FROM_CAMERA]
    )


@dataclass(frozen=True)
class Lenses:
    """Numbers of the cameras [C], from their calibration."""

    focal: Array
    centre: Array
    distortion: Array
    focal_error: Array
    size: Array
    """[C, 2] width and height of its photos."""

    @classmethod
    def of(cls, cameras: tuple[Camera, ...]) -> Lenses:
        """Of the cameras, in their order."""
        return cls(
            np.array([camera.focal_px for camera in cameras]),
            np.array([[camera.cx, camera.cy] for camera in cameras]),
            np.array([camera.distortion for camera in cameras], float).reshape(-1, 5),
            np.array([max(camera.focal_error, 1e-5) for camera in cameras]),
            np.array([[camera.width, camera.height] for camera in cameras], float),
        )


def distorted(points: Array, k: Array) -> tuple[Array, Array]:
    """As `projection.distort` with coefficients [n, 5] a point: distorted points [n, 2] and derivatives [n, 2, 2]."""
    by_xx, mixed, by_yy = distortion_slopes(points, k.T)
    return distort(points, k.T), np.stack([by_xx, mixed, mixed, by_yy], axis=1).reshape(-1, 2, 2)
