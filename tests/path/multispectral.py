"""A simulated flight with a multispectral camera: the bands are made of the photos of a simulated colour camera."""

from __future__ import annotations

import math
import re
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from tests.imagery.multispectral.bandfiles import tiff

WAVES = {"Blue": 475, "Green": 560, "Red": 668, "Red edge": 717, "NIR": 840}
SUN = 1.2
"""Irradiance, W/m2/nm, the same in all bands."""
_TAG = re.compile(rb'(drone-dji):(\w+)="([^"]*)"')


def reflectance(photo: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Of each band, where the photo [h, w, 3] shows plants (green) and soil."""
    red, green, blue = (0.35 * (photo[..., channel] / 255.0) ** 2.2 for channel in range(3))
    leaf = np.clip((2 * green - red - blue) / (red + green + blue + 1e-3) * 4, 0, 1)
    return {
        "Blue": blue + 0.005, "Green": green + 0.005, "Red": red + 0.005,
        "Red edge": red + 0.02 + 0.15 * leaf, "NIR": 1.2 * red + 0.03 + 0.40 * leaf,
    }  # fmt: skip


FEW = 6
"""Exposures that are flight enough."""


def refly(card: Path, out: Path, shift: int = 0, most: int | None = None) -> int:
    """Write the bands of the first `most` photos of `card` into `out`, under names that tell nothing; the number of exposures.

    Each band is off by some `shift` pixels from the others, as the cameras of a rig are.
    """
    out.mkdir()
    photos = sorted(card.glob("*.JPG")) or sorted(card.glob("*.jpg"))
    photos = photos[:most]
    for number, path in enumerate(photos):
        data = path.read_bytes()
        told = {f"{m[1].decode()}:{m[2].decode()}": m[3].decode() for m in _TAG.finditer(data)}
        bands = reflectance(simplejpeg.decode_jpeg(data))
        for place, (name, values) in enumerate(bands.items()):
            moved = np.roll(values, ((place - 2) * shift, (2 - place) * shift), (0, 1))
            file = out / f"{(number * 7 + place * 3) % 10}{number:03d}{'edcba'[place]}.TIF"
            file.write_bytes(_band(name, moved, told, capture=f"C{number}", time=path.stem))
    return len(photos)


def _band(name: str, values: NDArray[np.float64], told: dict[str, str], *, capture: str, time: str) -> bytes:
    black, exposure, a1, gain = 4800.0, 0.0005, 2e-4, 1.0
    radiance = values * SUN / math.pi
    pixels = np.clip(np.rint(black + radiance * gain * exposure * 65536 / a1), 0, 65535).astype(np.uint16)
    rows, columns = pixels.shape
    kept = {key: value for key, value in told.items() if "Calibrated" not in key and "Dewarp" not in key}
    tags = kept | {
        "MicaSense:CaptureId": capture, "Camera:BandName": name, "Camera:CentralWavelength": str(WAVES[name]),
        "MicaSense:RadiometricCalibration": f"{a1},0.0,0.0", "Camera:VignettingCenter": f"{columns / 2},{rows / 2}",
        "Camera:VignettingPolynomial": "0.0,0.0", "Camera:BlackCurrent": str(black),
        "Camera:PerspectiveFocalLength": told["drone-dji:CalibratedFocalLength"],
        "Camera:PerspectiveFocalLengthUnits": "pixels",
        "Camera:PrincipalPoint": f"{columns / 2 / 200},{rows / 2 / 200}",
        "DLS:HorizontalIrradiance": str(SUN), "DLS:SpectralIrradiance": str(SUN), "DLS:IrradianceScaleToSIUnits": "1.0",
    }  # fmt: skip
    del time
    return tiff(pixels, tags, make="MicaSense", model="RedEdge-M", black=black, exposure=exposure, iso=100)


def ndvi_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """NDVI of a photo's reflectance."""
    bands = reflectance(picture)
    return np.asarray((bands["NIR"] - bands["Red"]) / (bands["NIR"] + bands["Red"]))


def blurred(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Means of squares."""
    return np.asarray(cv2.blur(values, (size, size)))
