"""Find MicaSense's calibration panel by the QR code beside it.

The code holds the panel's serial number, "RP02-1603036-SC"; from RP04 on also its reflectance at two wavelengths,
between which it is a straight line (MicaSense's library, panel.py). Where the panel lies beside the code was
measured on a picture of an RP02 panel; for later ones it is as that library has it (not seen by us).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]
_SERIAL = re.compile(r"^RP(\d{2})-\d{7}-\D{2}")
_LINE = re.compile(r"(\d{4})(\d{3})(\d{4})(\d{3})$")
_PANEL_OF_CODE = {
    "early": ((2.2, 0.53), 0.6),
    "late": ((-1.07, 0.51), 0.3),
}
"""Centre and half side of the inner part of the panel, in sides of the code from one of its corners."""
_SCALES = (1.0, 2.0, 0.5)
_BRIGHTEST = (99.9, 90.0, 97.0)
_LARGEST_SCALED = 8_000_000
_UNEVEN = 0.08
"""Standard deviation over mean of the part of a panel that can be used."""


@dataclass(frozen=True, slots=True)
class FoundPanel:
    """A panel in a picture."""

    serial: str
    corners: Corners
    """[4, 2] x, y of the inner part of the panel."""


def find_panel(pixels: NDArray[np.float32]) -> FoundPanel | None:
    """The panel in a band's radiance [h, w]; None where no code is read or nothing even lies beside it."""
    for brightest in _BRIGHTEST:
        grey = _grey(pixels, brightest)
        for scale in _SCALES:
            found = _read(grey, scale)
            if found is None:
                continue
            serial, code = found
            corners = _beside(pixels, serial, code)
            if corners is not None:
                return FoundPanel(serial, corners)
    return None


def albedo_of(serial: str, wavelength_nm: float) -> float | None:
    """The reflectance that the code of a late panel states; None for an early one."""
    known = _SERIAL.match(serial)
    line = _LINE.search(serial)
    if known is None or int(known[1]) < 4 or line is None:
        return None
    near, low, far, high = (float(part) for part in line.groups())
    if not near < far:
        return None
    value = (low + (high - low) * (wavelength_nm - near) / (far - near)) / 1000
    return value if 0.01 <= value <= 1 else None


def inside(corners: Corners, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels within a ring of corners: bool [h, w]."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask.astype(np.bool_)


def _grey(pixels: NDArray[np.float32], brightest: float) -> NDArray[np.uint8]:
    if not np.isfinite(pixels).any():
        return np.zeros(pixels.shape, np.uint8)
    low, high = np.nanpercentile(pixels, [1, brightest])
    filled = np.nan_to_num(pixels, nan=float(high))
    scaled = (filled - low) * (255 / max(float(high - low), 1e-12))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def _read(grey: NDArray[np.uint8], scale: float) -> tuple[str, Corners] | None:
    if grey.size * scale * scale > _LARGEST_SCALED:
        return None
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = grey if scale == 1 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=how)
    try:
        text, points, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    except (cv2.error, UnicodeDecodeError):  # it fails on some pictures that hold no code, and on some words
        return None
    if points is None or not _SERIAL.match(text):
        return None
    return text[:80], np.asarray(points[0], np.float64) / scale


def _beside(pixels: NDArray[np.float32], serial: str, code: Corners) -> Corners | None:
    """The evenest of the four places where the panel may lie, as the code may be turned."""
    (along, across), half = _PANEL_OF_CODE["early" if serial[2:4] < "03" else "late"]
    square = np.array([[along - half, across - half], [along + half, across - half],
                       [along + half, across + half], [along - half, across + half]])  # fmt: skip
    best, chosen = _UNEVEN, None
    for turn in range(4):
        origin, first, last = code[turn], code[(turn + 1) % 4], code[(turn - 1) % 4]
        for one, other in ((first, last), (last, first)):
            corners = origin + square[:, :1] * (one - origin) + square[:, 1:] * (other - origin)
            cost = _unevenness(pixels, corners)
            if cost is not None and cost < best:
                best, chosen = cost, corners
    return chosen


def _unevenness(pixels: NDArray[np.float32], corners: Corners) -> float | None:
    height, width = pixels.shape
    if corners.min() < 0 or corners[:, 0].max() > width - 1 or corners[:, 1].max() > height - 1:
        return None
    part = pixels[inside(corners, pixels.shape)]
    known = part[np.isfinite(part)]
    if part.size < 100 or known.size < 0.9 * part.size:
        return None
    mean = float(known.mean())
    return float(known.std()) / mean if mean > 0 else None
