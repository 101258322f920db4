"""How far a camera leans is seen in two of its pictures: they are made here by a homography of their own."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox.imagery.lean import lean_of
from tests.imagery.test_film import texture

FOCAL_PX, WIDTH, HEIGHT = 400.0, 480, 270
ABOVE = 300.0
"""Of the camera over the ground, in pixels of the ground."""


def seen(
    east: float, south: float, pitch_deg: float, roll_deg: float, turn_deg: float = 0.0
) -> NDArray[np.float32]:
    """The ground as a camera over this pixel of it sees it, its top to the north; positive angles as those of a pose."""
    pitch, roll, turn = (math.radians(angle) for angle in (pitch_deg, roll_deg, turn_deg))
    tip, _ = cv2.Rodrigues(np.array([pitch, 0.0, 0.0]))
    lean, _ = cv2.Rodrigues(np.array([0.0, -roll, 0.0]))
    yaw, _ = cv2.Rodrigues(np.array([0.0, 0.0, turn]))
    inner = np.array([[FOCAL_PX, 0, (WIDTH - 1) / 2], [0, FOCAL_PX, (HEIGHT - 1) / 2], [0, 0, 1]])
    ground = np.array([[1, 0, -east], [0, 1, -south], [0, 0, ABOVE]])
    view = inner @ (yaw @ tip @ lean).T @ ground
    picture = cv2.warpPerspective(texture()[..., 0], view, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    return np.asarray(picture, np.float32)


def shift_of(pitch_deg: float, moved: float) -> tuple[float, float]:
    """About that of the middle of the picture, in its widths, for a way ahead."""
    return 0.0, moved * FOCAL_PX * math.cos(math.radians(pitch_deg)) ** 2 / ABOVE / WIDTH


@pytest.mark.parametrize(("pitch", "roll"), [(0.0, 0.0), (10.0, 0.0), (25.0, 0.0), (0.0, 12.0), (-15.0, 0.0)])
@pytest.mark.parametrize("turned", [0.0, 2.0])
def test_the_lean_of_a_camera_is_seen(pitch: float, roll: float, turned: float) -> None:
    before, after = seen(1200, 900, pitch, roll), seen(1200, 860, pitch, roll, turned)
    found = lean_of(before, after, shift_of(pitch, 40))
    assert found
    ahead, left = (math.degrees(math.atan(one * FOCAL_PX / WIDTH)) for one in found)
    # A turn between the pictures is about the plumb line, not about the axis of a camera that leans.
    assert (ahead, left) == pytest.approx((pitch, roll), abs=1.0 + turned / 4)


def test_a_camera_that_stands_still_tells_nothing() -> None:
    picture = seen(1200, 900, 20, 0)
    assert lean_of(picture, picture, (0.0, 0.0)) is None


def test_pictures_that_have_nothing_in_common_tell_nothing() -> None:
    assert lean_of(seen(500, 500, 0, 0), seen(1900, 1400, 0, 0), (0.1, 0.0)) is None
    flat = np.full((HEIGHT, WIDTH), 120, np.float32)
    assert lean_of(flat, flat, (0.1, 0.0)) is None
