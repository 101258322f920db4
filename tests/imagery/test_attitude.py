from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fieldbox.imagery.attitude import Angles, decompose, from_gimbal, rotation, tilt_deg

YAWS = st.floats(0, 359.99)
LEANS = st.floats(-88, 88)
ROLLS = st.floats(-179.9, 179.9)


@given(YAWS, LEANS, ROLLS)
def test_decomposing_undoes_composing(yaw: float, pitch: float, roll: float) -> None:
    matrix = rotation(Angles(yaw, pitch, roll))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    again = decompose(matrix)
    np.testing.assert_allclose(rotation(again), matrix, atol=1e-9)
    assert abs(again.pitch - pitch) < 1e-5
    assert abs((again.yaw - yaw + 180) % 360 - 180) < 1e-5
    assert abs((again.roll - roll + 180) % 360 - 180) < 1e-5


@given(YAWS, st.floats(-90, 90), ROLLS)
def test_a_gimbals_axes_keep_their_directions(yaw: float, pitch: float, roll: float) -> None:
    """Optical axis, image right and image top point the same way in both descriptions."""
    gimbal = rotation(Angles(yaw, pitch, roll))
    angles = from_gimbal(Angles(yaw, pitch, roll))
    assume(abs(angles.pitch) < 89)  # at 90, looking along the ground, yaw and roll are one
    pose = rotation(angles)
    np.testing.assert_allclose(pose[:, 2], gimbal[:, 0], atol=1e-9)
    np.testing.assert_allclose(pose[:, 1], gimbal[:, 1], atol=1e-9)
    np.testing.assert_allclose(pose[:, 0], -gimbal[:, 2], atol=1e-9)


@pytest.mark.parametrize(
    ("gimbal", "expected"),
    [
        ((0, -90, 0), (0, 0, 0)),
        ((45, -90, 0), (45, 0, 0)),
        ((-140, -89.9, 0), (220, 0.1, 0)),
        ((30, -60, 0), (30, 30, 0)),  # 30 degrees ahead of straight down
        ((30, -90, 180), (210, 0, 0)),  # a gimbal past its pole
        ((30, -90, -180), (210, 0, 0)),
        ((0, -90, 10), (10, 0, 0)),  # at nadir a gimbal's roll is a turn about the vertical
    ],
)
def test_gimbal_to_nadir(gimbal: tuple[float, ...], expected: tuple[float, ...]) -> None:
    found = from_gimbal(Angles(*gimbal))
    assert abs((found.yaw - expected[0] + 180) % 360 - 180) < 1e-6
    assert found.pitch == pytest.approx(expected[1], abs=1e-6)
    assert found.roll == pytest.approx(expected[2], abs=1e-6)


def test_tilt_is_the_angle_from_straight_down() -> None:
    assert tilt_deg(Angles(123, 0, 0)) == pytest.approx(0)
    assert tilt_deg(Angles(123, 25, 0)) == pytest.approx(25)
    assert tilt_deg(Angles(123, 0, -25)) == pytest.approx(25)
    assert tilt_deg(from_gimbal(Angles(10, -35, 0))) == pytest.approx(55)
