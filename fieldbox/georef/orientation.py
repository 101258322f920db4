"""Camera angles as photogrammetry programs write them, as those of `domain.Pose`.

Two kinds are in use (Pix4D, "Yaw, Pitch, Roll and Omega, Phi, Kappa angles", support article 202558969):

- Yaw, pitch, roll turn a body (x ahead, to the image's top; y right; z down) from north, east, down by
  Rz(yaw) Ry(pitch) Rx(roll). At (0, 0, 0) the camera looks straight down with the top of the image to the
  north; pitch 90 looks ahead. These are the pose's own angles. OpenDroneMap's `geo.txt` means the same.
- Omega, phi, kappa turn the image (x right, y to its top, z out of it against the view; PATB's axes) to the
  grid (X east, Y north, Z up) by M = Rx(omega) Ry(phi) Rz(kappa), right-handed.

Both bodies and both worlds differ by one exchange of axes, P = [[0, 1, 0], [1, 0, 0], [0, 0, -1]] (its own
inverse), so Rz(yaw) Ry(pitch) Rx(roll) = P M P. OpenDroneMap's `compute_opk` is the way back, after Bäumker
and Heimes (2001, "New calibration and computing method for direct georeferencing").
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_P = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


class Attitude(NamedTuple):
    """Degrees, as in `domain.Pose`: yaw from true north, (0, 0) looks straight down."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def from_yaw_pitch_roll(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Attitude:
    """The same angles, with the yaw in [0, 360)."""
    return Attitude(_turn(yaw_deg), pitch_deg, roll_deg)


def from_omega_phi_kappa(
    omega_deg: float, phi_deg: float, kappa_deg: float, convergence_deg: float = 0.0
) -> Attitude:
    """From angles against a grid whose north lies `convergence_deg` clockwise of true north."""
    cos_o, sin_o = math.cos(math.radians(omega_deg)), math.sin(math.radians(omega_deg))
    cos_p, sin_p = math.cos(math.radians(phi_deg)), math.sin(math.radians(phi_deg))
    cos_k, sin_k = math.cos(math.radians(kappa_deg)), math.sin(math.radians(kappa_deg))
    omega = np.array([[1.0, 0.0, 0.0], [0.0, cos_o, -sin_o], [0.0, sin_o, cos_o]])
    phi = np.array([[cos_p, 0.0, sin_p], [0.0, 1.0, 0.0], [-sin_p, 0.0, cos_p]])
    kappa = np.array([[cos_k, -sin_k, 0.0], [sin_k, cos_k, 0.0], [0.0, 0.0, 1.0]])
    yaw, pitch, roll = _decompose(_P @ omega @ phi @ kappa @ _P)
    return Attitude(_turn(yaw + convergence_deg), pitch, roll)


def _decompose(matrix: NDArray[np.float64]) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees of a [3, 3] rotation from the body to north, east, down."""
    yaw = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
    pitch = math.degrees(math.asin(min(1.0, max(-1.0, -float(matrix[2, 0])))))
    roll = math.degrees(math.atan2(matrix[2, 1], matrix[2, 2]))
    return yaw, pitch, roll


def _turn(angle_deg: float) -> float:
    """[0, 360); the remainder of a tiny negative angle rounds up to 360 itself."""
    turned = angle_deg % 360.0
    return turned if turned < 360.0 else 0.0
