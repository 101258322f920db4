"""Map tiles out of the rasters of a survey: web Mercator (EPSG:3857) squares of 256 pixels.

A tile is warped straight from the survey's GeoTIFF; GDAL picks the overview. Nothing is written to
disk: the reader's browser keeps tiles for good, since a survey never changes under its id.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform, transform_bounds

from fieldbox.dashboard.layers import Layer, encode_png, index_values
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

SIZE = 256
MAX_ZOOM = 25
_HALF_WORLD = math.pi * 6378137.0
_EMPTY_ALPHA = 0
CACHE_MB = 16
"""Of GDAL: its default is 5 % of the machine's memory."""


class Picture(NamedTuple):
    """An encoded image."""

    data: bytes
    mime: str


class Bounds(NamedTuple):
    """West, south, east, north in the unit of the reference system."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a raster lies: degrees (WGS 84), the EPSG code of its own system and its pixel in metres."""

    bounds: Bounds
    epsg: int
    pixel_m: float

    @property
    def native_zoom(self) -> int:
        """The first zoom whose tiles lose no detail of the raster (256-pixel tiles)."""
        middle = math.radians((self.bounds.south + self.bounds.north) / 2)
        world_pixel_m = 2 * _HALF_WORLD * math.cos(middle) / SIZE
        return max(0, min(MAX_ZOOM, math.ceil(math.log2(world_pixel_m / self.pixel_m))))


def _blank() -> Picture:
    out = io.BytesIO()
    Image.new("P", (1, 1)).save(out, "PNG", transparency=bytes([_EMPTY_ALPHA]))
    return Picture(out.getvalue(), "image/png")


BLANK = _blank()
"""One transparent pixel, for ground that the raster does not show."""


def tile_bounds(z: int, x: int, y: int) -> Bounds:
    """The square of tile `x`, `y` (from the north-west) at zoom `z` in EPSG:3857 metres.

    Raises ValueError for a tile that does not exist.
    """
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise ValueError(f"no tile {z}/{x}/{y}")
    side = 2 * _HALF_WORLD / 2**z
    west, north = x * side - _HALF_WORLD, _HALF_WORLD - y * side
    return Bounds(west, north - side, west + side, north)


def _open(path: Path) -> rasterio.DatasetReader:
    try:
        return rasterio.open(path, driver="GTiff")
    except RasterioError:
        raise Misconfigured(
            N_("The map picture {file} is missing or damaged: run the flight again to make it anew."),
            file=path.name,
        ) from None


def environment() -> rasterio.Env:
    """GDAL as a small server needs it: a small cache, no search for side-car files."""
    return rasterio.Env(GDAL_CACHEMAX=CACHE_MB, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")


def extent(path: Path) -> Extent:
    """Where the raster at `path` lies. Raises Misconfigured if it cannot be read."""
    with environment(), _open(path) as source:
        west, south, east, north = transform_bounds(source.crs, "EPSG:4326", *source.bounds)
        return Extent(Bounds(west, south, east, north), source.crs.to_epsg() or 0, abs(source.transform.a))


def to_degrees(
    epsg: int, east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes (WGS 84) of ground points [N] in `epsg`."""
    lon, lat = transform(f"EPSG:{epsg}", "EPSG:4326", east, north)
    return np.asarray(lon), np.asarray(lat)


def to_metres(epsg: int, bounds: Bounds) -> Bounds:
    """The box in `epsg` that holds the box `bounds` in degrees."""
    return Bounds(*transform_bounds("EPSG:4326", f"EPSG:{epsg}", *bounds))


def mosaic_tile(path: Path, z: int, x: int, y: int) -> Picture:
    """One tile of the mosaic: JPEG where it is all photo, WebP with transparency at the edges."""
    with environment(), _open(path) as source:
        bounds = tile_bounds(z, x, y)
        if not _touches(source, bounds):
            return BLANK
        with _warp(
            source, bounds, Resampling.bilinear, alpha=ColorInterp.alpha not in source.colorinterp
        ) as view:
            return encode_photo(view.read(indexes=[1, 2, 3]), view.dataset_mask())


def layer_tile(path: Path, layer: Layer, z: int, x: int, y: int) -> Picture:
    """One tile of a layer of the field map: a palette PNG, cells with sharp edges, NaN transparent."""
    with environment(), _open(path) as source:
        bounds = tile_bounds(z, x, y)
        if layer.band not in source.descriptions or not _touches(source, bounds):
            return BLANK
        with _warp(source, bounds, Resampling.nearest, alpha=False) as view:
            values = view.read(source.descriptions.index(layer.band) + 1)
        index = index_values(values, layer)
        return Picture(encode_png(index, layer), "image/png") if index.any() else BLANK


def overview(path: Path, longest_px: int) -> Picture:
    """The whole mosaic, its longer side at most `longest_px` pixels."""
    with environment(), _open(path) as source:
        shrink = max(1.0, max(source.shape) / longest_px)
        shape = (max(1, round(source.height / shrink)), max(1, round(source.width / shrink)))
        pixels = source.read(indexes=[1, 2, 3], out_shape=(3, *shape), resampling=Resampling.average)
        return encode_photo(pixels, source.dataset_mask(out_shape=shape))


def _touches(source: rasterio.DatasetReader, tile: Bounds) -> bool:
    west, south, east, north = transform_bounds(source.crs, "EPSG:3857", *source.bounds)
    return bool(west < tile.east and east > tile.west and south < tile.north and north > tile.south)


def _warp(source: rasterio.DatasetReader, tile: Bounds, how: Resampling, *, alpha: bool) -> WarpedVRT:
    return WarpedVRT(
        source,
        crs="EPSG:3857",
        transform=from_bounds(*tile, SIZE, SIZE),
        width=SIZE,
        height=SIZE,
        resampling=how,
        add_alpha=alpha,
        warp_mem_limit=16,
    )


def encode_photo(rgb: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Picture:
    """Encode uint8 [3, h, w] with its mask [h, w] (0 is not seen)."""
    pixels = np.ascontiguousarray(rgb.transpose(1, 2, 0))
    if not mask.any():
        return BLANK
    out = io.BytesIO()
    if mask.all():
        Image.fromarray(pixels).save(out, "JPEG", quality=82)
        return Picture(out.getvalue(), "image/jpeg")
    Image.fromarray(np.dstack([pixels, mask])).save(out, "WEBP", quality=80, method=2)
    return Picture(out.getvalue(), "image/webp")
