"""Where a photo was taken and how the camera was turned: only from what the file states.

Nothing is guessed: a photo without a position, a height above the ground, a heading or a tilt has no
pose, and a sentence says what is missing. Standard errors (per axis), where the file states none, are
our estimates from makers' data sheets, except senseFly's: with these the 95 % bounds hold for 95 % of
128 pairs of overlapping photos of a real flight (24 photos, 71 m, SIFT matches; the median disagreement
on the ground is 14 m). DJI's held for all 4 pairs along one line of a real flight at 40 m.

=================================  ==========  ===========  ======  =======
source                             horizontal  height       yaw     tilt
=================================  ==========  ===========  ======  =======
DJI, GPS (hover +-1.5 m)           1.5 m       2 m          3 deg   1 deg
DJI, RtkFlag 32 to 49 (float)      0.4 m       2 m          3 deg   1 deg
DJI, RtkFlag 50 (fixed)            RtkStd*     RtkStdHgt    1 deg   0.2 deg
senseFly (no gimbal)               3 m         5 m          8 deg   5 deg
Pix4D-style `Camera:` tags         stated/3 m  stated/5 m   8 deg   5 deg
=================================  ==========  ===========  ======  =======

Heights are taken as heights above the ground. DJI's RelativeAltitude counts from the place of take-off
(barometric, or RTK where AltitudeType says so): on sloping land the ground may lie higher or lower,
which no tag tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from fieldbox.domain import Pose
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.attitude import Angles, from_gimbal, tilt_deg
from fieldbox.imagery.exif import Exif
from fieldbox.imagery.numbers import within
from fieldbox.imagery.xmp import Xmp

MAX_TILT_DEG = 60.0
MAX_HEIGHT_M = 1500.0
SAME_PLACE_M = 20.0
RTK_FLOOR_M = 0.02
"""No RTK fix is better than this in the field, whatever standard deviation it states."""
RTK_FIXED, RTK_FLOAT = 50, range(32, 50)
_METRES_PER_DEGREE = 111_320.0

NO_POSITION = Sentence(N_("The photo has no GPS position: switch the drone's GPS on, or geotag the photos."))
NO_HEIGHT = Sentence(
    N_("The photo does not say how high above the ground it was taken: give the drone's original files.")
)
NO_DIRECTION = Sentence(
    N_("The photo does not say which way the camera was turned: give the drone's original files.")
)
_TURNING_SOFTWARE = ("windows photo viewer", "windows photo gallery", "windows live photo gallery", "picasa")
"""Viewers that write a photo when it was turned by hand, and leave the drone's angles as they were. Two
of the eight real DJI photos that we tune on are such: upside down by what their neighbours show."""


class Place(NamedTuple):
    """Degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class _Stated:
    """What one maker's tags say. None is not stated."""

    height_m: float | None
    angles: Angles | None
    """Nadir-referenced."""
    error_m: float
    height_error_m: float
    yaw_error_deg: float
    tilt_error_deg: float


def place_of(exif: Exif, xmp: Xmp) -> Place | None:
    """The camera's position.

    XMP has more digits than EXIF and is preferred where the two agree within 20 m; where they do not,
    EXIF is believed, since that is the tag which geotagging tools mend. (0, 0) is no position.
    """
    fine = _xmp_place(xmp)
    if exif.lat is None or exif.lon is None:
        return fine
    coarse = Place(exif.lat, exif.lon)
    return fine if fine is not None and _metres(fine, coarse) <= SAME_PLACE_M else coarse


def pose_of(exif: Exif, xmp: Xmp) -> Pose | Sentence:
    """The pose, or the sentence that says why there is none."""
    place = place_of(exif, xmp)
    if place is None:
        return NO_POSITION
    stated = _dji(xmp) or _sensefly(xmp) or _pix4d(exif, xmp)
    if stated is None or stated.height_m is None:
        return NO_HEIGHT
    if stated.angles is None:
        return NO_DIRECTION
    doubt = _doubt(exif, stated.height_m, stated.angles)
    if doubt is not None:
        return doubt
    return Pose(
        lat=place.lat,
        lon=place.lon,
        height_m=stated.height_m,
        yaw_deg=stated.angles.yaw,
        pitch_deg=stated.angles.pitch,
        roll_deg=stated.angles.roll,
        error_m=stated.error_m,
        height_error_m=stated.height_error_m,
        yaw_error_deg=stated.yaw_error_deg,
        tilt_error_deg=stated.tilt_error_deg,
    )


