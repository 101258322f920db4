"""The light that fell on the ground at one exposure, by the sensor on top of the drone.

The position of the sun: the low-precision formulas of the Astronomical Almanac (Michalsky 1988, Solar Energy
40(3), 227-235), good to 0.01 degrees from 1950 to 2050.

MicaSense's first sensor (DLS 1) knows neither its tilt's effect nor how much of the light is scattered. The
maker's library assumes a clear sky, where the direct light is six times the scattered:

    E_sensor = E_measured / T(angle),  E_direct = E_sensor / (1/6 + cos angle)
    E_ground = E_direct (sin elevation + 1/6)

with `angle` between the sun and the sensor's axis, and T what the diffuser lets through (Fresnel, two surfaces,
refractive indices 1.000277, 1.6 and 1.38). Its second sensor (DLS 2) measures the direct and the scattered light.
"""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from fieldbox.imagery.multispectral.nouns import BandFile, Maker, SunSensor

_EPOCH = datetime(2000, 1, 1, 12)
_INDICES = (1.000277, 1.6, 1.38)
_DIRECT_TO_SCATTERED = 6.0
_LOWEST_SUN = math.radians(5.0)
"""Below it the formulas divide by next to nothing."""


class LightSource(StrEnum):
    """How the light is known."""

    MEASURED = "measured"
    """On level ground, in W/m2/nm."""
    CLEAR_SKY = "clear sky assumed"
    """In W/m2/nm, as if no cloud were there."""
    UNSCALED = "unit of the maker's own"
    """Comparable between the exposures of one camera, for each band apart."""


class Light(NamedTuple):
    """Irradiance of one band on level ground."""

    value: float
    source: LightSource


class Sun(NamedTuple):
    """Radians; azimuth clockwise from north."""

    elevation: float
    azimuth: float


def light_of(band: BandFile) -> Light | None:
    """The irradiance at `band`; None where its file does not tell."""
    sensor = band.sun
    if sensor is None:
        return None
    if band.maker is not Maker.MICASENSE:
        return None if sensor.spectral is None else Light(sensor.spectral, LightSource.UNSCALED)
    if sensor.horizontal is not None:
        return Light(sensor.horizontal, LightSource.MEASURED)
    sun = _sun_over(band)
    if sun is None:
        return None
    if sensor.direct is not None and sensor.scattered is not None:
        return Light(sensor.direct * math.sin(sun.elevation) + sensor.scattered, LightSource.MEASURED)
    return _clear_sky(sensor, sun)


def _sun_over(band: BandFile) -> Sun | None:
    """Where the sun stood; None where that is not known, or it was too low."""
    if band.utc is None or band.lat is None or band.lon is None:
        return None
    sun = sun_position(band.utc, band.lat, band.lon)
    return sun if sun.elevation >= _LOWEST_SUN else None


def sun_position(utc: datetime, lat: float, lon: float) -> Sun:
    """Where the sun stands at `utc` (naive) over `lat`, `lon` in degrees; refraction is left out."""
    days = (utc - _EPOCH).total_seconds() / 86_400
    mean_longitude = 280.460 + 0.9856474 * days
    anomaly = math.radians(357.528 + 0.9856003 * days)
    ecliptic = math.radians(mean_longitude + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(ecliptic), math.cos(ecliptic))
    declination = math.asin(math.sin(tilt) * math.sin(ecliptic))
    sidereal = math.radians(15 * (18.697374558 + 24.06570982441908 * days) + lon)
    hour, north = sidereal - ascension, math.radians(lat)
    up = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour)
    azimuth = math.atan2(
        -math.sin(hour),
        math.cos(north) * math.tan(declination) - math.sin(north) * math.cos(hour),
    )
    return Sun(math.asin(max(-1.0, min(1.0, up))), azimuth % (2 * math.pi))


def _clear_sky(sensor: SunSensor, sun: Sun) -> Light | None:
    if sensor.spectral is None or sensor.yaw is None or sensor.pitch is None or sensor.roll is None:
        return None
    angle = sun_sensor_angle(sun, sensor.yaw, sensor.pitch, sensor.roll)
    share = 1 / _DIRECT_TO_SCATTERED
    through = transmission(angle)
    if math.cos(angle) <= 0 or through <= 0:
        return None
    direct = sensor.spectral / through / (share + math.cos(angle))
    return Light(direct * (math.sin(sun.elevation) + share), LightSource.CLEAR_SKY)


def sun_sensor_angle(sun: Sun, yaw: float, pitch: float, roll: float) -> float:
    """Angle between the sun and the axis of a sensor that looks up when level. Radians.

    The axis is the body's "up" (0, 0, -1), turned by roll, pitch and yaw into north, east, down.
    """
    north = -(math.cos(yaw) * math.sin(pitch) * math.cos(roll) + math.sin(yaw) * math.sin(roll))
    east = -(math.sin(yaw) * math.sin(pitch) * math.cos(roll) - math.cos(yaw) * math.sin(roll))
    down = -math.cos(pitch) * math.cos(roll)
    across = math.cos(sun.elevation)
    cosine = (
        north * math.cos(sun.azimuth) * across
        + east * math.sin(sun.azimuth) * across
        - down * math.sin(sun.elevation)
    )
    return math.acos(max(-1.0, min(1.0, cosine)))


def transmission(angle: float) -> float:
    """Share of unpolarised light that passes both surfaces of the sensor at `angle` (radians) off its axis."""
    through, within = 1.0, angle
    for outer, inner in pairwise(_INDICES):
        within = math.asin(math.sin(within) / outer)
        through *= _surface(within, outer, inner)
    return through


def _surface(angle: float, outer: float, inner: float) -> float:
    """Fresnel's transmittance, the mean of both polarisations."""
    incident = math.cos(angle)
    squared = 1 - (outer / inner * math.sin(angle)) ** 2
    if squared <= 0:
        return 0.0
    refracted = math.sqrt(squared)
    across = ((outer * incident - inner * refracted) / (outer * incident + inner * refracted)) ** 2
    along = ((outer * refracted - inner * incident) / (outer * refracted + inner * incident)) ** 2
    return 1 - (across + along) / 2
