"""Bands of DJI's P4 Multispectral and Mavic 3 Multispectral.

Tags: DJI, "P4 Multispectral Image Processing Guide" v1.0 (2020) and "Mavic 3M Image Processing Guide" v1.0
(2023). The black level is that of the file, else the guides' value.
"""

from __future__ import annotations

from datetime import datetime

from fieldbox.imagery.cameras import camera_of
from fieldbox.imagery.multispectral.bandnames import band_name
from fieldbox.imagery.multispectral.lookup import Source, capture_id
from fieldbox.imagery.multispectral.nouns import BandFile, Lens, Maker, SunSensor, Vignette
from fieldbox.imagery.numbers import clock, within
from fieldbox.imagery.poses import place_of, told_of

_BLACK = {"M3M": 3200.0, "FC6360": 4096.0, "P4M": 4096.0}
"""By model; FC6360 is the camera of the P4 Multispectral."""


def dji_band(source: Source) -> BandFile:
    """The band that a DJI file holds."""
    exif, xmp = source.exif, source.xmp
    width, height = source.pixels()
    told_name = source.told_name()
    place = place_of(exif, xmp)
    microseconds = within(xmp.number("drone-dji", "exposuretime"), 0.1, 1e7)
    return BandFile(
        maker=Maker.DJI,
        make=exif.make,
        model=exif.model,
        serial=exif.serial or xmp.text("drone-dji", "cameraserialnumber", "droneserialnumber")[:80],
        firmware=exif.software,
        name=band_name(told_name),
        told_name=told_name,
        wavelength_nm=source.wavelength(),
        fwhm_nm=source.fwhm(),
        capture_id=capture_id(xmp),
        flight_id="",
        rig_index=None,
        width=width,
        height=height,
        bits=source.tiff.bits,
        black_level=_black(source),
        exposure_s=source.exposure() if microseconds is None else microseconds * 1e-6,
        gain=within(xmp.number("drone-dji", "sensorgain"), 0.01, 1000.0),
        f_number=None,
        radiometric=None,
        gain_adjustment=within(xmp.number("drone-dji", "sensorgainadjustment"), 0.01, 100.0),
        vignette=_vignette(source),
        lens=source.believed(_lens(source)),
        rig_degrees=None,
        optical_shift=_shift(source),
        homography=source.list("drone-dji", "calibratedhmatrix", 9, 9)
        or source.list("drone-dji", "dewarphmatrix", 9, 9),
        sun=_sun(source),
        panel=None,
        taken_at=exif.taken_at,
        utc=_utc(source),
        lat=place.lat if place else None,
        lon=place.lon if place else None,
        altitude_m=exif.altitude_m,
        told=told_of(exif, xmp),
    )


def _black(source: Source) -> float | None:
    told = source.black_level()
    if told is None:
        told = within(source.xmp.number("drone-dji", "blacklevel", "blackcurrent"), 0.0, 65_000.0)
    if told is None:
        told = within(source.xmp.number("camera", "blackcurrent"), 0.0, 65_000.0)
    return _BLACK.get(source.exif.model.upper()) if told is None else told


def _vignette(source: Source) -> Vignette | None:
    radial = source.list("drone-dji", "vignettingdata", 1, 12)
    x = source.xmp.number("drone-dji", "calibratedopticalcenterx")
    y = source.xmp.number("drone-dji", "calibratedopticalcentery")
    if radial is None or x is None or y is None:
        return None
    return Vignette(radial, (x, y), multiplies=True)


def _lens(source: Source) -> Lens | None:
    width, height = source.pixels()
    camera = camera_of(source.exif, source.xmp, width, height)
    if camera is None:
        return None
    focal = camera.focal_px
    return Lens(focal, focal, camera.cx, camera.cy, camera.distortion, focal_error=camera.focal_error)


def _shift(source: Source) -> tuple[float, float] | None:
    x = within(source.xmp.number("drone-dji", "relativeopticalcenterx"), -500.0, 500.0)
    y = within(source.xmp.number("drone-dji", "relativeopticalcentery"), -500.0, 500.0)
    return None if x is None or y is None else (x, y)


def _sun(source: Source) -> SunSensor | None:
    """DJI states the light after its own correction of the sensor's tilt."""
    light = source.xmp.number("drone-dji", "irradiance")
    if light is None:
        light = source.xmp.number("camera", "irradiance")
    return SunSensor(spectral=light) if light is not None and 0 < light < 1e9 else None


def _utc(source: Source) -> datetime | None:
    text = source.xmp.text("drone-dji", "utcatexposure")[:26].replace("T", " ")
    for form in ("%Y:%m:%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%Y:%m:%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            return clock(datetime.strptime(text, form))
        except ValueError:
            continue
    return None