def _doubt(exif: Exif, height_m: float, angles: Angles) -> Sentence | None:
    """What makes a stated pose unusable."""
    if any(name in exif.software.lower() for name in _TURNING_SOFTWARE):
        return Sentence(
            N_("The photo was turned with {software} after the flight: give the drone's original file."),
            {"software": exif.software},
        )
    if not 0 < height_m <= MAX_HEIGHT_M:
        return Sentence(
            N_("The photo states a height of {height} m above the ground, which cannot be right."),
            {"height": round(height_m, 1)},
        )
    tilt = tilt_deg(angles)
    if tilt > MAX_TILT_DEG:
        return Sentence(
            N_("The camera looked at the horizon, {tilt} degrees off straight down: point it at the ground."),
            {"tilt": round(tilt)},
        )
    return None


def _dji(xmp: Xmp) -> _Stated | None:
    if not xmp.speaks("drone-dji"):
        return None
    height = xmp.number("drone-dji", "relativealtitude")
    gimbal = _angles(xmp, "drone-dji", "gimbalyawdegree", "gimbalpitchdegree", "gimbalrolldegree")
    angles = None if gimbal is None else from_gimbal(gimbal)
    flag = xmp.number("drone-dji", "rtkflag")
    if flag == RTK_FIXED:
        return _Stated(height, angles, *_rtk_errors(xmp), 1.0, 0.2)
    if flag is not None and flag in RTK_FLOAT:
        return _Stated(height, angles, 0.4, 2.0, 3.0, 1.0)
    return _Stated(height, angles, 1.5, 2.0, 3.0, 1.0)


def _rtk_errors(xmp: Xmp) -> tuple[float, float]:
    """Horizontal (per axis) and vertical standard deviation in metres of a fixed RTK position."""
    north, east, up = (_metres_stated(xmp, "drone-dji", f"rtkstd{axis}") for axis in ("lat", "lon", "hgt"))
    horizontal = 0.05 if north is None or east is None else math.sqrt((north**2 + east**2) / 2)
    return max(RTK_FLOOR_M, horizontal), max(RTK_FLOOR_M, 0.1 if up is None else up)


def _sensefly(xmp: Xmp) -> _Stated | None:
    """senseFly's own tags: attitude of the aircraft, whose camera looks straight down, top ahead."""
    if not xmp.speaks("sensefly"):
        return None
    height = xmp.number("sensefly", "height")
    angles = _angles(xmp, "sensefly", "heading", "pitchangle", "rollangle")
    if height is None and angles is None:
        return None  # newer senseFly cameras use the namespace for other things, `Camera:` for these
    return _Stated(height, angles, 3.0, 5.0, 8.0, 5.0)


def _pix4d(exif: Exif, xmp: Xmp) -> _Stated | None:
    """Pix4D's `Camera:` tags (Parrot, Sentera, newer senseFly): yaw, pitch and roll are 0 at nadir with
    the image's top to the north. senseFly turns the roll's sign (as OpenDroneMap reads it)."""
    if not xmp.speaks("camera"):
        return None
    angles = _angles(xmp, "camera", "yaw", "pitch", "roll")
    if angles is not None and exif.make.lower() == "sensefly":
        angles = angles._replace(roll=-angles.roll)
    horizontal = _metres_stated(xmp, "camera", "gpsxyaccuracy")
    vertical = _metres_stated(xmp, "camera", "gpszaccuracy")
    return _Stated(
        xmp.number("camera", "abovegroundaltitude"),
        angles,
        3.0 if horizontal is None else max(RTK_FLOOR_M, horizontal),
        5.0 if vertical is None else max(RTK_FLOOR_M, vertical),
        8.0,
        5.0,
    )


def _angles(xmp: Xmp, maker: str, yaw: str, pitch: str, roll: str) -> Angles | None:
    values = [within(xmp.number(maker, name), -360.0, 360.0) for name in (yaw, pitch, roll)]
    known = [value for value in values if value is not None]
    return Angles(known[0] % 360.0, known[1], known[2]) if len(known) == 3 else None


def _metres_stated(xmp: Xmp, maker: str, name: str) -> float | None:
    value = within(xmp.number(maker, name), 0.0, 100.0)
    return value or None  # 0 is what firmware writes when it does not know


def _xmp_place(xmp: Xmp) -> Place | None:
    makers = (
        ("drone-dji", ("gpslatitude", "latitude"), ("gpslongitude", "gpslongtitude", "longitude")),
        ("sensefly", ("latitude",), ("longitude",)),
    )
    for maker, north, east in makers:
        lat = within(xmp.number(maker, *north), -90.0, 90.0)
        lon = within(xmp.number(maker, *east), -180.0, 180.0)
        if lat is not None and lon is not None and (lat, lon) != (0.0, 0.0):
            return Place(lat, lon)
    return None


def _metres(a: Place, b: Place) -> float:
    east = ((a.lon - b.lon + 180.0) % 360.0 - 180.0) * math.cos(math.radians(a.lat))
    return math.hypot(a.lat - b.lat, east) * _METRES_PER_DEGREE
