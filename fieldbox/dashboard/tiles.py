"""Map tiles out of the rasters of a survey: web Mercator (EPSG:3857) squares of 256 pixels.

A tile is cut straight from the survey's GeoTIFF, at the scale of its overviews. Nothing is written to
disk: the reader's browser keeps tiles for good, since a survey never changes under its id.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import transform, transform_bounds
from rasterio.windows import Window

from fieldbox.dashboard.layers import Layer, encode_png, index_values
from fieldbox.dashboard.ports import Picture
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

SIZE = 256
MAX_ZOOM = 25
HALF_WORLD_M = math.pi * 6378137.0
_EMPTY_ALPHA = 0
_KNOTS = 17
CACHE_MB = 8
"""Of GDAL: its default is 5 % of the machine's memory."""


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
        world_pixel_m = 2 * HALF_WORLD_M * math.cos(middle) / SIZE
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
    side = 2 * HALF_WORLD_M / 2**z
    west, north = x * side - HALF_WORLD_M, HALF_WORLD_M - y * side
    return Bounds(west, north - side, west + side, north)


def open_raster(path: Path, **options: int) -> rasterio.DatasetReader:
    """A raster of a survey, in an `environment`. Raises Misconfigured if it cannot be read."""
    try:
        return rasterio.open(path, driver="GTiff", **options)
    except RasterioError:
        raise missing(path.name) from None


def missing(name: str) -> Misconfigured:
    """That a raster of a survey is not there."""
    told = N_("The map picture {file} is missing or damaged: run the flight again to make it anew.")
    return Misconfigured(told, file=name)


