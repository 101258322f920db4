"""The weeds of a survey as one compact array, for pictures that show all of them.

Out of the database 100,000 plants take seconds, which is too long for each tile. So they are read once, kept in the survey's
folder as fixed-size records in order from north to south, and mapped into memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fieldbox.wholefile import written

FILE: Final = "plants.bin"
WEEDS: Final = np.dtype([("x", "<f8"), ("y", "<f8"), ("radius_m", "<f4"), ("sure", "<u4")])
"""Places in web Mercator, from 0 in the west and the north to 1; `radius_m` is that of a disc of the plant's area; `sure` is 0,
1, or STRUCK."""
STRUCK: Final = 2
"""People who looked at it say that it is no weed. Never in the file: they may change their minds."""
Weeds = NDArray[np.void]
_HEAD = struct.Struct("<4sIQ")
"""Four letters, the CRC-32 of all that follows, and the number of records."""
_MAGIC: Final = b"FBW1"


def weeds_of(folder: Path, read: Callable[[], NDArray[np.float64]]) -> Weeds:
    """The weeds of the survey whose pictures are in `folder`: from its file, which is made anew of `read` (see
    `Store.weed_points`) if it is missing or damaged."""
    file = folder / FILE
    kept = _kept(file)
    if kept is not None:
        return kept
    made = packed(read())
    _keep(file, made)
    return made


def packed(points: NDArray[np.float64]) -> Weeds:
    """Records of [N, 4] longitude, latitude, radius in metres, sure; the northernmost first."""
    weeds = np.empty(len(points), WEEDS)
    weeds["x"], weeds["y"] = to_world(points[:, 0], points[:, 1])
    weeds["radius_m"], weeds["sure"] = points[:, 2], points[:, 3]
    return np.asarray(weeds[np.argsort(weeds["y"], kind="stable")])


def to_world(
    lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places in web Mercator, 0 to 1, of degrees."""
    return (lon + 180) / 360, (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2


def within(weeds: Weeds, west: float, north: float, east: float, south: float) -> Weeds:
    """Those in a rectangle of web Mercator, 0 to 1."""
    first, last = np.searchsorted(weeds["y"], (north, south))
    strip = weeds[first:last]
    return np.asarray(strip[(strip["x"] >= west) & (strip["x"] < east)])


def _kept(file: Path) -> Weeds | None:
    try:
        with file.open("rb") as source:
            magic, checksum, count = _HEAD.unpack(source.read(_HEAD.size))
        if magic != _MAGIC or file.stat().st_size != _HEAD.size + count * WEEDS.itemsize:
            return None
        found: Any = np.memmap(file, WEEDS, "r", _HEAD.size, (count,)) if count else np.empty(0, WEEDS)
    except (OSError, struct.error, ValueError):
        return None
    return found if zlib.crc32(found.view(np.uint8)) == checksum else None


def _keep(file: Path, weeds: Weeds) -> None:
    body = weeds.tobytes()
    try:
        with written(file, lasting=False) as out:
            out.write(_HEAD.pack(_MAGIC, zlib.crc32(body), len(weeds)))
            out.write(body)
    except OSError:
        return  # No room, or the pictures of the survey are gone: it is made anew the next time.
