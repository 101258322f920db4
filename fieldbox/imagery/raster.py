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
from typing import NoReturn

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Geod
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform, transform
from rasterio.windows import Window as Extent

from fieldbox.domain import MOSAIC_ERROR_TAG, Window
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.numbers import clock, turn

TILE_PX = 2048
"""Side of a tile without its margins: at five bands of 4 bytes some 90 MB."""
MARGIN_M = 1.0
"""By which neighbouring tiles share ground: more than a plant."""
MARGIN_PX = (64, 512)
MAX_PIXELS = 4_000_000_000
"""Of a raster: 11 ha at 5 mm."""
MAX_BANDS = 32
LEAST_COLOURS = 3
MIN_GSD_M, MAX_GSD_M = 1e-4, 0.5
"""Finer pictures are nobody's. Coarser ones are no drone's: no row of plants can be seen in them."""
COARSE_PX = 1024
"""Long side at which a raster is judged as a whole: its light, and where it holds anything."""
FIELD_HEIGHT_M = 10_000.0
"""From which a tile is as if seen: far enough that all of it is seen from straight above."""
PLAIN_GPS_M = 1.5
"""Standard error, each axis, of an orthomosaic that does not tell how exact it is: that of a drone's plain GPS."""
NO_CRS = N_(
    "It is a picture without a coordinate system, so it cannot be put on the map: export it as a GeoTIFF with its"
    " projection (such as UTM) from the program that made it."
)
NO_ERROR_STATED = N_(
    "The orthomosaic does not say how exact it is: places in it are taken to be right within {error} m (95 %), as by a"
    " drone's plain GPS."
)
NOT_READABLE = N_("The GeoTIFF cannot be read ({detail}): export it again from the program that made it.")
RADIUS95 = 2.4477
"""Radius of 95 % of a two-dimensional normal of unit sigma."""
_WHITE_SHARE = 99.5
"""Percentile of the brightest band that becomes nearly white."""
_GAMMA = 1 / 2.2
_GEOD = Geod(ellps="WGS84")
_NAMES = {
    "red": ("red", "r"),
    "green": ("green", "g", "grn"),
    "blue": ("blue", "b", "blu"),
    "rededge": ("rededge", "red edge", "red-edge", "re", "edge"),
    "nir": ("nir", "near infrared", "near-infrared", "n", "infrared"),
}
"""By which band descriptions name the bands."""
_LIMITS = {
    "GDAL_CACHEMAX": 32 << 20,  # bytes: rasterio does not read it as GDAL does
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    "CPL_LOG": "/dev/null",
    "GDAL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Tone:
    """How the raster's numbers become bytes: the same for all of its tiles."""

    black: float
    white: float
    gamma: float

    def picture(self, bands: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Bands [3, h, w] as a picture [h, w, 3]."""
        share = np.clip((np.nan_to_num(bands) - self.black) / (self.white - self.black), 0.0, 1.0)
        return np.ascontiguousarray(np.moveaxis(np.rint(255 * share**self.gamma), 0, -1)).astype(np.uint8)


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
    """Whether a TIFF names a coordinate system. Raises Rejected if it cannot be read."""
    with _opened(path) as source:
        return source.crs is not None


def read_raster(path: Path) -> Raster:
    """What an orthomosaic says of itself. Raises Rejected for what is none, and where it lies nowhere."""
    with _opened(path) as source:
        _require_usable(source)
        bands, notes = _bands_of(source)
        with _laid_out(source) as laid:
            tiles = tuple(_tiles(laid))
        tags = source.tags()
    if not tiles:
        raise Rejected(N_("The orthomosaic is empty: no pixel of it holds anything; export it again."))
    error_m = _stated_error(tags)
    if error_m is None:
        notes = (*notes, Sentence(NO_ERROR_STATED, {"error": round(RADIUS95 * PLAIN_GPS_M, 1)}))
    return Raster(tiles, bands, error_m, _written(tags), notes)


def read_tile(path: Path, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture [h, w, 3] of a tile in colours (grey where it has none), and where it holds anything [h, w].

    Raises Rejected if it cannot be read.
    """
    with _opened(path) as source:
        bands, _notes = _bands_of(source)
        tone = _tone(source, bands)
        with _laid_out(source) as laid:
            extent = Extent.from_slices((window.y0, window.y1), (window.x0, window.x1))
            try:
                values = laid.read(_shown(bands), window=extent, out_dtype="float32")
                valid = _held(laid, extent) & np.isfinite(values).all(axis=0)
            except (RasterioError, CPLE_BaseError) as error:
                raise Rejected(NOT_READABLE, detail=_short(error)) from error
    return tone.picture(np.where(valid, values, 0)), valid


# -- opening --------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    with rasterio.Env(**_LIMITS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # we say so ourselves
        try:
            with rasterio.open(path, driver="GTiff") as source:
                yield source
        except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
            raise Rejected(NOT_READABLE, detail=_short(error)) from error


def _short(error: Exception) -> str:
    """Without the path, which nobody knows; words of the file in it are printable."""
    text = str(error).rsplit("/", 1)[-1][:120]
    return "".join(one if one.isprintable() else "?" for one in text) or type(error).__name__


@contextmanager
def _laid_out(source: DatasetReader) -> Iterator[WarpedVRT]:
    """The raster with square pixels, north up, in the UTM zone of its middle."""
    target, place, width, height = _layout(source)
    same = target == source.crs and place == source.transform
    with WarpedVRT(
        source,
        crs=target,
        transform=place,
        width=width,
        height=height,
        resampling=Resampling.nearest if same else Resampling.bilinear,
        warp_mem_limit=64,
        add_alpha=not _tells_where(source),
    ) as laid:
        yield laid


def _layout(source: DatasetReader) -> tuple[CRS, Affine, int, int]:
    place = source.transform
    middle = place @ (source.width / 2, source.height / 2)
    (lon,), (lat,) = _degrees(source.crs, [middle[0]], [middle[1]])
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    target = CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)
    square = math.isclose(place.a, -place.e, rel_tol=1e-6) and place.b == place.d == 0 and place.a > 0
    if source.crs == target and square:
        return target, place, source.width, source.height
    laid, width, height = calculate_default_transform(
        source.crs, target, source.width, source.height, *source.bounds
    )
    if not width or not height or width * height > MAX_PIXELS:
        _refuse_large(width or 0, height or 0)
    return target, laid, width, height


def _degrees(crs: CRS, x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Longitudes and latitudes. Raises Rejected for what is no place."""
    try:
        lon, lat = transform(crs, CRS.from_epsg(4326), list(x), list(y))
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise Rejected(NOT_READABLE, detail=_short(error)) from error
    if not all(
        math.isfinite(a) and math.isfinite(b) and -80 <= b <= 84 for a, b in zip(lon, lat, strict=True)
    ):
        raise Rejected(
            N_(
                "The orthomosaic lies at no place on the map: its coordinate system does not fit; export it again."
            )
        )
    return list(lon), list(lat)


def _require_usable(source: DatasetReader) -> None:
    if source.crs is None:
        raise Rejected(NO_CRS)
    if source.transform.is_identity or source.transform.determinant == 0:
        raise Rejected(NO_CRS)
    if source.width * source.height > MAX_PIXELS:
        _refuse_large(source.width, source.height)
    if source.count > MAX_BANDS:
        raise Rejected(
            N_("It has {count} bands, more than the {limit} that an orthomosaic may have."),
            count=source.count,
            limit=MAX_BANDS,
        )
    if np.dtype(source.dtypes[0]).kind not in "uif":
        raise Rejected(NOT_READABLE, detail=source.dtypes[0])
    _target, place, _width, _height = _layout(source)
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


def _refuse_large(width: int, height: int) -> NoReturn:
    raise Rejected(
        N_("It has {width} x {height} pixels, more than the box can take: cut it into parts, one a field."),
        width=width,
        height=height,
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


# -- bands ----------------------------------------------------------------------------------------


def _bands_of(source: DatasetReader) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """What each band is, by its description, else by its colour, else nothing; and what to say of that."""
    named = [_named(text or "") for text in _descriptions(source)]
    if {"red", "green", "blue"} <= set(named):
        return tuple(named), ()
    by_colour = [_by_colour(one) for one in source.colorinterp]
    merged = tuple(name or colour for name, colour in zip(named, by_colour, strict=True))
    unnamed = not any(named) and merged[0] in {"red", "grey", ""} and merged.count("alpha") <= 1
    beyond = source.count - merged.count("alpha")
    if unnamed and beyond >= LEAST_COLOURS and (beyond > LEAST_COLOURS or merged[0] != "red"):
        return _guessed(source, merged)
    if {"red", "green", "blue"} <= set(merged):
        return merged, ()
    note = N_(
        "The orthomosaic does not show natural colours: plants in it cannot be told, only what it covers."
    )
    return ("grey", *merged[1:]), (Sentence(note),)


def _descriptions(source: DatasetReader) -> tuple[str | None, ...]:
    """Of the bands; none where they are not in UTF-8, as GDAL has them."""
    try:
        told: tuple[str | None, ...] = source.descriptions
    except UnicodeDecodeError:
        return tuple("" for _band in range(source.count))
    return told


def _named(description: str) -> str:
    text = description.strip().lower().replace("_", " ")
    for name, forms in _NAMES.items():
        if (
            text in forms
            or any(len(form) > 2 and form in text.split() for form in forms)
            or text.startswith(f"{name} ")
        ):
            return name
    return ""


def _by_colour(colour: ColorInterp) -> str:
    known = {
        ColorInterp.red: "red",
        ColorInterp.green: "green",
        ColorInterp.blue: "blue",
        ColorInterp.alpha: "alpha",
        ColorInterp.gray: "grey",
    }
    return known.get(colour, "")


def _guessed(source: DatasetReader, bands: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """Nobody said what the bands are, or only a default did: the colours come first, from red or from blue on. Land
    reflects more red than blue light."""
    coarse, valid = _coarse(source, (1, 3))
    red_first = not valid.any() or float(np.median(coarse[0][valid])) >= float(np.median(coarse[1][valid]))
    rest = tuple("alpha" if band == "alpha" else "" for band in bands[LEAST_COLOURS:])
    if red_first:
        note = N_(
            "The orthomosaic does not name its bands; the first three are taken for red, green and blue."
        )
        return ("red", "green", "blue", *rest), (Sentence(note),)
    note = N_(
        "The orthomosaic does not name its bands; the first is taken for blue and the third for red, for land reflects"
        " more red than blue."
    )
    return ("blue", "green", "red", *rest), (Sentence(note),)


def _shown(bands: Sequence[str]) -> list[int]:
    """Numbers (from 1) of the bands that make the picture."""
    if {"red", "green", "blue"} <= set(bands):
        return [bands.index(name) + 1 for name in ("red", "green", "blue")]
    return [1, 1, 1]


def _tone(source: DatasetReader, bands: Sequence[str]) -> Tone:
    """Bytes stay as they are; other numbers are scaled by their brightest, reflectance with a camera's gamma. What has no
    colours may be heights: it is stretched."""
    if source.dtypes[0] == "uint8":
        return Tone(0.0, 255.0, 1.0)
    coarse, valid = _coarse(source, _shown(bands))
    usable = coarse[:, valid]
    if not usable.size:
        return Tone(0.0, 1.0, 1.0)
    low, high = (float(one) for one in np.percentile(usable, (100 - _WHITE_SHARE, _WHITE_SHARE)))
    if "red" not in bands:
        return Tone(low, max(high, np.nextafter(low, math.inf)), 1.0)
    linear = np.dtype(source.dtypes[0]).kind == "f" or source.count - bands.count("alpha") > LEAST_COLOURS
    return Tone(0.0, high if high > 0 else 1.0, _GAMMA if linear else 1.0)


def _coarse(
    source: DatasetReader, numbers: Sequence[int] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The raster [bands, h, w] at some COARSE_PX, and where it holds anything."""
    shrink = max(1, max(source.width, source.height) // COARSE_PX)
    shape = (-(-source.height // shrink), -(-source.width // shrink))
    wanted = list(numbers or range(1, source.count + 1))
    values = source.read(wanted, out_shape=(len(wanted), *shape), out_dtype="float32")
    valid = (source.dataset_mask(out_shape=shape) > 0) & np.isfinite(values).all(axis=0)
    return values, valid if _tells_where(source) else valid & (values != 0).any(axis=0)


def _held(laid: WarpedVRT, extent: Extent, shape: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """Where the raster as laid out holds anything, at the size `shape`."""
    mask = np.asarray(laid.dataset_mask(window=extent, out_shape=shape) > 0, np.bool_)
    source = laid.src_dataset
    if _tells_where(source):
        return mask
    colours = list(range(1, min(LEAST_COLOURS, source.count) + 1))
    size = (len(colours), *shape) if shape else None
    values = laid.read(colours, window=extent, out_shape=size)
    return np.asarray(mask & (values != 0).any(axis=0), np.bool_)


def _tells_where(source: DatasetReader) -> bool:
    """Whether a raster says itself where it holds nothing. Many programs leave 0 in all bands instead."""
    return source.nodata is not None or ColorInterp.alpha in source.colorinterp


# -- tiles ----------------------------------------------------------------------------------------


def _tiles(laid: WarpedVRT) -> Iterator[Tile]:
    """All tiles that hold anything, row by row."""
    step_m = laid.transform.a
    margin = int(min(max(math.ceil(MARGIN_M / step_m), MARGIN_PX[0]), MARGIN_PX[1]))
    shrink = max(1, max(laid.width, laid.height) // COARSE_PX)
    shape = (-(-laid.height // shrink), -(-laid.width // shrink))
    extent = Extent(0, 0, laid.width, laid.height)
    held = _held(laid, extent, shape)
    for top in _starts(laid.height):
        for left in _starts(laid.width):
            window = Window(
                max(0, left - margin),
                max(0, top - margin),
                min(laid.width, left + TILE_PX + margin),
                min(laid.height, top + TILE_PX + margin),
            )
            outline = _outline(held, window, laid.width / shape[1], laid.height / shape[0])
            if outline:
                yield _tile(laid, window, outline)


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


def _tile(laid: WarpedVRT, window: Window, outline: tuple[tuple[float, float], ...]) -> Tile:
    middle = laid.transform @ ((window.x0 + window.x1) / 2, (window.y0 + window.y1) / 2)
    north = (middle[0], middle[1] + 100.0)
    lons, lats = _degrees(laid.crs, [middle[0], north[0]], [middle[1], north[1]])
    azimuth, _back, metres = _GEOD.inv(lons[0], lats[0], lons[1], lats[1])
    return Tile(window, lats[0], lons[0], turn(azimuth), laid.transform.a * metres / 100.0, outline)
