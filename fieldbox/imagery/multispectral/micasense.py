"""Bands of MicaSense cameras (RedEdge, RedEdge-M, -MX, -P, Altum, Altum-PT).

Tags as in MicaSense's public image processing tutorials and library (github.com/micasense/imageprocessing).
"""

from __future__ import annotations

import math

from fieldbox.imagery.multispectral.bandnames import band_name
from fieldbox.imagery.multispectral.lookup import ISO, ISO_SPEED, Source, capture_id
from fieldbox.imagery.multispectral.nouns import BandFile, Lens, Maker, SeenPanel, SunSensor, Vignette
from fieldbox.imagery.numbers import within
from fieldbox.imagery.poses import told_of

LYING_EXPOSURE, TRUE_EXPOSURE = 1 / 6329, 0.000274
"""Early RedEdge firmware writes the one where it means the other (MicaSense's library, metadata.py)."""
_HORIZONTAL_SINCE = {"altum": (1, 2, 3), "rededge": (5, 1, 7), "rededge-m": (5, 1, 7)}
"""Firmware from which HorizontalIrradiance is right; newer models always were."""
DLS2_SCALE = 0.01
"""Of its numbers to W/m2/nm, where the file does not say."""


def micasense_band(source: Source) -> BandFile:
    """The band that a MicaSense file holds."""
    exif, xmp = source.exif, source.xmp
    width, height = source.pixels()
    told_name = source.told_name()
    index = within(xmp.number("camera", "rigcameraindex"), 0, 100)
    iso = within(source.tag(ISO_SPEED) or source.tag(ISO), 1.0, 100_000.0)
    return BandFile(
        maker=Maker.MICASENSE,
        make=exif.make,
        model=exif.model,
        serial=exif.serial,
        firmware=exif.software,
        name=band_name(told_name),
        told_name=told_name,
        wavelength_nm=source.wavelength(),
        fwhm_nm=source.fwhm(),
        capture_id=capture_id(xmp),
        flight_id=xmp.text("micasense", "flightid")[:100],
        rig_index=None if index is None else int(index),
        width=width,
        height=height,
        bits=source.tiff.bits,
        black_level=source.black_level(),
        exposure_s=_exposure(source),
        gain=None if iso is None else iso / 100,
        f_number=source.tag(33437),
        radiometric=_radiometric(source),
        gain_adjustment=None,
        vignette=_vignette(source),
        lens=source.believed(_lens(source)),
        rig_degrees=_rig(source),
        optical_shift=None,
        homography=None,
        sun=_sun(source),
        panel=_panel(source),
        taken_at=exif.taken_at,
        utc=exif.taken_at,
        lat=exif.lat,
        lon=exif.lon,
        altitude_m=exif.altitude_m,
        told=told_of(exif, xmp),
    )


def _exposure(source: Source) -> float | None:
    stated = source.exposure()
    if stated is not None and abs(stated - LYING_EXPOSURE) < 1e-6 and source.exif.model != "Altum":
        return TRUE_EXPOSURE
    return stated


def _radiometric(source: Source) -> tuple[float, float, float] | None:
    found = source.list("micasense", "radiometriccalibration", 3, 3)
    return (found[0], found[1], found[2]) if found is not None and found[0] > 0 else None


def _vignette(source: Source) -> Vignette | None:
    centre = source.list("camera", "vignettingcenter", 2, 2)
    radial = source.list("camera", "vignettingpolynomial", 1, 12)
    if centre is not None and radial is not None:
        return Vignette(radial, (centre[0], centre[1]))
    return plane_vignette(source)


def plane_vignette(source: Source) -> Vignette | None:
    """The polynomial in x and y that Parrot and later MicaSense cameras state."""
    powers = source.list("camera", "vignettingpolynomial2dname", 2, 160)
    coefficients = source.list("camera", "vignettingpolynomial2d", 1, 80)
    if powers is None or coefficients is None or len(powers) != 2 * len(coefficients):
        return None
    if any(power != int(power) or not 0 <= power <= 12 for power in powers):
        return None
    pairs = tuple((int(n), int(m)) for n, m in zip(powers[::2], powers[1::2], strict=True))
    return Vignette(coefficients, powers=pairs)


def _lens(source: Source) -> Lens | None:
    per_mm = source.exif.pixels_per_mm
    focal = source.xmp.number("camera", "perspectivefocallength")
    centre = source.list("camera", "principalpoint", 2, 2)
    told = source.list("camera", "perspectivedistortion", 5, 5)
    if per_mm is None or focal is None or centre is None or focal <= 0:
        return None
    if source.xmp.text("camera", "perspectivefocallengthunits").lower() == "mm":
        focal *= per_mm
    k1, k2, k3, p1, p2 = told or (0.0, 0.0, 0.0, 0.0, 0.0)
    error = 0.005 if told else 0.02
    return Lens(focal, focal, centre[0] * per_mm, centre[1] * per_mm, (k1, k2, p1, p2, k3), focal_error=error)


def _rig(source: Source) -> tuple[float, float, float] | None:
    found = source.list("camera", "rigrelatives", 3, 3)
    if found is None or max(abs(angle) for angle in found) > 10:
        return None
    return (found[0], found[1], found[2])


def _sun(source: Source) -> SunSensor | None:
    xmp = source.xmp
    spectral = xmp.number("dls", "spectralirradiance")
    horizontal = xmp.number("dls", "horizontalirradiance")
    scale = xmp.number("dls", "irradiancescaletosiunits")
    if scale is None or scale <= 0:
        scale = DLS2_SCALE if horizontal is not None else 1.0
    direct, scattered = xmp.number("dls", "directirradiance"), xmp.number("dls", "scatteredirradiance")
    if spectral is None and horizontal is None and direct is None:
        return None
    return SunSensor(
        spectral=_scaled(spectral, scale),
        horizontal=_scaled(horizontal, scale) if _horizontal_is_right(source) else None,
        direct=_scaled(direct, scale),
        scattered=_scaled(scattered, scale),
        yaw=within(xmp.number("dls", "yaw"), -7.0, 7.0),
        pitch=within(xmp.number("dls", "pitch"), -7.0, 7.0),
        roll=within(xmp.number("dls", "roll"), -7.0, 7.0),
    )


def _scaled(value: float | None, scale: float) -> float | None:
    """In W/m2/nm; what is not above zero was not measured."""
    return value * scale if value is not None and 0 < value * scale < 100 else None


def _horizontal_is_right(source: Source) -> bool:
    since = _HORIZONTAL_SINCE.get(source.exif.model.lower())
    return since is None or version(source.exif.software) >= since


def version(text: str) -> tuple[int, ...]:
    """The numbers of a firmware such as "v5.1.7-34-gabc": (5, 1, 7); () if it has none."""
    found: list[int] = []
    for part in text.strip().lstrip("vV").split("-")[0].split(".")[:4]:
        if not part.isascii() or not part.isdigit() or len(part) > 6:
            break
        found.append(int(part))
    return tuple(found)


def _panel(source: Source) -> SeenPanel | None:
    albedo = within(source.xmp.number("camera", "albedo"), 0.01, 1.0)
    area = source.list("camera", "reflectarea", 8, 8)
    if albedo is None or area is None or source.xmp.number("camera", "calibrationpicture") != 2:
        return None
    width, height = source.pixels()
    corners = tuple(zip(area[::2], area[1::2], strict=True))
    inside = all(math.isfinite(x + y) and 0 <= x < width and 0 <= y < height for x, y in corners)
    return SeenPanel(albedo, corners, source.xmp.text("camera", "panelserial")[:80]) if inside else None
