"""What changed, as files that other programs read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
import shapely
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from fieldbox.domain import CellChange, ChangedSpot, change_name
from fieldbox.mapping.export import Features
from fieldbox.mapping.files import north_up, replacing

CHANGE_BANDS = (
    "call",
    "density_before",
    "density_after",
    "density_error",
    "cover_before",
    "cover_after",
    "cover_error",
    "chance",
    "seen",
)


def spot_features(spots: tuple[ChangedSpot, ...]) -> Features:
    """The spots with what became of each; densities in weeds per square metre, NaN where not known."""

    def numbers(values: list[float | None], digits: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.round(np.array([math.nan if one is None else one for one in values], float), digits)

    return Features(
        [shapely.Polygon(one.patch[0], one.patch[1:]) for one in spots],
        {
            "name": np.array([change_name(place) for place in range(1, len(spots) + 1)], object),
            "became": np.array([one.became.value for one in spots], object),
            "area_m2": numbers([one.area_m2 for one in spots], 2),
            "before": numbers([one.before for one in spots], 3),
            "after": numbers([one.after for one in spots], 3),
            "weeds": numbers([one.count_change for one in spots], 1),
            "cover_pct0": numbers([one.cover_before_pct for one in spots], 3),
            "cover_pct1": numbers([one.cover_after_pct for one in spots], 3),
            "lat": numbers([one.lat for one in spots], 8),
            "lon": numbers([one.lon for one in spots], 8),
        },
    )


def write_cells(cells: CellChange, path: Path) -> None:
    """Write what changed cell by cell as a GeoTIFF for the web: one float32 band a layer, NaN where not compared."""
    rows, columns = cells.call.shape
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": len(CHANGE_BANDS),
        "dtype": "float32",
        "nodata": math.nan,
        "crs": f"EPSG:{cells.epsg}",
        "transform": north_up(cells.west, cells.north, cells.cell_m),
    }
    with replacing(path) as target, MemoryFile() as memory:
        with memory.open(**profile) as raster:
            for band, name in enumerate(CHANGE_BANDS, start=1):
                raster.set_band_description(band, name)
                raster.write(getattr(cells, name), band)
        try:
            with memory.open() as raster:
                rasterio.shutil.copy(raster, target, driver="COG", compress="DEFLATE", blocksize=256)
        except RasterioError as error:
            raise OSError(str(error)) from error
