"""Two mosaics without a single plant called are laid on each other by their soil, and not by chance."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray

from fieldbox.georef.sameground import Bounds
from fieldbox.mapping.files import north_up
from fieldbox.overlaying import Mosaic, agree_by_pictures

WEST, NORTH, GSD_M = 419_850.0, 2_052_460.0, 0.02
SIDE_PX = 700
GROUND = (WEST - 1, NORTH - 15, WEST + 15, NORTH + 1)


def soil(seed: int) -> NDArray[np.uint8]:
    """Clods, and rows of a crop that repeat every 0.75 m."""
    rng = np.random.default_rng(seed)
    grey = sum(
        cv2.GaussianBlur(rng.normal(0, 1, (SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), size) * size * 60
        for size in (1.5, 4.0)
    )
    rows = 40 * np.cos(2 * np.pi * np.arange(SIDE_PX) * GSD_M / 0.75)
    shown = np.clip(110 + grey + rows[None], 0, 255)
    return np.repeat(np.asarray(shown, np.uint8)[..., None], 3, axis=2)


def mosaic(path: Path, picture: NDArray[np.uint8], east: float = 0.0, north: float = 0.0) -> Mosaic:
    """Written with its upper left corner moved, and without a picture in a corner."""
    profile = {
        "driver": "GTiff", "width": SIDE_PX, "height": SIDE_PX, "count": 3, "dtype": "uint8", "crs": "EPSG:32643",
        "transform": north_up(WEST + east, NORTH + north, GSD_M),
    }  # fmt: skip
    mask = np.full((SIDE_PX, SIDE_PX), 255, np.uint8)
    mask[:150, :150] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as raster:
        raster.write(np.moveaxis(picture * (mask[..., None] > 0), 2, 0))
        raster.write_mask(mask)
    return Mosaic(path, GROUND)


def test_the_same_soil_tells_how_the_maps_lie(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    before = soil(1)
    turned = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), 1.5, 1.02)
    later = cv2.warpAffine(before, turned, (SIDE_PX, SIDE_PX)).astype(float) * 0.8 + rng.normal(
        0, 4, before.shape
    )
    found = agree_by_pictures(
        mosaic(tmp_path / "before.tif", before),
        mosaic(tmp_path / "after.tif", np.clip(later, 0, 255).astype(np.uint8), 0.75, -0.4),
        Bounds(2.5, 0.04, 3.0),
    )
    assert found is not None
    pixels = np.array([[350.0, 350.0], [600.0, 200.0], [200.0, 600.0]])
    places = np.array([WEST, NORTH]) + (pixels + 0.5) * (GSD_M, -GSD_M)
    moved = pixels @ turned[:, :2].T + turned[:, 2]
    truth = np.array([WEST + 0.75, NORTH - 0.4]) + (moved + 0.5) * (GSD_M, -GSD_M)
    assert np.abs(found.lying.of(places) - truth).max() < GSD_M
    assert found.error_m < 0.03


def test_other_soil_with_the_same_rows_tells_nothing(tmp_path: Path) -> None:
    one, other = mosaic(tmp_path / "a.tif", soil(1)), mosaic(tmp_path / "b.tif", soil(2), 0.3)
    assert agree_by_pictures(one, other, Bounds(2.5, 0.02, 2.0)) is None


def test_nothing_to_hold_on_to_tells_nothing(tmp_path: Path) -> None:
    plain = np.full((SIDE_PX, SIDE_PX, 3), 120, np.uint8)
    assert (
        agree_by_pictures(mosaic(tmp_path / "a.tif", plain), mosaic(tmp_path / "b.tif", plain), Bounds(2.0))
        is None
    )
