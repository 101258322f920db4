"""A mosaic as one small picture, for drawings that lie over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_


@dataclass(frozen=True, eq=False, slots=True)
class Overview:
    """A picture of the ground, north up. East and north in the zone `epsg`."""

    pixels: NDArray[np.uint8]
    """[H, W, 3] red, green, blue."""
    seen: NDArray[np.bool_]
    """[H, W] where there is a picture."""
    epsg: int
    west: float
    north: float
    pixel_m: float


def read_overview(path: Path, long_side: int) -> Overview:
    """The mosaic at `path`, at most `long_side` pixels long. Raises Misconfigured if it cannot be read."""
    try:
        with rasterio.open(path) as raster:
            less = max(1.0, max(raster.width, raster.height) / long_side)
            rows, columns = (max(1, math.ceil(one / less)) for one in (raster.height, raster.width))
            pixels = raster.read((1, 2, 3), out_shape=(3, rows, columns), resampling=Resampling.average)
            mask = raster.dataset_mask(out_shape=(rows, columns))
            transform = raster.transform
            return Overview(
                np.ascontiguousarray(np.moveaxis(pixels, 0, -1)),
                np.asarray(mask > 127),
                int(raster.crs.to_epsg()),
                float(transform.c),
                float(transform.f),
                float(transform.a) * raster.width / columns,
            )
    except RasterioError as error:
        raise Misconfigured(N_("{name} cannot be read as a mosaic."), name=path.name) from error
