"""Orthomosaics: what a GeoTIFF says of itself, and how it is cut into tiles that are looked at like photos.

A tile is a square window of the raster, laid out with square pixels in the UTM zone of the raster's middle (nothing is
resampled where it lies so already). Seen from far above straight down, such a tile is a photo without any distortion.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Geod
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import reproject
from rasterio.windows import Window as Extent

from fieldbox.domain import MOSAIC_ERROR_TAG, Window
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.numbers import clock, turn
from fieldbox.imagery.rasterbands import names_of
from fieldbox.imagery.rasterpixels import (
    COARSE_PX,
    NOT_READABLE,
    coverage_of,
    holds,
    short,
    shown,
    tone_of,
)
from fieldbox.imagery.rasterplace import (
    MAX_PIXELS,
    Georeference,
    degrees,
    laid_out,
    layout,
    own_place,
    place_of,
    refuse_large,
)

TILE_PX = 2048
"""Side of a tile without its margins: at five bands of 4 bytes some 90 MB."""
MARGIN_M = 1.0
"""By which neighbouring tiles share ground: more than a plant."""
MARGIN_PX = (64, 512)
MAX_BANDS = 32
MIN_GSD_M, MAX_GSD_M = 1e-4, 0.5
"""Finer pictures are nobody's. Coarser ones are no drone's: no row of plants can be seen in them."""
FIELD_HEIGHT_M = 10_000.0
"""From which a tile is as if seen: far enough that all of it is seen from straight above."""
PLAIN_GPS_M = 1.5
"""Standard error, each axis, of an orthomosaic that does not tell how exact it is: that of a drone's plain GPS."""
NO_ERROR_STATED = N_(
    "The orthomosaic does not say how exact it is: places in it are taken to be right within {error} m (95 %), as by a"
    " drone's plain GPS."
)
RADIUS95 = 2.4477
"""Radius of 95 % of a two-dimensional normal of unit sigma."""
_GEOD = Geod(ellps="WGS84")
_LIMITS = {
    "GDAL_CACHEMAX": 64 << 20,  # bytes: rasterio does not read it as GDAL does
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    "CPL_LOG": "/dev/null",
    "GDAL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile, as a photo from FIELD_HEIGHT_M straight above."""

    window: Window
    """Pixels of the raster as it is laid out."""
    lat: float
    lon: float
    """Of its middle."""
    yaw_deg: float
    """In which its top points, clockwise from true north."""
    gsd_m: float
    """On the ground."""
    outline: tuple[tuple[float, float], ...]
    """Ring of pixels of the tile around all of it that holds anything."""


@dataclass(frozen=True, slots=True)
class Raster:
    """An orthomosaic."""

    tiles: tuple[Tile, ...]
    bands: tuple[str, ...]
    """What is known of its bands, in their order: red, green, blue, rededge, nir, grey, alpha or ""."""
    error_m: float | None
    """Standard error of its places, each axis, if it tells."""
    made_at: datetime | None
    """By its DateTime tag: when it was written, which is after it was flown."""
    notes: tuple[Sentence, ...]

    @property
    def colours(self) -> bool:
        """Whether it shows natural colours."""
        return {"red", "green", "blue"} <= set(self.bands)


def is_georeferenced(path: Path) -> bool:
    """Whether a TIFF says itself where it lies. Raises Rejected if it cannot be read."""
    with _opened(path) as source:
        return own_place(source) is not None


def read_raster(path: Path, beside: Sequence[Path] = (), bands: Sequence[str] = ()) -> Raster:
    """What an orthomosaic says of itself; `beside` are its world file and its projection, if they are files of their own,
    and `bands` what somebody said its bands are, in their order.

    Raises Rejected for what is none, and where it lies nowhere.
    """
    with _opened(path) as source:
        place = place_of(source, beside)
        _require_usable(source, place)
        names, notes = names_of(source, bands)
        with laid_out(source, place) as laid:
            tiles = tuple(_tiles(source, laid, place))
        tags = source.tags()
    if not tiles:
        raise Rejected(N_("The orthomosaic is empty: no pixel of it holds anything; export it again."))
    error_m = _stated_error(tags)
    if error_m is None:
        notes = (*notes, Sentence(NO_ERROR_STATED, {"error": round(RADIUS95 * PLAIN_GPS_M, 1)}))
    return Raster(tiles, names, error_m, _written(tags), notes)


def read_tile(
    path: Path, window: Window, beside: Sequence[Path] = (), bands: Sequence[str] = ()
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture [h, w, 3] of a tile in colours (grey where it has none), and where it holds anything [h, w]; `beside` and
    `bands` as in `read_raster`.

    Raises Rejected if it cannot be read.
    """
    with _opened(path) as source:
        names, _notes = names_of(source, bands)
        tone = tone_of(source, names)
        with laid_out(source, place_of(source, beside)) as laid:
            extent = Extent.from_slices((window.y0, window.y1), (window.x0, window.x1))
            try:
                values = laid.read(shown(names), window=extent, out_dtype="float32")
                valid = holds(source, laid, extent) & np.isfinite(values).all(axis=0)
            except (RasterioError, CPLE_BaseError) as error:
                raise Rejected(NOT_READABLE, detail=short(error)) from error
    return tone.picture(np.where(valid, values, 0)), valid


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    with rasterio.Env(**_LIMITS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # we say so ourselves
        try:
            with rasterio.open(path, driver="GTiff") as source:
                yield source
        except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
            raise Rejected(NOT_READABLE, detail=short(error)) from error


def _require_usable(source: DatasetReader, where: Georeference) -> None:
    if source.width * source.height > MAX_PIXELS:
        refuse_large(source.width, source.height)
    if source.count > MAX_BANDS:
        raise Rejected(
            N_("It has {count} bands, more than the {limit} that an orthomosaic may have."),
            count=source.count,
            limit=MAX_BANDS,
        )
    if np.dtype(source.dtypes[0]).kind not in "uif":
        raise Rejected(NOT_READABLE, detail=source.dtypes[0])
    if source.colorinterp[0] is ColorInterp.palette:
        raise Rejected(
            N_(
                "The colours of the GeoTIFF are numbers of a table (palette): export it again in natural colours (RGB)."
            )
        )
    _target, place, _width, _height = layout(source, where)
    if place.a < MIN_GSD_M:
        raise Rejected(
            N_(
                "A pixel of it shows less than a tenth of a millimetre of ground, which cannot be right: export it again"
                " with its true projection."
            )
        )
    if place.a > MAX_GSD_M:
        raise Rejected(
            N_(
                "A pixel of it shows {gsd} m of ground, too coarse to see plants: give the drone's orthomosaic in full."
            ),
            gsd=round(place.a, 2),
        )


def _stated_error(tags: Mapping[str, str]) -> float | None:
    """Of a map that fieldbox made (`fieldbox.mapping.mosaic` writes it)."""
    try:
        stated = float(tags.get(MOSAIC_ERROR_TAG, ""))
    except ValueError:
        return None
    return stated / RADIUS95 if 0 < stated < 1000 else None


def _written(tags: Mapping[str, str]) -> datetime | None:
    try:
        return clock(datetime.strptime(tags.get("TIFFTAG_DATETIME", ""), "%Y:%m:%d %H:%M:%S"))
    except ValueError:
        return None


# -- tiles ----------------------------------------------------------------------------------------


def _tiles(source: DatasetReader, laid: DatasetReader | WarpedVRT, place: Georeference) -> Iterator[Tile]:
    """All tiles that hold anything, row by row."""
    step_m = laid.transform.a
    margin = int(min(max(math.ceil(MARGIN_M / step_m), MARGIN_PX[0]), MARGIN_PX[1]))
    shrink = max(1, max(laid.width, laid.height) // COARSE_PX)
    shape = (-(-laid.height // shrink), -(-laid.width // shrink))
    coverage, held = coverage_of(source), np.zeros(shape, np.uint8)
    reproject(
        coverage.astype(np.uint8),
        held,
        src_crs=place.crs,
        src_transform=place.transform @ _enlarged(source, coverage.shape),
        dst_crs=laid.crs,
        dst_transform=laid.transform @ _enlarged(laid, shape),
        resampling=Resampling.nearest,
    )
    for top in _starts(laid.height):
        for left in _starts(laid.width):
            window = Window(
                max(0, left - margin),
                max(0, top - margin),
                min(laid.width, left + TILE_PX + margin),
                min(laid.height, top + TILE_PX + margin),
            )
            outline = _outline(held > 0, window, laid.width / shape[1], laid.height / shape[0])
            if outline:
                yield _tile(laid, window, outline)


def _enlarged(raster: DatasetReader | WarpedVRT, shape: tuple[int, ...]) -> Affine:
    """From pixels of a coarse picture of a raster to those of the raster."""
    return Affine.scale(raster.width / shape[1], raster.height / shape[0])


def _starts(length: int) -> range:
    return range(0, max(1, length - TILE_PX // 4), TILE_PX)


def _outline(
    held: NDArray[np.bool_], window: Window, step_x: float, step_y: float
) -> tuple[tuple[float, float], ...]:
    """Convex ring, pixels of the tile, around what it holds; empty if it holds nothing."""
    rows = slice(int(window.y0 / step_y), math.ceil(window.y1 / step_y))
    columns = slice(int(window.x0 / step_x), math.ceil(window.x1 / step_x))
    part = held[rows, columns]
    (ys,) = np.nonzero(part.any(axis=1))
    if not len(ys):
        return ()
    # Only the first and the last of a row can be corners of the ring.
    first, last = part[ys].argmax(axis=1), part.shape[1] - 1 - part[ys, ::-1].argmax(axis=1)
    ys, xs = np.concatenate([ys, ys]), np.concatenate([first, last])
    x, y = (xs + columns.start) * step_x - window.x0, (ys + rows.start) * step_y - window.y0
    corners = np.concatenate([np.stack([x + a * step_x, y + b * step_y], 1) for a in (0, 1) for b in (0, 1)])
    limits = np.array([window.x1 - window.x0, window.y1 - window.y0], float)
    ring = cv2.convexHull(np.clip(corners, 0, limits).astype(np.float32))[:, 0] - 0.5
    return tuple((float(a), float(b)) for a, b in ring)


def _tile(laid: DatasetReader | WarpedVRT, window: Window, outline: tuple[tuple[float, float], ...]) -> Tile:
    middle = laid.transform @ ((window.x0 + window.x1) / 2, (window.y0 + window.y1) / 2)
    north = (middle[0], middle[1] + 100.0)
    lons, lats = degrees(laid.crs, [middle[0], north[0]], [middle[1], north[1]])
    azimuth, _back, metres = _GEOD.inv(lons[0], lats[0], lons[1], lats[1])
    return Tile(window, lats[0], lons[0], turn(azimuth), laid.transform.a * metres / 100.0, outline)
