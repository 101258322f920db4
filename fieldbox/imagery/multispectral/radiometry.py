"""Digital numbers to radiance, by each maker's published procedure.

MicaSense (public tutorials and library), W/m2/sr/nm:

    L = V R (p - B) a1 / (gain t 2^bits),  R = 1 / (1 + a2 y / t - a3 y),  V = 1 / vignette

Parrot Sequoia (SEQ-AN-01), in a unit of its own, the same for all pixels of a band:

    I = f^2 (p - B) / (A t ISO + C) / vignette

DJI P4M and M3M (image processing guides; scaled as OpenDroneMap does it), in a unit of its own:

    I = (p - B) / 2^bits vignette / (gain t) SensorGainAdjustment

A pixel that is saturated, or not above the black level, is unknown (NaN), not bright or dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.multispectral.nouns import BandFile, Maker, Vignette

_STRIP = 1 << 16
"""Pixels worked on at a time, in float64: bounded memory, and what stays in a processor's cache is faster."""
_LEAST_VIGNETTE = 0.02
"""A lens that loses more light than this, or none at all by a polynomial gone wrong, tells nothing there."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """Radiance of one band in the band's own pixels."""

    pixels: NDArray[np.float32]
    """[h, w]; NaN where saturated or black."""
    saturated: float
    """Share of the pixels, 0 to 1."""


def radiance(band: BandFile, numbers: NDArray[np.uint16]) -> Exposed:
    """Radiance of `numbers`, uint16 [h, w], as `band` tells.

    Raises Rejected, with one sentence, if the file does not state what its maker's formula needs.
    """
    if numbers.shape != (band.height, band.width):
        raise ValueError(f"pixels {numbers.shape} are not those of a band of {band.width} x {band.height}")
    scale, black = _scale(band), band.black_level or 0.0
    full = saturation(numbers)
    pixels = np.empty(numbers.shape, np.float32)
    burnt = 0
    rows = max(1, _STRIP // band.width)
    for top in range(0, band.height, rows):
        strip = numbers[top : top + rows]
        y = np.arange(top, top + strip.shape[0], dtype=np.float64)
        light = strip.astype(np.float64)
        light -= black
        unknown = (strip >= full) | (light <= 0)
        burnt += int(np.count_nonzero(strip >= full))
        light *= scale
        if band.vignette is not None:
            _even(light, vignette(band.vignette, band.width, band.height, y), band.vignette.multiplies)
        if band.maker is Maker.MICASENSE:
            light *= _rows(band, y)[:, None]
        light[unknown] = np.nan
        pixels[top : top + rows] = light
    return Exposed(pixels, burnt / numbers.size)


def saturation(numbers: NDArray[np.uint16]) -> int:
    """The number that a saturated pixel has: samples of 10 or 12 bits are stored in the high bits of 16."""
    used = int(np.bitwise_or.reduce(numbers, axis=None))
    spare = (used & -used).bit_length() - 1 if used else 0
    return 0xFFFF & ~((1 << min(spare, 8)) - 1)


def vignette(model: Vignette, width: int, height: int, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The polynomial of `model` for the rows `y`: float64 [len(y), width]; see `Vignette`."""
    x = np.arange(width, dtype=np.float64)
    if model.powers:
        value = np.zeros((len(y), width))
        across, down = x / width, y / height
        for (n, m), coefficient in zip(model.powers, model.coefficients, strict=True):
            value += coefficient * np.outer(down**m, across**n)
        return value
    r = np.hypot(x[None, :] - model.centre[0], y[:, None] - model.centre[1])
    value = np.zeros_like(r)
    for coefficient in reversed(model.coefficients):
        value += coefficient
        value *= r
    value += 1.0
    return value


def _even(light: NDArray[np.float64], lens: NDArray[np.float64], multiplies: bool) -> None:
    lens[~(lens > _LEAST_VIGNETTE)] = np.nan
    if multiplies:
        light *= lens
    else:
        light /= lens


def _rows(band: BandFile, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """MicaSense's correction of the rows, which are read one after the other."""
    if band.radiometric is None or band.exposure_s is None:
        raise _untold("RadiometricCalibration")
    _, a2, a3 = band.radiometric
    below = 1.0 + a2 * y / band.exposure_s - a3 * y
    below[~(below > _LEAST_VIGNETTE)] = np.nan
    return np.asarray(1.0 / below)


def _scale(band: BandFile) -> float:
    """What a number above black is worth, before vignette and rows."""
    if band.exposure_s is None:
        raise _untold("ExposureTime")
    if band.gain is None:
        raise _untold("SensorGain" if band.maker is Maker.DJI else "ISOSpeed")
    if band.maker is Maker.MICASENSE:
        if band.radiometric is None:
            raise _untold("RadiometricCalibration")
        return band.radiometric[0] / (band.gain * band.exposure_s * 2.0**band.bits)
    if band.maker is Maker.PARROT:
        if band.radiometric is None or band.f_number is None:
            raise _untold("SensorModel" if band.radiometric is None else "FNumber")
        a, _, c = band.radiometric
        return band.f_number**2 / (a * band.exposure_s * band.gain + c)
    if band.black_level is None:
        raise _untold("BlackLevel")
    if band.gain_adjustment is None:
        raise _untold("SensorGainAdjustment")
    return band.gain_adjustment / (2.0**band.bits * band.gain * band.exposure_s)


def _untold(tag: str) -> Rejected:
    return Rejected(
        N_(
            "The band file does not state {tag}, which its maker's calibration needs: give the camera's original files."
        ),
        tag=tag,
    )
