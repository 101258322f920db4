"""The calibration panel: what makes radiance reflectance, whatever the unit.

A panel of known reflectance (albedo, by its certificate, for each band) is photographed before the flight. With
the mean radiance L of the panel, the light is pi L / albedo, and reflectance is pi L / light.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.multispectral.nouns import PANCHROMATIC, THERMAL, BandFile
from fieldbox.imagery.multispectral.panelcode import albedo_of, find_panel, inside
from fieldbox.imagery.multispectral.radiometry import radiance
from fieldbox.imagery.multispectral.sunlight import Light, light_of
from fieldbox.imagery.multispectral.tags import read_band
from fieldbox.imagery.multispectral.tiff import read_pixels

Region = Sequence[tuple[float, float]]
"""Corners x, y of the panel, in the band's own pixels."""
_LEAST_PIXELS = 100
_MOST_UNKNOWN = 0.02


@dataclass(frozen=True, slots=True)
class PanelBand:
    """The panel in one band."""

    factor: float
    """Radiance times this is reflectance (or, with no albedo, a share of the panel's)."""
    albedo: float | None
    """None: not known, and `factor` is as if it were 1."""
    light: Light | None
    """By the sun sensor, when the panel was photographed."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel capture, by names of bands."""

    bands: Mapping[str, PanelBand] = field(default_factory=dict)
    serial: str = ""

    def knows(self, names: Sequence[str]) -> bool:
        """Whether every one of these bands has an albedo."""
        return all(name in self.bands and self.bands[name].albedo is not None for name in names)


def panel_factor(pixels: NDArray[np.float32], region: Region, albedo: float) -> float:
    """What radiance is to be multiplied with to be reflectance: `albedo` over the mean radiance in `region`.

    Raises Rejected if the region is not in the picture, or the panel is saturated or black there.
    """
    if not 0 < albedo <= 1:
        raise Rejected(
            N_("The reflectance of a panel lies between 0 and 1: look it up in the panel's certificate.")
        )
    corners = np.array(region, np.float64).reshape(-1, 2)
    height, width = pixels.shape
    if (
        len(corners) < 3
        or not np.isfinite(corners).all()
        or corners.min() < 0
        or (corners >= [width, height]).any()
    ):
        raise Rejected(N_("The panel is not inside the picture: mark its corners again."))
    part = pixels[inside(corners, pixels.shape)]
    known = part[np.isfinite(part)]
    if part.size < _LEAST_PIXELS:
        raise Rejected(N_("The panel is too small in the picture: photograph it from closer by."))
    if known.size < (1 - _MOST_UNKNOWN) * part.size or not float(known.mean()) > 0:
        raise Rejected(
            N_(
                "The panel is burnt out or black: photograph it again, out of the shade and not from too close."
            )
        )
    return albedo / float(known.mean(dtype=np.float64))


def read_panel(
    files: Sequence[bytes],
    albedo: Mapping[str, float] | None = None,
    regions: Mapping[str, Region] | None = None,
) -> Panel:
    """The panel in the band files of one exposure.

    `albedo` by names of bands, from the panel's certificate; else what the file or the panel's code states; else
    not known. `regions` where the panel is; else it is looked for. Raises Rejected where it is not found.
    """
    bands: dict[str, PanelBand] = {}
    serial = ""
    for data in files:
        band = read_band(data)
        if band.name in (THERMAL, PANCHROMATIC):
            continue
        found, code = _band(data, band, albedo or {}, (regions or {}).get(band.name))
        bands[band.name] = found
        serial = serial or code
    if not bands:
        raise Rejected(N_("No band of the panel's picture can be used: give the camera's original files."))
    return Panel(bands, serial)


def _band(
    data: bytes, band: BandFile, albedo: Mapping[str, float], region: Region | None
) -> tuple[PanelBand, str]:
    pixels = radiance(band, read_pixels(data)).pixels
    serial, told = "", albedo.get(band.name)
    if region is None and band.panel is not None:
        region, serial = band.panel.corners, band.panel.serial
        told = band.panel.albedo if told is None else told
    if region is None:
        seen = find_panel(pixels)
        if seen is None:
            raise Rejected(
                N_(
                    "The calibration panel was not found in the band {band}: mark its corners in the picture."
                ),
                band=band.name,
            )
        region, serial = [(float(x), float(y)) for x, y in seen.corners], seen.serial
    if told is None and band.wavelength_nm is not None:
        told = albedo_of(serial, band.wavelength_nm)
    factor = panel_factor(pixels, region, 1.0 if told is None else told)
    return PanelBand(factor, told, light_of(band)), serial
