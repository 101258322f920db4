"""Where a photo was taken and how the camera was turned: only from what the file states.

Nothing is guessed: a photo without a position, a height above the ground, a heading or a tilt has no
pose, and a sentence says what is missing; what the file does state is kept (`domain.Stated`), since a list
beside the photos may state the rest. Standard errors (per axis), where the file states none, are
our estimates from makers' data sheets, except senseFly's: with these the 95 % bounds hold for 95 % of
128 pairs of overlapping photos of a real flight (24 photos, 71 m, SIFT matches; the median disagreement
on the ground is 14 m). DJI's held for all 4 pairs along one line of a real flight at 40 m.

=================================  =================  ==========  =======  =======
source                             horizontal         height      yaw      tilt
=================================  =================  ==========  =======  =======
DJI, GPS (hover +-1.5 m)           1.5 m              2 m         3 deg    1 deg
DJI, RtkFlag 32 to 49 (float)      RtkStd*, >= 0.4 m  2 m         3 deg    1 deg
DJI, RtkFlag 50 (fixed)            RtkStd*/0.05 m     2 m         3 deg    1 deg
senseFly (no gimbal)               3 m                5 m         8 deg    5 deg
Pix4D-style `Camera:` tags         stated/3 m         stated/5 m  8 deg    5 deg
Parrot, Skydio (own tags)          3 m                5 m         8 deg    5 deg
=================================  =================  ==========  =======  =======

RTK makes places better, nothing else: RtkStdHgt belongs to AbsoluteAltitude, while heights above the ground
come from RelativeAltitude, and the gimbal's own errors stay. `fieldbox simulate` knows its errors and states
them in tags of its own (HeightError, YawError, TiltError), which are believed.

Heights are taken as heights above the ground. DJI's RelativeAltitude counts from the place of take-off
(barometric, or RTK where AltitudeType says so): on sloping land the ground may lie higher or lower,
which no tag tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from fieldbox.domain import FlightHeight, Pose, Stated
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.attitude import Angles, from_gimbal, tilt_deg
from fieldbox.imagery.exif import Exif
from fieldbox.imagery.numbers import turn, within
from fieldbox.imagery.xmp import Xmp

MAX_TILT_DEG = 60.0
MAX_HEIGHT_M = 1500.0
SAME_PLACE_M = 20.0
RTK_FLOOR_M = 0.02
"""No RTK fix is better than this in the field, whatever standard deviation it states."""
RTK_FLOAT_FLOOR_M = 0.4
"""Without a fix the stated standard deviations are known to be too good."""
_ALTITUDES_M = (-1_000.0, 20_000.0)
_HEIGHTS_M = (-20_000.0, 20_000.0)
"""Above the ground, that can have been measured, however wrongly; what is beyond is no number of metres."""
RTK_FIXED, RTK_FLOAT = 50, range(32, 50)
_METRES_PER_DEGREE = 111_320.0

NO_POSITION = Sentence(
    N_("The photo has no GPS position: switch the drone's GPS on, or give a list of positions (geo.txt).")
)
NO_HEIGHT = Sentence(
    N_("The photo does not say how high above the ground it was taken: give the drone's original files.")
)
ONLY_SEA_LEVEL = Sentence(
    N_(
        "The photo says only how high above the sea it was taken, not above the ground: give the drone's"
        " original files."
    )
)
NO_DIRECTION = Sentence(
    N_("The photo does not say which way the camera was turned: give the drone's original files.")
)
UNTOLD_TILT_DEG = 5.0
"""Standard error of a camera that is taken to look straight down: as cameras on drones without a gimbal do."""
_TURNING_SOFTWARE = ("windows photo viewer", "windows photo gallery", "windows live photo gallery", "picasa")
"""Viewers that write a photo when it was turned by hand, and leave the drone's angles as they were. Two
of the eight real DJI photos that we tune on are such: upside down by what their neighbours show."""


class Place(NamedTuple):
    """Degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Told:
    """What the tags of a photo say of its pose: all of it, or why there is none and what they do say."""

    pose: Pose | None
    unplaced: Sentence | None
    """Why there is no pose; None where there is one."""
    stated: Stated | None
    """As it is written; None where nothing of it can be believed."""


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


def told_of(exif: Exif, xmp: Xmp) -> Told:
    """The pose, or the sentence that says why there is none with what is stated all the same."""
    stated = _stated(exif, xmp)
    pose = pose_from(place_of(exif, xmp), stated)
    spoilt = _turned(exif) or _tilted(stated)
    if isinstance(pose, Pose) and spoilt is None:
        return Told(pose, None, stated)
    unplaced = pose if isinstance(pose, Sentence) else spoilt
    return Told(None, unplaced, None if spoilt else stated)


