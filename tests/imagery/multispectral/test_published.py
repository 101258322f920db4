"""MicaSense's published procedure, written down once more in plain NumPy, over whole pictures of the real RedEdge set.

The panel's certificate is not with the files: an albedo is assumed here, and only the arithmetic is proven.
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fieldbox.imagery.multispectral.panel import read_panel
from fieldbox.imagery.multispectral.panelcode import find_panel, inside
from fieldbox.imagery.multispectral.radiometry import radiance
from fieldbox.imagery.multispectral.tags import read_band
from fieldbox.imagery.multispectral.tiff import read_pixels
from fieldbox.imagery.spectral import spectral_index
from tests.imagery.photos import real_data

NAMES = ("blue", "green", "red", "nir", "rededge")
ALBEDO = {"blue": 0.67, "green": 0.69, "red": 0.68, "nir": 0.61, "rededge": 0.67}
Array = NDArray[np.float64]


def published(path: Path) -> Array:
    """Radiance, W/m2/nm/sr: L = V(x, y) a1 / gain (p - pBL) / (t + a2 y - a3 t y), p in shares of full scale."""
    with Image.open(path) as image:
        xmp = image.tag_v2[700][0].decode()
        exif = image.getexif()
        shot = exif.get_ifd(0x8769)
        black = np.mean([float(one) for one in str(exif[0xC61A]).strip("()").replace(",", " ").split()])
    numbers = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float64)
    a1, a2, a3 = listed(xmp, "MicaSense:RadiometricCalibration")
    cx, cy = listed(xmp, "Camera:VignettingCenter")
    polynomial = listed(xmp, "Camera:VignettingPolynomial")
    y, x = np.indices(numbers.shape)
    r = np.hypot(x - cx, y - cy)
    vignette = 1 / (1 + sum(factor * r ** (power + 1) for power, factor in enumerate(polynomial)))
    iso = shot.get(0x8833) or shot[0x8827]
    gain, seconds = float(iso) / 100.0, float(shot[0x829A])
    rows = 1 / (1 + a2 * y / seconds - a3 * y)
    return np.asarray(vignette * rows * (numbers - black) / 65536 * a1 / (gain * seconds))


def listed(xmp: str, name: str) -> list[float]:
    found = re.search(rf"<{name}>(.*?)</{name}>", xmp, re.DOTALL)
    assert found, name
    return [float(one) for one in re.findall(r"[-+0-9.eE]{2,}|\d", re.sub(r"<[^>]*>", " ", found[1]))]


@pytest.mark.shared
def test_reflectance_and_ndvi_of_whole_pictures() -> None:
    folder = real_data() / "flights" / "rededge"
    panel_files = [folder / f"IMG_0000_{number}.tif" for number in range(1, 6)]
    panel = read_panel([path.read_bytes() for path in panel_files], ALBEDO)
    ours: dict[str, NDArray[np.float32]] = {}
    theirs: dict[str, Array] = {}
    for number, name in enumerate(NAMES, start=1):
        plain = published(folder / f"IMG_0000_{number}.tif")
        seen = find_panel(plain.astype(np.float32))
        assert seen
        factor = ALBEDO[name] / plain[inside(seen.corners, plain.shape)].mean()
        data = (folder / f"IMG_0001_{number}.tif").read_bytes()
        band = read_band(data)
        assert band.name == name
        ours[name] = radiance(band, read_pixels(data)).pixels * panel.bands[name].factor
        theirs[name] = published(folder / f"IMG_0001_{number}.tif") * factor
        known = np.isfinite(ours[name])
        assert known.mean() > 0.9
        assert np.abs(ours[name] - theirs[name])[known].max() < 0.01, name
    stack = np.dstack([ours["red"], ours["nir"]])
    ndvi = spectral_index("NDVI", stack, ("red", "nir"))
    plain = (theirs["nir"] - theirs["red"]) / (theirs["nir"] + theirs["red"])
    known = np.isfinite(ndvi)
    assert known.mean() > 0.9
    assert np.abs(ndvi - plain)[known].max() < 0.01
