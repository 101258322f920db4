"""Bands of the Parrot Sequoia.

Formulas and tags: Parrot, "SEQ-AN-01: pixel value to irradiance using the sensor calibration model" and
"SEQ-AN-02", as restated in public code, and the maker's words on the sun sensor in its developer forum
("Details of Irradiance List tag").
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from typing import NamedTuple

from fieldbox.imagery.multispectral.bandnames import band_name
from fieldbox.imagery.multispectral.lookup import F_NUMBER, ISO, ISO_SPEED, Source, capture_id
from fieldbox.imagery.multispectral.micasense import plane_vignette
from fieldbox.imagery.multispectral.nouns import BandFile, Lens, Maker, SunSensor
from fieldbox.imagery.numbers import within
from fieldbox.imagery.poses import told_of

_READING = struct.Struct("<QHHHHfff")
_MOST_READINGS = 4_096
_REFERENCE_GAIN = 1
_FULL = 65_535


class Reading(NamedTuple):
    """One measurement of the sun sensor."""

    time_us: int
    ch0: int
    ch1: int
    gain_index: int
    exposure_ms: int
    yaw: float
    pitch: float
    roll: float


def sequoia_band(source: Source) -> BandFile:
    """The band that a Sequoia file holds."""
    exif, xmp = source.exif, source.xmp
    width, height = source.pixels()
    told_name = source.told_name()
    model = _sensor_model(source)
    return BandFile(
        maker=Maker.PARROT,
        make=exif.make,
        model=exif.model,
        serial=exif.serial,
        firmware=exif.software,
        name=band_name(told_name),
        told_name=told_name,
        wavelength_nm=source.wavelength(),
        fwhm_nm=source.fwhm(),
        capture_id=capture_id(xmp),
        flight_id=xmp.text("camera", "flightuuid")[:100],
        rig_index=_index(source),
        width=width,
        height=height,
        bits=source.tiff.bits,
        black_level=None if model is None else model[1],
        exposure_s=source.exposure(),
        gain=within(source.tag(ISO) or source.tag(ISO_SPEED), 1.0, 100_000.0),
        f_number=within(source.tag(F_NUMBER), 0.5, 50.0),
        radiometric=model,
        gain_adjustment=None,
        vignette=plane_vignette(source),
        lens=source.believed(_lens(source)),
        rig_degrees=_rig(source),
        optical_shift=None,
        homography=None,
        sun=_sun(source),
        panel=None,
        taken_at=exif.taken_at,
        utc=exif.taken_at,
        lat=exif.lat,
        lon=exif.lon,
        altitude_m=exif.altitude_m,
        told=told_of(exif, xmp),
    )


def _index(source: Source) -> int | None:
    index = within(source.xmp.number("camera", "rigcameraindex"), 0, 100)
    return None if index is None else int(index)


def _sensor_model(source: Source) -> tuple[float, float, float] | None:
    """A, B and C of I = f^2 (p - B) / (A t ISO + C)."""
    found = source.list("sequoia", "sensormodel", 3, 3) or source.list("camera", "sensormodel", 3, 3)
    if found is None or found[0] <= 0 or not 0 <= found[1] < 60_000 or found[2] < 0:
        return None
    return (found[0], found[1], found[2])


def _rig(source: Source) -> tuple[float, float, float] | None:
    found = source.list("camera", "rigrelatives", 3, 3)
    if found is None or max(abs(angle) for angle in found) > 10:
        return None
    return (found[0], found[1], found[2])


def _lens(source: Source) -> Lens | None:
    """Pix4D's fisheye model: the focal length on the axis is C times p1 times 2/pi."""
    per_mm = source.exif.pixels_per_mm
    centre = source.list("camera", "principalpoint", 2, 2)
    affine = source.list("camera", "fisheyeaffinematrix", 4, 4)
    polynomial = source.list("camera", "fisheyepolynomial", 2, 4)
    if per_mm is None or centre is None or affine is None or polynomial is None:
        return None
    c, d, e, f = affine
    if min(c, f) <= 0 or polynomial[1] <= 0:
        return None
    on_axis = polynomial[1] * 2 / math.pi
    return Lens(
        fx=c * on_axis,
        fy=f * on_axis,
        cx=centre[0] * per_mm,
        cy=centre[1] * per_mm,
        distortion=(*polynomial, 0.0, 0.0)[:4],
        affine=(c, d, e, f),
        focal_error=0.005,
    )


def _sun(source: Source) -> SunSensor | None:
    text = source.xmp.text("sequoia", "irradiancelist") or source.xmp.text("camera", "irradiancelist")
    readings = irradiance_list(text)
    if not readings:
        return None
    last = readings[-1]  # the readings go from one exposure to the next: the last was taken at this one
    table = source.list("sequoia", "irradiancecalibrationmeasurement", 4, 64)
    gain = _gain(table, last.gain_index)
    if last.ch0 in (0, _FULL) or last.exposure_ms == 0 or gain is None:
        return None
    return SunSensor(
        spectral=last.ch0 / (gain * last.exposure_ms * 1e-3),
        yaw=_angle(last.yaw),
        pitch=_angle(last.pitch),
        roll=_angle(last.roll),
    )


def irradiance_list(text: str) -> tuple[Reading, ...]:
    """The readings of an IrradianceList tag (base64 of 28 bytes each), in their order; () for anything else."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ()
    if not raw or len(raw) % _READING.size or len(raw) > _MOST_READINGS * _READING.size:
        return ()
    return tuple(Reading(*fields) for fields in _READING.iter_unpack(raw))


def _gain(table: tuple[float, ...] | None, index: int) -> float | None:
    """The gain of `index` against index 1, from the unit's own table of gain index, exposure, CH0 and CH1.

    Without a table, or a usable entry for this index, the index counts as the gain (as public code has it):
    right as long as the gain does not change, since the unit of the light is the sensor's own in any case.
    """
    rates: dict[int, float] = {}
    if table is not None and len(table) % 4 == 0:
        for at in range(0, len(table), 4):
            which, exposure, ch0 = table[at : at + 3]
            if 1e-3 <= exposure <= 1e6 and 1 <= ch0 < _FULL:
                rates[int(which)] = ch0 / exposure
    if index in rates and _REFERENCE_GAIN in rates:
        return rates[index] / rates[_REFERENCE_GAIN]
    return float(index) if index > 0 else None


def _angle(degrees: float) -> float | None:
    return math.radians(degrees) if math.isfinite(degrees) and abs(degrees) <= 360 else None
