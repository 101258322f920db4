"""A mosaic read as one small picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from fieldbox.errors import Misconfigured
from fieldbox.mapping.backdrop import read_overview


@pytest.mark.parametrize("long_side", [50, 1000])
def test_a_place_stays_where_it_is(tmp_path: Path, long_side: int) -> None:
    pixels = np.zeros((3, 200, 300), np.uint8)
    pixels[0, 100:120, 240:260] = 255
    mask = np.full((200, 300), 255, np.uint8)
    mask[:, :60] = 0
    profile = {
        "driver": "GTiff", "width": 300, "height": 200, "count": 3, "dtype": "uint8",
        "crs": "EPSG:32643", "transform": rasterio.Affine(0.1, 0, 1000, 0, -0.1, 2000),
    }  # fmt: skip
    with rasterio.open(tmp_path / "mosaic.tif", "w", **profile) as raster:
        raster.write(pixels)
        raster.write_mask(mask)
    found = read_overview(tmp_path / "mosaic.tif", long_side)
    assert max(found.seen.shape) == min(long_side, 300)
    assert (found.epsg, found.west, found.north) == (32643, 1000, 2000)
    row, column = np.nonzero(found.pixels[..., 0] > 127)
    assert found.west + (column.mean() + 0.5) * found.pixel_m == pytest.approx(1025, abs=0.1)
    assert found.north - (row.mean() + 0.5) * found.pixel_m == pytest.approx(1989, abs=0.1)
    assert found.seen.mean() == pytest.approx(0.8, abs=0.02)


def test_what_is_no_mosaic_is_told(tmp_path: Path) -> None:
    (tmp_path / "mosaic.tif").write_bytes(b"no picture")
    with pytest.raises(Misconfigured, match="cannot be read as a mosaic"):
        read_overview(tmp_path / "mosaic.tif", 100)
