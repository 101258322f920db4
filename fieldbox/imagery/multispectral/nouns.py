"""What a band file says of itself. Frozen; what is not stated, or not believable, is None (or "")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldbox.imagery.poses import Told

THERMAL = "lwir"
PANCHROMATIC = "panchro"
COLOURS = ("blue", "green", "red", "rededge", "nir")
"""The plain band names, from short to long waves. A second band of a colour carries its wavelength: "rededge-705"."""


class Maker(StrEnum):
    """Whose radiometric procedure holds."""

    MICASENSE = "MicaSense"
    PARROT = "Parrot"
    DJI = "DJI"


@dataclass(frozen=True, slots=True)
class Vignette:
    """How the lens darkens towards the edges.

    With `powers`: sum of c x^n y^m, x and y as shares of width and height (Parrot, later MicaSense).
    Without: 1 + sum of c_i r^(i + 1), r in pixels from `centre`. MicaSense and Parrot divide by it, DJI multiplies.
    """

    coefficients: tuple[float, ...]
    centre: tuple[float, float] = (0.0, 0.0)
    powers: tuple[tuple[int, int], ...] = ()
    multiplies: bool = False


@dataclass(frozen=True, slots=True)
class Lens:
    """Focal lengths and principal point in pixels, and distortion.

    Without `affine` the distortion is Brown's, k1, k2, p1, p2, k3 (OpenCV's order). With it the lens is a
    fisheye as Pix4D defines it: `distortion` is p0 to p3 of rho = sum of p_i theta^i, theta = 2/pi times the
    angle off the axis, and `affine` C, D, E, F.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    affine: tuple[float, float, float, float] | None = None
    focal_error: float = 0.02
    """Relative."""


@dataclass(frozen=True, slots=True)
class SunSensor:
    """What the sensor on top of the drone measured for this band at this exposure."""

    spectral: float | None = None
    """As measured, W/m2/nm (MicaSense); in a unit of the maker's own (DJI, Parrot)."""
    horizontal: float | None = None
    """On level ground, as the camera worked it out, W/m2/nm."""
    direct: float | None = None
    scattered: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    """Of the sensor, radians."""


@dataclass(frozen=True, slots=True)
class SeenPanel:
    """A calibration panel that the camera itself found in the picture."""

    albedo: float
    corners: tuple[tuple[float, float], ...]
    """Pixels x, y."""
    serial: str


@dataclass(frozen=True, slots=True)
class BandFile:
    """One band of one exposure."""

    maker: Maker
    make: str
    model: str
    serial: str
    firmware: str
    name: str
    """Plain: blue, green, red, rededge, nir, lwir, panchro, or the maker's own in lower case."""
    told_name: str
    """As the maker writes it."""
    wavelength_nm: float | None
    fwhm_nm: float | None
    capture_id: str
    """The same for all bands of one exposure; "": not stated."""
    flight_id: str
    rig_index: int | None
    width: int
    height: int
    bits: int
    """Of a sample, as stored."""
    black_level: float | None
    exposure_s: float | None
    gain: float | None
    """ISO / 100 (MicaSense), ISO (Parrot), SensorGain (DJI)."""
    f_number: float | None
    radiometric: tuple[float, float, float] | None
    """MicaSense a1, a2, a3; Parrot A, B, C."""
    gain_adjustment: float | None
    """DJI's SensorGainAdjustment."""
    vignette: Vignette | None
    lens: Lens | None
    rig_degrees: tuple[float, float, float] | None
    """Rotations about x, y, z that turn this band's camera to the rig's."""
    optical_shift: tuple[float, float] | None
    """DJI's RelativeOpticalCenter, pixels from the near infrared band."""
    homography: tuple[float, ...] | None
    """DJI's CalibratedHMatrix, row by row."""
    sun: SunSensor | None
    panel: SeenPanel | None
    taken_at: datetime | None
    """Naive. MicaSense and Parrot write UTC, DJI the clock of the camera."""
    utc: datetime | None
    """Naive UTC, where the file states it."""
    lat: float | None
    lon: float | None
    altitude_m: float | None
    told: Told
    """The pose, as far as it is stated."""


@dataclass(frozen=True, slots=True)
class ColourFile:
    """The colour photo that a multispectral camera takes with its bands."""

    make: str
    model: str
    capture_id: str