def environment() -> rasterio.Env:
    """GDAL as a small server needs it: a small cache, no search for side-car files."""
    return rasterio.Env(GDAL_CACHEMAX=CACHE_MB << 20, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")


def extent(path: Path) -> Extent:
    """Where the raster at `path` lies. Raises Misconfigured if it cannot be read."""
    with environment(), open_raster(path) as source:
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
    with _under(path, tile_bounds(z, x, y)) as (source, cut):
        if cut is None:
            return BLANK
        rgb = source.read([1, 2, 3], window=cut.window)
        mask = source.dataset_mask(window=cut.window)
    return encode_photo(*_bilinear(rgb, mask, cut))


def layer_tile(path: Path, layer: Layer, z: int, x: int, y: int) -> Picture:
    """One tile of a layer of the field map: a palette PNG, cells with sharp edges, NaN transparent."""
    with _under(path, tile_bounds(z, x, y)) as (source, cut):
        if cut is None or layer.band not in source.descriptions:
            return BLANK
        values = source.read(source.descriptions.index(layer.band) + 1, window=cut.window)
    row, column, inside = cut.nearest()
    index = index_values(np.where(inside, values[row, column], np.float32(np.nan)), layer)
    return Picture(encode_png(index, layer), "image/png") if index.any() else BLANK


def cells_under(
    path: Path, z: int, x: int, y: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Row, column and whether it lies in the raster, [256, 256] each, for the pixels of a tile."""
    with environment(), open_raster(path) as source:
        columns, rows = (np.floor(each).astype(np.intp) for each in _places(source, tile_bounds(z, x, y)))
        inside = (rows >= 0) & (rows < source.height) & (columns >= 0) & (columns < source.width)
        return rows.clip(0, source.height - 1), columns.clip(0, source.width - 1), inside


def overview(path: Path, longest_px: int) -> Picture:
    """The whole mosaic, its longer side at most `longest_px` pixels."""
    with environment(), open_raster(path) as source:
        shrink = max(1.0, max(source.shape) / longest_px)
        shape = (max(1, round(source.height / shrink)), max(1, round(source.width / shrink)))
        pixels = source.read(indexes=[1, 2, 3], out_shape=(3, *shape), resampling=Resampling.average)
        return encode_photo(pixels, source.dataset_mask(out_shape=shape))


@dataclass(frozen=True, eq=False, slots=True)
class _Cut:
    """The part of a raster under a tile, and where in it each pixel of the tile lies."""

    window: Window
    row: NDArray[np.float64]
    """[256, 256] in the window; (0, 0) is the centre of its first pixel."""
    column: NDArray[np.float64]

    def nearest(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """Row, column and whether it lies in the window, for each pixel of the tile."""
        row, column = (np.rint(each).astype(np.intp) for each in (self.row, self.column))
        rows, columns = self.window.height, self.window.width
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        return row.clip(0, rows - 1), column.clip(0, columns - 1), inside


@contextmanager
def _under(path: Path, tile: Bounds) -> Iterator[tuple[rasterio.DatasetReader, _Cut | None]]:
    """The raster opened at the coarsest overview that loses nothing in this tile, and the cut to read of it.

    None for a tile that does not touch the raster. (GDAL's warper does not look at overviews here: a
    tile far out took 2 s where this takes 20 ms; and a mask read at a reduced scale took 70 ms for 1.)
    """
    with environment(), open_raster(path) as source:
        column, row = _places(source, tile)
        step = max(float(np.ptp(column)), float(np.ptp(row))) / SIZE
        levels = [level for level, factor in enumerate(source.overviews(1)) if factor <= step]
        if not levels:
            yield source, _cut(source, row, column)
            return
        with open_raster(path, overview_level=levels[-1]) as coarse:
            down, across = coarse.height / source.height, coarse.width / source.width
            yield coarse, _cut(coarse, row * down, column * across)


def _cut(
    source: rasterio.DatasetReader, row: NDArray[np.float64], column: NDArray[np.float64]
) -> _Cut | None:
    west, east = _clip(column, source.width)
    north, south = _clip(row, source.height)
    if west >= east or north >= south:
        return None
    return _Cut(Window(west, north, east - west, south - north), row - north - 0.5, column - west - 0.5)


def _clip(place: NDArray[np.float64], length: int) -> tuple[int, int]:
    """The range of pixels that `place` needs, with one to spare, within 0 and `length`."""
    low, high = math.floor(place.min()) - 1, math.ceil(place.max()) + 1
    return min(max(low, 0), length), max(min(high, length), 0)


def _places(source: rasterio.DatasetReader, tile: Bounds) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column and row (edges of pixels are whole numbers) of the centre of each pixel of the tile.

    The map projection is computed for 17 x 17 points and interpolated between them: over the width of
    a field it is all but linear.
    """
    along = np.linspace(0.0, 1.0, _KNOTS)
    x, y = np.meshgrid(
        tile.west + along * (tile.east - tile.west), tile.north - along * (tile.north - tile.south)
    )
    east, north = (np.asarray(each) for each in transform("EPSG:3857", source.crs, x.ravel(), y.ravel()))
    to_pixel = ~source.transform
    column = (to_pixel.a * east + to_pixel.b * north + to_pixel.c).reshape(_KNOTS, _KNOTS)
    row = (to_pixel.d * east + to_pixel.e * north + to_pixel.f).reshape(_KNOTS, _KNOTS)
    return _between(column), _between(row)


def _between(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate [17, 17] values linearly to the centres of the tile's pixels, [256, 256]."""
    place = (np.arange(SIZE) + 0.5) / SIZE * (_KNOTS - 1)
    first = place.astype(int)
    share = place - first
    rows = knots[first] * (1 - share)[:, None] + knots[first + 1] * share[:, None]
    return np.asarray(rows[:, first] * (1 - share) + rows[:, first + 1] * share)


def _bilinear(
    rgb: NDArray[np.uint8], mask: NDArray[np.uint8], cut: _Cut
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Sample the pixels read ([3, h, w] and their mask) at the tile's; what is not seen has no weight."""
    rows, columns = mask.shape
    solid = (mask > 0).astype(np.float32)
    _row, _column, inside = cut.nearest()
    top, left = np.floor(cut.row).astype(np.intp), np.floor(cut.column).astype(np.intp)
    down, across = (cut.row - top).astype(np.float32), (cut.column - left).astype(np.float32)
    colour = np.zeros((3, SIZE, SIZE), np.float32)
    weight = np.zeros((SIZE, SIZE), np.float32)
    for row, by_row in ((top, 1 - down), (top + 1, down)):
        for column, by_column in ((left, 1 - across), (left + 1, across)):
            here = row.clip(0, rows - 1), column.clip(0, columns - 1)
            share = by_row * by_column * solid[here]
            weight += share
            colour += share * rgb[:, here[0], here[1]]
    weight *= inside
    colour /= np.maximum(weight, 1e-6)
    return np.rint(colour.clip(0, 255)).astype(np.uint8), np.rint(weight * 255).astype(np.uint8)


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
