"""A picture to look at, of developed bands: the same numbers give the same colours in all photos of a flight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.imagery.multispectral.developed import Developed

NATURAL = ("red", "green", "blue")
FALSE_COLOURS = (("nir", "red", "green"), ("nir", "rededge", "red"), ("nir", "rededge", "green"))
"""What is shown as red, green and blue where a camera has no blue: colour infrared, as aerial photographs have it."""
_GAMMA = 1 / 2.2
_WHITE, _WHITE_NIR = 0.35, 0.80
"""Reflectance shown as full brightness: dry bare soil is at 0.3 in the visible, dense leaves at 0.6 in the near infrared."""
_BRIGHT = 98.0
"""Percentile of a flight's numbers that is shown as full brightness where they are not on a scale of reflectance."""


class Scaling(NamedTuple):
    """What number of a band is shown as full brightness, for red, green and blue of the picture."""

    red: float
    green: float
    blue: float


REFLECTANCE = Scaling(_WHITE, _WHITE, _WHITE)
REFLECTANCE_FALSE = Scaling(_WHITE_NIR, _WHITE, _WHITE)


class Shown(NamedTuple):
    """Which bands make the picture's red, green and blue."""

    bands: tuple[str, str, str]
    natural: bool


def shown_bands(names: Sequence[str]) -> Shown:
    """Natural colours where the bands are there, else a false colour; bands may be shown twice if there are fewer."""
    if set(NATURAL) <= set(names):
        return Shown(NATURAL, True)
    for choice in FALSE_COLOURS:
        if set(choice) <= set(names):
            return Shown(choice, False)
    if not names:
        raise ValueError("there are no bands to show")
    long = list(reversed(names))
    return Shown((long[0], long[len(long) // 2], long[-1]), False)


def scaling_of(sample: Iterable[Developed]) -> Scaling:
    """One scaling for a flight, from some of its exposures (of one camera). Raises ValueError for none.

    Fixed for what is on the scale of reflectance; else the median, over the sample, of each band's bright end.
    """
    ends: list[list[float]] = []
    for developed in sample:
        shown = shown_bands(developed.names)
        if developed.like_reflectance:
            return REFLECTANCE if shown.natural else REFLECTANCE_FALSE
        ends.append([_bright_end(developed.plane(name)) for name in shown.bands])
    known = np.array(ends, np.float64).reshape(-1, 3)
    if not np.isfinite(known).any(axis=0).all():
        raise ValueError("no exposure to take a scaling from")
    red, green, blue = np.nanmedian(known, axis=0).tolist()
    return Scaling(red, green, blue)


def picture(developed: Developed, scaling: Scaling | None = None) -> NDArray[np.uint8]:
    """uint8 [h, w, 3], RGB; a pixel that is unknown in one of its three bands is black.

    `scaling` is the flight's (`scaling_of`); only what is on the scale of reflectance can do without. Raises
    ValueError where it is needed and not given.
    """
    shown = shown_bands(developed.names)
    if scaling is None:
        if not developed.like_reflectance:
            raise ValueError("numbers that are no reflectance need the scaling of their flight")
        scaling = REFLECTANCE if shown.natural else REFLECTANCE_FALSE
    height, width = developed.bands.shape[:2]
    known = np.logical_and.reduce([np.isfinite(developed.plane(name)) for name in shown.bands])
    rgb = np.empty((height, width, 3), np.uint8)
    for channel, (name, white) in enumerate(zip(shown.bands, scaling, strict=True)):
        share = np.where(known, developed.plane(name), 0) / np.float32(white)
        np.clip(share, 0, 1, out=share)
        rgb[:, :, channel] = np.rint(255 * share ** np.float32(_GAMMA))
    return rgb


def _bright_end(plane: NDArray[np.float32]) -> float:
    known = plane[::4, ::4]
    known = known[np.isfinite(known)]
    return max(float(np.percentile(known, _BRIGHT)), 1e-12) if known.size else float("nan")
