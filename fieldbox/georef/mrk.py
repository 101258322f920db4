"""Camera positions from the `*_Timestamp.MRK` that DJI's RTK drones write beside the photos.

A line for each photo, its parts with their labels (Matrice 4 series user manual 2025, "Image Log File"):

    1  400373.488877  [2264]  -40,N  0,E  86,V  44.42824637,Lat  1.26196331,Lon  359.494,Ellh  0.0118, 0.0094, 0.0223  50,Q

number in the folder, GPS time of week and week, offset from the antenna to the camera in mm, the camera's
latitude, longitude and ellipsoidal height (the offset is in them already), standard deviations to the north,
east and up in metres, and the state of the solution as in XMP's RtkFlag (0 none, 16 single, 32 to 49 float,
50 fixed). Photos carry their number in their names: `100_0001_0007.JPG`, `DJI_20260309024757_0007_D.JPG`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from fieldbox.errors import Rejected
from fieldbox.georef.positions import MAX_ERROR_M, Positions, StatedPosition
from fieldbox.georef.textfile import Line, height, lines_of, number, shown
from fieldbox.i18n import N_, Sentence

SUFFIX = ".MRK"
_NUMBER = r"(?<![\w.+\-])([0-9.+\-]{1,24})"
"""Whole: the end of another word is no number."""
_LABELLED = re.compile(_NUMBER + r"\s*,\s*(Lat|Lon|Ellh|Q)\b", re.IGNORECASE)
_DEVIATIONS = re.compile(rf",\s*Ellh\s+{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}", re.IGNORECASE)
_FIRST = re.compile(r"([0-9]{1,6})\s")
_IN_NAME = re.compile(r"_([0-9]{4,6})(?:_[A-Z]{1,3})?\.JPE?G$", re.IGNORECASE)


class _Exposure(NamedTuple):
    line: int
    number: int
    lat: float
    lon: float
    height_m: float | None
    error_m: float | None
    height_error_m: float | None


def read_mrk(data: bytes, photos: Iterable[str]) -> Positions:
    """Read an MRK file for the `photos` of its own folder (their names): numbers start anew in each folder.

    Raises Rejected where nothing in the file is such a line.
    """
    by_number = _numbered(photos)
    stated: dict[str, StatedPosition] = {}
    problems: list[Sentence] = []
    found = False
    for line in lines_of(data):
        exposure = _exposure(line)
        if exposure is None:
            problems.append(
                Sentence(N_("Line {line} says no position: its photo keeps its own."), {"line": line.number})
            )
            continue
        found = True
        names = by_number.get(exposure.number, [])
        if len(names) > 1:
            problems.append(_several(line.number, exposure.number))
        elif names and names[0] in stated:
            problems.append(_twice(line.number, names[0]))
        elif names:
            stated[names[0]] = _stated(names[0], exposure)
    if not found:
        raise Rejected(
            N_("The file holds no positions of a DJI drone: give the *_Timestamp.MRK as the drone wrote it.")
        )
    return Positions(tuple(stated.values()), tuple(problems), ())


def _numbered(photos: Iterable[str]) -> dict[int, list[str]]:
    by_number: dict[int, list[str]] = {}
    for name in dict.fromkeys(photos):
        if (found := _IN_NAME.search(name)) is not None:
            by_number.setdefault(int(found[1]), []).append(name)
    return by_number


def _exposure(line: Line) -> _Exposure | None:
    """None for a line without a position: unreadable, off the earth, or without a solution (0, 0 or Q 0)."""
    first = _FIRST.match(line.text)
    values = {label.lower(): number(word) for word, label in _LABELLED.findall(line.text)}
    lat, lon = values.get("lat"), values.get("lon")
    if first is None or lat is None or lon is None or not values.get("q"):
        return None
    if not (abs(lat) <= 90 and abs(lon) <= 180) or (lat, lon) == (0.0, 0.0):
        return None
    deviations = _DEVIATIONS.search(line.text)
    north, east, up = (_deviation(word) for word in deviations.groups()) if deviations else (None, None, None)
    horizontal = None if north is None or east is None else math.sqrt((north**2 + east**2) / 2)
    return _Exposure(line.number, int(first[1]), lat, lon, height(values.get("ellh")), horizontal, up)


def _deviation(word: str) -> float | None:
    value = number(word)
    return value if value is not None and 0.0 < value <= MAX_ERROR_M else None


def _stated(image: str, exposure: _Exposure) -> StatedPosition:
    return StatedPosition(
        image=image,
        lat=exposure.lat,
        lon=exposure.lon,
        altitude_m=exposure.height_m,
        error_m=exposure.error_m,
        height_error_m=exposure.height_error_m,
        angles=None,
    )


def _several(line: int, count: int) -> Sentence:
    return Sentence(
        N_(
            "Line {line}: several photos carry the number {number}: give the photos of one folder and camera."
        ),
        {"line": line, "number": count},
    )


def _twice(line: int, photo: str) -> Sentence:
    return Sentence(
        N_("Line {line}: photo {photo} has a position already: the first one is used."),
        {"line": line, "photo": shown(photo)},
    )
