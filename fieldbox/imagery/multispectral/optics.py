"""Which pixel of a band shows what the reference camera, without distortion, has at a pixel of its own."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Camera
from fieldbox.imagery.multispectral.nouns import BandFile, Lens

Matrix = NDArray[np.float64]
_STRIP = 1 << 16
_PLAIN_VIEW = 1.2
"""Focal length in image widths of a band whose file states none: its pixels are taken as they are."""


def lens_of(band: BandFile) -> Lens:
    """The band's lens; where the file states none, one without distortion and of no known focal length."""
    if band.lens is not None:
        return band.lens
    focal = _PLAIN_VIEW * band.width
    return Lens(focal, focal, (band.width - 1) / 2, (band.height - 1) / 2)


def pinhole(lens: Lens) -> Matrix:
    """[3, 3] rays to pixels of the camera without its distortion."""
    return np.array([[lens.fx, 0, lens.cx], [0, lens.fy, lens.cy], [0, 0, 1]], np.float64)


def reference_camera(band: BandFile) -> Camera | None:
    """The camera of the picture after undistortion; None where the file states no focal length.

    Its pixels are square, of the horizontal focal length.
    """
    if band.lens is None:
        return None
    lens = band.lens
    return Camera(
        make=band.make,
        model=band.model,
        width=band.width,
        height=band.height,
        focal_px=lens.fx,
        cx=lens.cx,
        cy=lens.cy,
        focal_error=lens.focal_error,
    )


def reference_matrix(band: BandFile) -> Matrix:
    """Rays to pixels of the reference camera after undistortion, as `reference_camera` has it."""
    lens = lens_of(band)
    return np.array([[lens.fx, 0, lens.cx], [0, lens.fx, lens.cy], [0, 0, 1]], np.float64)


def rig_rotation(band: BandFile) -> Matrix:
    """[3, 3] of the band's RigRelatives: rotations about x, y and z in this order (MicaSense's library)."""
    x, y, z = (math.radians(angle) for angle in band.rig_degrees or (0.0, 0.0, 0.0))
    about_x = np.array([[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]])
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_z = np.array([[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)


def look(pixels: NDArray[np.float32], lens: Lens, rays: Matrix, size: tuple[int, int]) -> NDArray[np.float32]:
    """The picture `pixels` of `lens` as a camera of `size` (width, height) sees it whose pixels go to rays by `rays`.

    float32 [height, width]; NaN where the band does not look, and where a pixel that is needed is unknown.
    """
    width, height = size
    seen = np.empty((height, width), np.float32)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        x, y = source_pixels(lens, rays, width, np.arange(top, min(top + rows, height), dtype=np.float64))
        seen[top : top + rows] = cv2.remap(
            pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(math.nan,) * 4
        )
    return seen


def source_pixels(
    lens: Lens, rays: Matrix, width: int, rows: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y, float32 [len(rows), width], where `lens` shows the pixels of these rows."""
    column = np.arange(width, dtype=np.float64)
    depth = rays[2, 0] * column[None, :] + (rays[2, 1] * rows + rays[2, 2])[:, None]
    depth[np.abs(depth) < 1e-9] = np.nan
    u = (rays[0, 0] * column[None, :] + (rays[0, 1] * rows + rays[0, 2])[:, None]) / depth
    v = (rays[1, 0] * column[None, :] + (rays[1, 1] * rows + rays[1, 2])[:, None]) / depth
    x, y = _brown(lens, u, v) if lens.affine is None else _fisheye(lens, u, v)
    # What is far outside, or nowhere, is outside: OpenCV's coordinates are 16-bit in places.
    for values in (x, y):
        values[~(np.abs(values) < 30_000)] = -30_000
    return x.astype(np.float32), y.astype(np.float32)


def _brown(
    lens: Lens, u: NDArray[np.float64], v: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Brown's distortion in OpenCV's form."""
    k1, k2, p1, p2, k3 = lens.distortion
    r2 = u * u + v * v
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    x = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u * u)
    y = v * radial + p1 * (r2 + 2 * v * v) + 2 * p2 * u * v
    return lens.fx * x + lens.cx, lens.fy * y + lens.cy


def _fisheye(
    lens: Lens, u: NDArray[np.float64], v: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pix4D's fisheye: theta = 2/pi atan(r), rho = p0 + p1 theta + p2 theta^2 + p3 theta^3."""
    c, d, e, f = lens.affine or (lens.fx, 0.0, 0.0, lens.fy)
    r = np.hypot(u, v)
    theta = 2 / math.pi * np.arctan(r)
    rho = np.zeros_like(theta)
    for coefficient in reversed(lens.distortion):
        rho = rho * theta + coefficient
    share = np.divide(rho, r, out=np.full_like(r, lens.distortion[1] * 2 / math.pi), where=r > 1e-12)
    x, y = share * u, share * v
    return c * x + d * y + lens.cx, e * x + f * y + lens.cy
