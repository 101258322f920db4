"""One band of numbers as a GeoTIFF."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from fieldbox.mapping.files import replacing


def write_cog(
    values: NDArray[np.float32],
    told: str,
    epsg: int,
    transform: Affine,
    path: Path,
    tags: Mapping[str, str] | None = None,
) -> None:
    """[rows, columns], row 0 in the north, as a GeoTIFF for the web; NaN is no value. `told` says what the numbers are."""
    rows, columns = values.shape
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 1,
        "dtype": "float32",
        "nodata": math.nan,
        "crs": f"EPSG:{epsg}",
        "transform": transform,
    }
    with replacing(path) as target, MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.set_band_description(1, told)
            raster.update_tags(**(tags or {}))
            raster.write(values, 1)
        try:
            with memory.open() as raster:
                rasterio.shutil.copy(raster, target, driver="COG", compress="DEFLATE", blocksize=256)
        except RasterioError as error:
            raise OSError(str(error)) from error
