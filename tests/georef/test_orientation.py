"""Angles of photogrammetry programs against cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.georef.orientation import from_omega_phi_kappa, from_yaw_pitch_roll
from fieldbox.georef.projection import rotation

_CASES = [
    # omega, phi, kappa -> yaw, pitch, roll
    ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),  # nadir, top to the north
    ((0.0, 0.0, -90.0), (90.0, 0.0, 0.0)),  # nadir, top to the east: kappa counts against the clock
    ((0.0, 0.0, 90.0), (270.0, 0.0, 0.0)),  # to the west
    ((0.0, 0.0, 180.0), (180.0, 0.0, 0.0)),  # to the south
    ((20.0, 0.0, 0.0), (0.0, 20.0, 0.0)),  # top to the north, tilted ahead: looks 20 degrees to the north
    ((-20.0, 0.0, 0.0), (0.0, -20.0, 0.0)),
    ((0.0, 20.0, 0.0), (0.0, 0.0, 20.0)),  # top to the north, rolled to the left: looks to the west
    ((0.0, -20.0, -90.0), (90.0, 20.0, 0.0)),  # top to the east, tilted ahead: looks to the east
    ((20.0, 0.0, -90.0), (90.0, 0.0, 20.0)),  # top to the east, rolled to the left: looks to the north
]


@pytest.mark.parametrize(("given_angles", "expected"), _CASES)
def test_by_hand(given_angles: tuple[float, float, float], expected: tuple[float, float, float]) -> None:
    assert from_omega_phi_kappa(*given_angles) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("opk", "looks"),
    [
        ((20.0, 0.0, 0.0), (np.sin(np.radians(20)), 0.0)),
        ((0.0, 20.0, 0.0), (0.0, -np.sin(np.radians(20)))),
        ((0.0, -20.0, -90.0), (0.0, np.sin(np.radians(20)))),
    ],
)
def test_where_the_camera_looks(opk: tuple[float, float, float], looks: tuple[float, float]) -> None:
    """Through the project's own projection: the optic axis as a unit vector, north and east."""
    axis = rotation(*from_omega_phi_kappa(*opk)) @ np.array([0.0, 0.0, 1.0])
    assert axis[:2] == pytest.approx(looks, abs=1e-9)


def test_grid_north_is_turned_to_true_north() -> None:
    assert from_omega_phi_kappa(0.0, 0.0, 0.0, convergence_deg=1.5).yaw_deg == pytest.approx(1.5)
    assert from_omega_phi_kappa(0.0, 0.0, 0.0, convergence_deg=-1.5).yaw_deg == pytest.approx(358.5)


def test_yaw_pitch_roll_are_the_poses_own() -> None:
    assert from_yaw_pitch_roll(-90.0, 3.0, -2.0) == (270.0, 3.0, -2.0)
    assert from_yaw_pitch_roll(-1e-20, 0.0, 0.0).yaw_deg == 0.0


@settings(deadline=None)
@given(st.floats(0, 359.9), st.floats(-80, 80), st.floats(-80, 80))
def test_the_way_back(yaw: float, pitch: float, roll: float) -> None:
    """As OpenDroneMap's `compute_opk` gets omega, phi, kappa: from the image's axes in east, north, up."""
    camera = rotation(yaw, pitch, roll)  # x right, y down, z ahead to north, east, down
    to_grid = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    m = to_grid @ camera @ np.diag([1.0, -1.0, -1.0])
    omega = np.degrees(np.arctan2(-m[1, 2], m[2, 2]))
    phi = np.degrees(np.arcsin(np.clip(m[0, 2], -1, 1)))
    kappa = np.degrees(np.arctan2(-m[0, 1], m[0, 0]))
    back = from_omega_phi_kappa(omega, phi, kappa)
    assert np.allclose(rotation(*back), camera, atol=1e-6)
