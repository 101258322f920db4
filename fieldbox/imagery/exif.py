"""The EXIF tags of a photo, as far as fieldbox uses them. A malformed tag is unknown (None)."""

from __future__ import annotations

import re
import struct
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from PIL import Image

from fieldbox.imagery.numbers import clock, number, within

_MAKE, _MODEL, _SOFTWARE = 0x010F, 0x0110, 0x0131
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TIME_ORIGINAL, _TIME_DIGITIZED, _SUBSEC_ORIGINAL, _SUBSEC_DIGITIZED = 0x9003, 0x9004, 0x9291, 0x9292
_FOCAL, _FOCAL_35, _SERIAL = 0x920A, 0xA405, 0xA431
_WIDTH, _HEIGHT, _PLANE_X, _PLANE_UNIT = 0xA002, 0xA003, 0xA20E, 0xA210

_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""FocalPlaneResolutionUnit: inch (also the standard's default), cm, mm, um."""

_UNREADABLE = (
    SyntaxError,
    struct.error,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OSError,
    OverflowError,
    AttributeError,
    ZeroDivisionError,
    EOFError,
)
"""All that Pillow was seen to raise on damaged or lying EXIF structures."""


@dataclass(frozen=True, slots=True)
class Exif:
    """What the tags say; None (or "") is not stated or not usable."""

    make: str = ""
    model: str = ""
    software: str = ""
    serial: str = ""
    taken_at: datetime | None = None
    lat: float | None = None
    """Degrees, north positive. (0, 0) counts as no fix."""
    lon: float | None = None
    altitude_m: float | None = None
    """Above the sea or the ellipsoid: the tag does not say which."""
    focal_mm: float | None = None
    focal_35mm: float | None = None
    """Focal length in mm on 24 x 36 mm film with the same diagonal field of view."""
    pixels_per_mm: float | None = None
    """Of the sensor, for the image as it was taken (`width` x `height`)."""
    width: int | None = None
    """Pixels of the image as it was taken; the file may have been made smaller since."""
    height: int | None = None


def read_exif(data: bytes) -> Exif:
    """Read the TIFF structure of an Exif segment. Never fails: what is damaged is unknown."""
    if not data:
        return Exif()
    base, shot, gps = _directories(data)
    lat, lon = _position(gps)
    return Exif(
        make=_text(base.get(_MAKE)),
        model=_text(base.get(_MODEL)),
        software=_text(base.get(_SOFTWARE)),
        serial=_text(shot.get(_SERIAL)),
        taken_at=_time(shot),
        lat=lat,
        lon=lon,
        altitude_m=_altitude(gps),
        focal_mm=within(number(shot.get(_FOCAL)), 0.1, 2000.0),
        focal_35mm=within(number(shot.get(_FOCAL_35)), 1.0, 5000.0),
        pixels_per_mm=_pixels_per_mm(shot),
        width=_pixels(shot.get(_WIDTH)),
        height=_pixels(shot.get(_HEIGHT)),
    )


Tags = dict[int, Any]


def _directories(data: bytes) -> tuple[Tags, Tags, Tags]:
    """The base, Exif and GPS directories; a damaged one is empty."""
    exif = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of each damaged tag; it is simply unknown here
        try:
            exif.load(data)
        except _UNREADABLE:
            return {}, {}, {}
        return _tags(exif, None), _tags(exif, _EXIF_IFD), _tags(exif, _GPS_IFD)


def _tags(exif: Image.Exif, directory: int | None) -> Tags:
    try:
        tags: Any = exif if directory is None else exif.get_ifd(directory)
        keys = list(tags)
    except _UNREADABLE:
        return {}
    found: Tags = {}
    for key in keys:
        try:
            found[key] = tags[key]
        except _UNREADABLE:
            continue
    return found


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        return ""
    text = value.split("\x00")[0].strip()[:80]
    return text if text.isprintable() else ""


def _pixels(value: Any) -> int | None:
    pixels = within(number(value), 1, 100_000)
    return None if pixels is None else int(pixels)


def _pixels_per_mm(shot: Tags) -> float | None:
    unit = number(shot.get(_PLANE_UNIT, 2))
    mm = _MM_PER_UNIT.get(int(unit)) if unit is not None else None
    per_unit = number(shot.get(_PLANE_X))
    if mm is None or per_unit is None:
        return None
    return within(per_unit / mm, 10.0, 5000.0)


def _time(shot: Tags) -> datetime | None:
    for tag, subsec in ((_TIME_ORIGINAL, _SUBSEC_ORIGINAL), (_TIME_DIGITIZED, _SUBSEC_DIGITIZED)):
        try:
            # Some write 2026-06-01T10:00:00, or a time zone behind it.
            taken = datetime(*map(int, re.split(r"\D", _text(shot.get(tag))[:19])))  # type: ignore[arg-type]  # six numbers
        except (ValueError, TypeError):
            continue
        digits = _text(shot.get(subsec))[:6]
        if digits.isascii() and digits.isdigit():
            taken += timedelta(seconds=float(f"0.{digits}"))
        return clock(taken)
    return None


def _position(gps: Tags) -> tuple[float | None, float | None]:
    lat = _degrees(gps.get(2), gps.get(1), "N", "S", 90.0)
    lon = _degrees(gps.get(4), gps.get(3), "E", "W", 180.0)
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None, None
    return lat, lon


def _altitude(gps: Tags) -> float | None:
    """GPSAltitude; its reference is 1 (a byte) below the zero level."""
    size = number(gps.get(6))
    below = gps.get(5) in (b"\x01", 1)
    return None if size is None else within(-size if below else size, -1_000.0, 20_000.0)


def _degrees(value: Any, reference: Any, positive: str, negative: str, limit: float) -> float | None:
    """Degrees, minutes and seconds with their hemisphere; without a hemisphere it is unknown."""
    if not isinstance(value, tuple | list) or len(value) != 3:
        return None
    degrees, minutes, seconds = (number(part) for part in value)
    sign = {positive: 1.0, negative: -1.0}.get(_text(reference).upper()[:1])
    if degrees is None or minutes is None or seconds is None or sign is None:
        return None
    if min(degrees, minutes, seconds) < 0 or minutes > 60 or seconds > 60:
        return None
    return within(sign * (degrees + minutes / 60 + seconds / 3600), -limit, limit)
