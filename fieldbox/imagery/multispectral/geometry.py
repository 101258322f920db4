"""How the pixels of the reference band go to those of another by what the makers state: candidates, the likeliest first.

MicaSense and Parrot: RigRelatives turn each band's camera to the rig's. DJI: RelativeOpticalCenter (P4M) or a
calibrated matrix (M3M), which is right in hover only. The makers' texts leave open in which sense some of these
are meant; every reading is a candidate, and the pictures decide (see `align`).
"""

from __future__ import annotations

import numpy as np

from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.multispectral.optics import Matrix, lens_of, pinhole, reference_matrix, rig_rotation


def candidates(reference: BandFile, band: BandFile) -> tuple[Matrix, ...]:
    """Matrices [3, 3] from pixels of the reference camera to those of `band` (both without distortion)."""
    to_band, to_ray = pinhole(lens_of(band)), np.linalg.inv(reference_matrix(reference))
    plain = to_band @ to_ray
    found: list[Matrix] = []
    if reference.rig_degrees is not None and band.rig_degrees is not None:
        here, there = rig_rotation(reference), rig_rotation(band)
        found += [to_band @ there.T @ here @ to_ray, to_band @ there @ here.T @ to_ray]
    if reference.homography is not None and band.homography is not None:
        here, there = (np.array(one.homography, np.float64).reshape(3, 3) for one in (reference, band))
        if min(abs(np.linalg.det(here)), abs(np.linalg.det(there))) > 1e-3:
            found += [np.linalg.inv(there) @ here, there @ np.linalg.inv(here)]
    if reference.optical_shift is not None and band.optical_shift is not None:
        x, y = (b - a for a, b in zip(reference.optical_shift, band.optical_shift, strict=True))
        if x or y:
            found += [plain @ _shift(x, y), plain @ _shift(-x, -y)]
    found.append(plain)
    return tuple(matrix / matrix[2, 2] for matrix in found if _usable(matrix))


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _usable(matrix: Matrix) -> bool:
    """Finite, and not so tilted that a part of the picture is seen from behind."""
    return bool(np.isfinite(matrix).all() and abs(matrix[2, 2]) > 0.2 and np.abs(matrix[2, :2]).max() < 1e-3)