def pose_from(place: Place | None, stated: Stated) -> Pose | Sentence:
    """The pose at `place` with what is stated of the rest, or the sentence that says what is missing or wrong."""
    if place is None:
        return NO_POSITION
    if stated.height_m is None:
        return NO_HEIGHT if stated.altitude_m is None else ONLY_SEA_LEVEL
    if stated.yaw_deg is None or stated.pitch_deg is None or stated.roll_deg is None:
        return NO_DIRECTION
    doubt = _unlikely(stated.height_m) or _tilted(stated)
    if doubt is not None:
        return doubt
    return Pose(
        lat=place.lat,
        lon=place.lon,
        height_m=stated.height_m,
        yaw_deg=stated.yaw_deg,
        pitch_deg=stated.pitch_deg,
        roll_deg=stated.roll_deg,
        error_m=stated.error_m,
        height_error_m=stated.height_error_m,
        yaw_error_deg=stated.yaw_error_deg,
        tilt_error_deg=stated.tilt_error_deg,
    )


def lacks_height(stated: Stated | None) -> bool:
    """Whether a photo states other things, and no height above the ground that can be right."""
    return stated is not None and (stated.height_m is None or _unlikely(stated.height_m) is not None)


def with_height(stated: Stated, found: FlightHeight) -> Stated:
    """What is stated with the height that was found for the flight, and the photo's own difference from it."""
    level = stated.altitude_m if found.by_altitude else stated.height_m
    height_m = found.height_m if found.ground_m is None or level is None else level - found.ground_m
    return replace(stated, height_m=height_m, height_error_m=math.hypot(found.error_m, found.between_m))


def lacks_direction(stated: Stated | None) -> bool:
    """Whether a photo states other things, and not which way its camera was turned."""
    return stated is not None and stated.yaw_deg is None


def with_direction(stated: Stated, yaw_deg: float, error_deg: float) -> Stated:
    """What is stated with a yaw that was found, of a camera that is taken to look straight down."""
    return replace(
        stated,
        yaw_deg=yaw_deg,
        pitch_deg=0.0,
        roll_deg=0.0,
        yaw_error_deg=error_deg,
        tilt_error_deg=UNTOLD_TILT_DEG,
    )


def _unlikely(height_m: float) -> Sentence | None:
    if 0 < height_m <= MAX_HEIGHT_M:
        return None
    return Sentence(
        N_(
            "The photo states a height of {height} m above the ground, which cannot be right: take off from the"
            " field's own level, since the drone counts its height from there."
        ),
        {"height": round(height_m, 1)},
    )


def _turned(exif: Exif) -> Sentence | None:
    """By hand, after the flight: then what the tags say of the camera's direction is wrong."""
    if not any(name in exif.software.lower() for name in _TURNING_SOFTWARE):
        return None
    return Sentence(
        N_("The photo was turned with {software} after the flight: give the drone's original file."),
        {"software": exif.software},
    )


def _tilted(stated: Stated) -> Sentence | None:
    """Too far from straight down to be mapped."""
    if stated.yaw_deg is None or stated.pitch_deg is None or stated.roll_deg is None:
        return None
    tilt = tilt_deg(Angles(stated.yaw_deg, stated.pitch_deg, stated.roll_deg))
    if tilt <= MAX_TILT_DEG:
        return None
    return Sentence(
        N_("The camera looked at the horizon, {tilt} degrees off straight down: point it at the ground."),
        {"tilt": round(tilt)},
    )


def looks_down(pose: Pose) -> bool:
    """Whether a photo is near enough to straight down to be mapped."""
    return tilt_deg(Angles(pose.yaw_deg, pose.pitch_deg, pose.roll_deg)) <= MAX_TILT_DEG


def _stated(exif: Exif, xmp: Xmp) -> Stated:
    found = _dji(xmp) or _sensefly(xmp) or _pix4d(exif, xmp) or _made(None, None, 3.0, 5.0, 8.0, 5.0)
    if found.yaw_deg is None:
        found = _looking(xmp, found)
    absolute = within(xmp.number("drone-dji", "absolutealtitude"), *_ALTITUDES_M)
    return replace(found, altitude_m=exif.altitude_m if absolute is None else absolute)


