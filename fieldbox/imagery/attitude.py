"""Angles of a camera: from a gimbal's to the nadir-referenced ones of `domain.Pose`.

A rotation maps camera axes to north, east, down (NED). Angles are in degrees and turn in the order
yaw, pitch, roll (Z, Y, X), as DJI's documentation states for its gimbal angles (Mavic 3M Image
Processing Guide, 2023: "NED coordinate system, the rotation order is ZYX").
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.imagery.numbers import turn

Rotation = NDArray[np.float64]
"""[3, 3]."""


class Angles(NamedTuple):
    """Degrees."""

    yaw: float
    pitch: float
    roll: float


def rotation(angles: Angles) -> Rotation:
    """R = Rz(yaw) Ry(pitch) Rx(roll), from the body's axes (forward, right, down) to NED."""
    yaw, pitch, roll = (math.radians(angle) for angle in angles)
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def decompose(matrix: Rotation) -> Angles:
    """The angles of a rotation: yaw in [0, 360), pitch in [-90, 90], roll in (-180, 180]."""
    yaw = turn(math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])))
    pitch = math.degrees(math.asin(min(1.0, max(-1.0, -float(matrix[2, 0])))))
    roll = math.degrees(math.atan2(matrix[2, 1], matrix[2, 2]))
    return Angles(yaw, pitch, roll)


def from_gimbal(gimbal: Angles) -> Angles:
    """Nadir-referenced angles of a camera whose gimbal states the direction of its optical axis.

    The gimbal's axes are x along the optical axis, y to the image's right, z to its bottom: pitch -90
    is nadir. The pose's axes are x to the image's top, y to its right, z along the optical axis; they
    differ by M = Ry(-90), so R_nadir = R M^-1. A roll of +-180 at nadir (a gimbal that has gone over its
    pole) comes out as a yaw turned by 180, with no special case.
    """
    return decompose(rotation(gimbal) @ _GIMBAL_FROM_NADIR)


def tilt_deg(angles: Angles) -> float:
    """The angle between the optical axis and straight down, 0 to 180 degrees."""
    down = math.cos(math.radians(angles.pitch)) * math.cos(math.radians(angles.roll))
    return math.degrees(math.acos(min(1.0, max(-1.0, down))))


_GIMBAL_FROM_NADIR = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""M^-1 = Ry(90), exact: it maps the pose's axes to the gimbal's."""
