"""The focal length in pixels of the camera that took a photo, from the best source that its metadata has.

In order:

1. DJI `DewarpData` "date;fx,fy,cx,cy,k1,k2,p1,p2,k3": the factory's calibration of this very camera,
   in pixels, cx and cy relative to the photo's centre, coefficients in OpenCV's order. `DewarpFlag` 1
   means that the drone has taken the distortion out already.
2. DJI `CalibratedFocalLength` with `CalibratedOpticalCenterX/Y`, the design values in pixels.
3. EXIF FocalLength x FocalPlaneXResolution.
4. EXIF FocalLengthIn35mmFilm, which is defined by the diagonal (43.27 mm; CIPA DC-008, 2019) and
   rounded to whole millimetres. A photo wider than 8:5 is taken for the cut of a 4:3 sensor, as drones
   do it; the diagonal is then the sensor's.

1 to 3 hold for the photo as it was taken: they are scaled by the width of the file over EXIF's width,
since photos are often made smaller. Where the proportions differ (the photo was cut or turned) nobody
knows where its centre was, and there is no camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fieldbox.domain import Camera
from fieldbox.imagery.exif import Exif
from fieldbox.imagery.numbers import number, within
from fieldbox.imagery.xmp import Xmp

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
_DEWARP_ERROR, _DESIGN_ERROR, _PLANE_ERROR, _FILM_ERROR = 0.005, 0.015, 0.02, 0.05
"""Relative standard errors of the four sources: our estimates; the third is seen to be within 1 % on
senseFly's Canon, the fourth within 5 % (rounding to 1 mm alone is 2.5 % at 20 mm)."""
_NARROWEST, _WIDEST = 30.0, 0.3
"""Focal lengths in image widths that are believed: 2 to 120 degrees of view."""
_NO_DISTORTION = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Lens:
    """For the photo as it was taken: pixels; offsets of the principal point from the centre."""

    focal: float
    dx: float = 0.0
    dy: float = 0.0
    distortion: tuple[float, float, float, float, float] = _NO_DISTORTION
    error: float = _DESIGN_ERROR


def camera_of(exif: Exif, xmp: Xmp, width: int, height: int) -> Camera | None:
    """The camera of a photo of `width` x `height` pixels; None where no focal length is known."""
    if is_cut(exif, width, height):
        return None
    scale = width / exif.width if exif.width else 1.0
    lens = _dewarp(xmp) or _design(xmp, exif.width or width, exif.height or height) or _focal_plane(exif)
    if lens is None or not _believed(lens, scale, width, height):
        lens, scale = _film(exif, width, height), 1.0
    if lens is None or not _believed(lens, scale, width, height):
        return None
    return Camera(
        make=exif.make,
        model=exif.model,
        width=width,
        height=height,
        focal_px=lens.focal * scale,
        cx=(width - 1) / 2 + lens.dx * scale,
        cy=(height - 1) / 2 + lens.dy * scale,
        distortion=lens.distortion,
        focal_error=lens.error,
    )


def is_cut(exif: Exif, width: int, height: int) -> bool:
    """Whether a file of `width` x `height` pixels has other proportions than the photo as it was taken."""
    if exif.width is None or exif.height is None:
        return False
    return abs(width * exif.height / (height * exif.width) - 1) > 0.01


def _believed(lens: _Lens, scale: float, width: int, height: int) -> bool:
    across = lens.focal * scale / max(width, height)
    offset = max(abs(lens.dx), abs(lens.dy)) * scale / max(width, height)
    return _WIDEST <= across <= _NARROWEST and offset < 0.1


def _dewarp(xmp: Xmp) -> _Lens | None:
    numbers = [number(part) for part in xmp.text("drone-dji", "dewarpdata").rpartition(";")[2].split(",")]
    known = [value for value in numbers if value is not None]
    if len(numbers) != 9 or len(known) != 9 or min(known[:2]) <= 0:
        return None
    fx, fy, dx, dy, k1, k2, p1, p2, k3 = known
    if xmp.number("drone-dji", "dewarpflag") == 1:
        return _Lens((fx + fy) / 2, error=_DESIGN_ERROR)
    if max(abs(value) for value in known[4:]) > 10:
        return None
    return _Lens((fx + fy) / 2, dx, dy, (k1, k2, p1, p2, k3), _DEWARP_ERROR)


def _design(xmp: Xmp, width: int, height: int) -> _Lens | None:
    """`width` x `height` of the photo as it was taken; DJI counts the optical centre from its corner."""
    focal = within(xmp.number("drone-dji", "calibratedfocallength"), 100.0, 100_000.0)
    if focal is None:
        return None
    cx = within(xmp.number("drone-dji", "calibratedopticalcenterx"), 0.4 * width, 0.6 * width)
    cy = within(xmp.number("drone-dji", "calibratedopticalcentery"), 0.4 * height, 0.6 * height)
    if cx is None or cy is None:
        return _Lens(focal)
    return _Lens(focal, cx - width / 2, cy - height / 2)


def _focal_plane(exif: Exif) -> _Lens | None:
    if exif.focal_mm is None or exif.pixels_per_mm is None:
        return None
    return _Lens(exif.focal_mm * exif.pixels_per_mm, error=_PLANE_ERROR)


def _film(exif: Exif, width: int, height: int) -> _Lens | None:
    if exif.focal_35mm is None:
        return None
    long, short = max(width, height), min(width, height)
    diagonal = math.hypot(long, long * 3 / 4) if long / short > 1.6 else math.hypot(long, short)
    return _Lens(exif.focal_35mm / FILM_DIAGONAL_MM * diagonal, error=_FILM_ERROR)