def _made(
    height_m: float | None,
    angles: Angles | None,
    error_m: float,
    height_error_m: float,
    yaw_error_deg: float,
    tilt_error_deg: float,
) -> Stated:
    """`angles` are nadir-referenced."""
    yaw, pitch, roll = angles or (None, None, None)
    return Stated(height_m, None, yaw, pitch, roll, error_m, height_error_m, yaw_error_deg, tilt_error_deg)


def _dji(xmp: Xmp) -> Stated | None:
    """DJI's tags, and those of others that have its names (Autel)."""
    maker = "drone-dji" if xmp.speaks("drone-dji") else xmp.maker_of("gimbalpitchdegree")
    if not maker:
        return None
    height = within(xmp.number(maker, "relativealtitude"), *_HEIGHTS_M)
    gimbal = _angles(xmp, maker, "gimbalyawdegree", "gimbalpitchdegree", "gimbalrolldegree")
    angles = None if gimbal is None else from_gimbal(gimbal)
    own = [_metres_stated(xmp, "fieldbox", name) for name in ("heighterror", "yawerror", "tilterror")]
    errors = [usual if one is None else one for one, usual in zip(own, (2.0, 3.0, 1.0), strict=True)]
    return _made(height, angles, _dji_error(xmp), *errors)


def _dji_error(xmp: Xmp) -> float:
    """Horizontal standard deviation per axis in metres."""
    flag = xmp.number("drone-dji", "rtkflag")
    north, east = (_metres_stated(xmp, "drone-dji", f"rtkstd{axis}") for axis in ("lat", "lon"))
    stated = None if north is None or east is None else math.sqrt((north**2 + east**2) / 2)
    if flag == RTK_FIXED:
        return max(RTK_FLOOR_M, 0.05 if stated is None else stated)
    if flag is not None and flag in RTK_FLOAT:
        return max(RTK_FLOAT_FLOOR_M, stated or 0.0)
    return 1.5


def _sensefly(xmp: Xmp) -> Stated | None:
    """senseFly's own tags: attitude of the aircraft, whose camera looks straight down, top ahead."""
    if not xmp.speaks("sensefly"):
        return None
    height = within(xmp.number("sensefly", "height"), *_HEIGHTS_M)
    angles = _angles(xmp, "sensefly", "heading", "pitchangle", "rollangle")
    if height is None and angles is None:
        return None  # newer senseFly cameras use the namespace for other things, `Camera:` for these
    return _made(height, angles, 3.0, 5.0, 8.0, 5.0)


def _pix4d(exif: Exif, xmp: Xmp) -> Stated | None:
    """Pix4D's `Camera:` tags (Parrot, Sentera, newer senseFly): yaw, pitch and roll are 0 at nadir with
    the image's top to the north. senseFly turns the roll's sign (as OpenDroneMap reads it)."""
    if not xmp.speaks("camera"):
        return None
    angles = _angles(xmp, "camera", "yaw", "pitch", "roll")
    if angles is not None and exif.make.lower() == "sensefly":
        angles = angles._replace(roll=-angles.roll)
    horizontal = _metres_stated(xmp, "camera", "gpsxyaccuracy")
    vertical = _metres_stated(xmp, "camera", "gpszaccuracy")
    return _made(
        within(xmp.number("camera", "abovegroundaltitude"), *_HEIGHTS_M),
        angles,
        3.0 if horizontal is None else max(RTK_FLOOR_M, horizontal),
        5.0 if vertical is None else max(RTK_FLOOR_M, vertical),
        8.0,
        5.0,
    )


def _looking(xmp: Xmp, found: Stated) -> Stated:
    """`found` with how the camera looked, in the gimbal's angles (pitch -90 is straight down): Parrot's and Skydio's names."""
    for form in ("camera{}degree", "cameraorientationned.{}"):
        names = [form.format(angle) for angle in ("yaw", "pitch", "roll")]
        maker = xmp.maker_of(names[1])
        gimbal = _angles(xmp, maker, *names)
        if gimbal is not None:
            height = xmp.number(maker, "relativealtitude") if found.height_m is None else found.height_m
            yaw, pitch, roll = from_gimbal(gimbal)
            return replace(found, height_m=height, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
    return found


def _angles(xmp: Xmp, maker: str, yaw: str, pitch: str, roll: str) -> Angles | None:
    values = [within(xmp.number(maker, name), -360.0, 360.0) for name in (yaw, pitch, roll)]
    known = [value for value in values if value is not None]
    return Angles(turn(known[0]), known[1], known[2]) if len(known) == 3 else None


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
