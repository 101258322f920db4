"""Orthomosaics: what a GeoTIFF says of itself, and how it is cut into tiles that are looked at like photos.

A tile is a square window of the raster, laid out with square pixels in the UTM zone of the raster's middle (nothing is
resampled where it lies so already). Seen from far above straight down, such a tile is a photo without any distortion.
"""

from __future__ import annotations

import math
import re
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
from rasterio.transform import Affine, from_gcps
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform, reproject, transform
from rasterio.windows import Window as Extent

from fieldbox.domain import BANDS, MOSAIC_ERROR_TAG, Window
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
"""Long side at which it is told where a raster holds anything."""
STRIPE_PX = 256
"""Height of what is read at once of a raster."""
SAMPLES_A_SIDE, SAMPLE_PX = 12, 64
"""Windows of a raster, and their side, that tell its light: all of it would be read for each of its tiles."""
NOTHING = -9999.0
"""No brightness is so low: it stands where a raster holds nothing, whether or not a tag says so (-9999, -10000, -32767)."""
BYTES = 255.0
BYTES_FROM = 100.0
"""Floating point numbers whose brightest lies between this and BYTES are bytes."""
MAX_BEND_PX = 3.0
"""By which points that place a raster may disagree with its being flat and undistorted."""
MAX_SIDE_BYTES = 100_000
LEAST_POINTS = 3
INDEX_LIMIT = 2.0
"""Indices lie between -1 and 1, reflectances between 0 and 1 but for what is brighter than white."""
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
NO_COLOURS = N_(
    "The orthomosaic does not show natural colours: plants in it cannot be told, only what it covers."
)
NOT_READABLE = N_("The GeoTIFF cannot be read ({detail}): export it again from the program that made it.")
RADIUS95 = 2.4477
"""Radius of 95 % of a two-dimensional normal of unit sigma."""
_WHITE_SHARE = 99.5
"""Percentile of the brightest band that becomes nearly white."""
_GAMMA = 1 / 2.2
_GEOD = Geod(ellps="WGS84")
_NAMES = (
    ("", r"lwir|thermal"),
    ("rededge", r"red ?edge(?![a-z])|^re$|^edge$"),
    ("nir", r"\bnir(?![a-z])|near ?infra ?red|\bnear ?ir\b|\binfrared\b|^n$"),
    ("red", r"\bred(?![a-z])|^r$"),
    ("green", r"\bgreen(?![a-z])|\bgrn(?![a-z])|^g$"),
    ("blue", r"\bblue?(?![a-z])|^b$"),
    ("alpha", r"\balpha\b"),
)
"""By which band descriptions name the bands; the first that fits."""
_WAVES = (("blue", 400), ("green", 500), ("", 600), ("red", 620), ("rededge", 695), ("nir", 760), ("", 1000))
"""From which wavelength on, nm."""
_WAVELENGTH = re.compile(r"(\d{3,4})(?: \d+)?(?: ?nm)?")
_LIMITS = {
    "GDAL_CACHEMAX": 64 << 20,  # bytes: rasterio does not read it as GDAL does
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    "CPL_LOG": "/dev/null",
    "GDAL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pixels of a raster lie."""

    crs: CRS
    transform: Affine


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


def codes_of(bands: Sequence[str]) -> tuple[int, ...]:
    """Bands (of BANDS) as numbers that can be kept."""
    return tuple(BANDS.index(one) for one in bands)


def bands_of(codes: Sequence[int]) -> tuple[str, ...]:
    """What `codes_of` made numbers of."""
    return tuple(BANDS[one] for one in codes)


def is_georeferenced(path: Path) -> bool:
    """Whether a TIFF says itself where it lies. Raises Rejected if it cannot be read."""
    with _opened(path) as source:
        return _own_place(source) is not None


def read_raster(path: Path, beside: Sequence[Path] = (), bands: Sequence[str] = ()) -> Raster:
    """What an orthomosaic says of itself; `beside` are its world file and its projection, if they are files of their own,
    and `bands` what somebody said its bands are, in their order.

    Raises Rejected for what is none, and where it lies nowhere.
    """
    with _opened(path) as source:
        place = _place(source, beside)
        _require_usable(source, place)
        names, notes = _bands_of(source, bands)
        with _laid_out(source, place) as laid:
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
        names, _notes = _bands_of(source, bands)
        tone = _tone(source, names)
        with _laid_out(source, _place(source, beside)) as laid:
            extent = Extent.from_slices((window.y0, window.y1), (window.x0, window.x1))
            try:
                values = laid.read(_shown(names), window=extent, out_dtype="float32")
                valid = _held(source, laid, extent) & np.isfinite(values).all(axis=0)
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


def _own_place(source: DatasetReader) -> Place | None:
    """By its tags: a transform, else points (GCPs). Raises Rejected for points that no flat map fits."""
    if _is_map(source.crs) and _is_transform(source.transform):
        return Place(source.crs, source.transform)
    points, crs = source.gcps
    if len(points) < LEAST_POINTS or not _is_map(crs):
        return None
    found = from_gcps(points)
    if not _is_transform(found):
        return None
    columns, rows = np.transpose([~found @ (one.x, one.y) for one in points])
    bend = np.hypot(columns - [one.col for one in points], rows - [one.row for one in points])
    if bend.max() > MAX_BEND_PX:
        raise Rejected(
            N_(
                "The points that place the picture do not agree within {limit} pixels: export it as a GeoTIFF, corrected for"
                " the shape of the ground."
            ),
            limit=int(MAX_BEND_PX),
        )
    return Place(crs, found)


def _place(source: DatasetReader, beside: Sequence[Path]) -> Place:
    """By its tags, else by the files beside it. Raises Rejected for a picture that lies nowhere."""
    own = _own_place(source)
    if own is not None:
        return own
    transform, crs = source.transform, source.crs
    for path in beside:
        with path.open("rb") as file:
            text = file.read(MAX_SIDE_BYTES).decode("utf-8-sig", "replace")
        world = _world(text)
        if world is not None:
            transform = world
        elif not _is_map(crs):
            crs = _projection(text)
    if not _is_map(crs) or not _is_transform(transform):
        raise Rejected(NO_CRS)
    return Place(crs, transform)


def _world(text: str) -> Affine | None:
    """The six numbers of a world file: steps of columns and rows, and the middle of the first pixel."""
    try:
        a, d, b, e, x, y = (float(one.replace(",", ".")) for one in text.split())
    except ValueError:
        return None
    return Affine(a, b, x, d, e, y) @ Affine.translation(-0.5, -0.5)


def _projection(text: str) -> CRS | None:
    try:
        return CRS.from_wkt(text)
    except (RasterioError, CPLE_BaseError):
        return None


def _is_map(crs: CRS | None) -> bool:
    """Not the coordinates of a drawing."""
    return crs is not None and (crs.is_geographic or crs.is_projected)


def _is_transform(transform: Affine) -> bool:
    numbers = tuple(transform)[:6]
    return all(map(math.isfinite, numbers)) and not transform.is_identity and transform.determinant != 0


@contextmanager
def _laid_out(source: DatasetReader, place: Place) -> Iterator[DatasetReader | WarpedVRT]:
    """The raster with square pixels, north up, in the UTM zone of its middle: itself, if it lies so."""
    target, transform, width, height = _layout(source, place)
    same = target == place.crs and transform == place.transform
    if same and source.crs == target and source.transform == transform:
        yield source
        return
    nothing = _nothing(source)
    with WarpedVRT(
        source,
        src_crs=place.crs,
        src_transform=place.transform,
        src_nodata=nothing,
        nodata=nothing,
        crs=target,
        transform=transform,
        width=width,
        height=height,
        resampling=Resampling.nearest if same else Resampling.bilinear,
        warp_mem_limit=64,
        add_alpha=not _tells_where(source) and nothing is None,
    ) as laid:
        yield laid


def _layout(source: DatasetReader, place: Place) -> tuple[CRS, Affine, int, int]:
    at, width, height = place.transform, source.width, source.height
    middle = at @ (width / 2, height / 2)
    (lon,), (lat,) = _degrees(place.crs, [middle[0]], [middle[1]])
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    target = CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)
    turned = bool(at.b or at.d)
    if place.crs == target and not turned and at.a > 0 and math.isclose(at.a, -at.e, rel_tol=1e-6):
        return target, at, width, height
    x, y = np.transpose([at @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))])
    edges = (min(x), min(y), max(x), max(y))
    step = _step(place, target, width, height) if turned else None
    laid, width, height = calculate_default_transform(
        place.crs, target, width, height, *edges, resolution=step
    )
    if not width or not height or width * height > MAX_PIXELS:
        _refuse_large(width or 0, height or 0)
    return target, laid, width, height


def _step(place: Place, target: CRS, width: int, height: int) -> float:
    """Side of a pixel in the middle, in the units of `target`: the root of its area."""
    spots = [
        place.transform @ (width / 2 + right, height / 2 + down) for right, down in ((0, 0), (99, 0), (0, 99))
    ]
    x, y = (
        np.asarray(one) / 99 for one in transform(place.crs, target, *map(list, zip(*spots, strict=True)))
    )
    return math.sqrt(abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])))


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


def _require_usable(source: DatasetReader, where: Place) -> None:
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
    if source.colorinterp[0] is ColorInterp.palette:
        raise Rejected(
            N_(
                "The colours of the GeoTIFF are numbers of a table (palette): export it again in natural colours (RGB)."
            )
        )
    _target, place, _width, _height = _layout(source, where)
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


def _bands_of(source: DatasetReader, told: Sequence[str]) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """What each band is: as somebody told, else by its description, else by its colour, else nothing; and what to say of
    that. Raises Rejected where more bands were told than there are."""
    if told:
        return _told(source, told)
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
    return ("grey", *merged[1:]), (_colourless(source),)


def _colourless(source: DatasetReader) -> Sentence:
    """What is to be said of a raster without natural colours; one band of numbers with a sign is something worked out."""
    alone = source.count - source.colorinterp.count(ColorInterp.alpha) == 1
    if not alone or np.dtype(source.dtypes[0]).kind == "u":
        return Sentence(NO_COLOURS)
    values, valid = _sampled(source, [1])
    if valid.any() and float(np.abs(values[0][valid]).max()) > INDEX_LIMIT:
        return Sentence(
            N_(
                "It holds heights or other numbers (DSM, DTM), not a picture: give the orthomosaic in colours (RGB)."
            )
        )
    return Sentence(
        N_(
            "It holds an index (such as NDVI) or a single band, not a picture: give the orthomosaic in colours (RGB), all"
            " bands in one file."
        )
    )


def _told(source: DatasetReader, told: Sequence[str]) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    if len(told) > source.count:
        raise Rejected(
            N_("It has {count} bands, fewer than the {told} that were named: name them in their order."),
            count=source.count,
            told=len(told),
        )
    rest = [_by_colour(one) for one in source.colorinterp[len(told) :]]
    names = (*(_named(one) for one in told), *("alpha" if one == "alpha" else "" for one in rest))
    return names, () if {"red", "green", "blue"} <= set(names) else (Sentence(NO_COLOURS),)


def _descriptions(source: DatasetReader) -> tuple[str | None, ...]:
    """Of the bands; none where they are not in UTF-8, as GDAL has them."""
    try:
        told: tuple[str | None, ...] = source.descriptions
    except UnicodeDecodeError:
        return tuple("" for _band in range(source.count))
    return told


def _named(description: str) -> str:
    text = " ".join(re.split(r"[^a-z0-9]+", description.lower())).strip()
    name = next((name for name, form in _NAMES if re.search(form, text)), None)
    wave = _WAVELENGTH.fullmatch(text)
    if name is None and wave:
        return next((name for name, least in reversed(_WAVES) if int(wave[1]) >= least), "")
    return name or ""


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
    seen, valid = _sampled(source, (1, 3))
    red_first = not valid.any() or float(np.median(seen[0][valid])) >= float(np.median(seen[1][valid]))
    rest = tuple("alpha" if band == "alpha" else "" for band in bands[LEAST_COLOURS:])
    if red_first:
        note = N_(
            "The orthomosaic does not name its bands; the first three are taken for red, green and blue; if they are"
            " not, name them (--bands)."
        )
        return ("red", "green", "blue", *rest), (Sentence(note),)
    note = N_(
        "The orthomosaic does not name its bands; the first is taken for blue and the third for red, for land reflects"
        " more red than blue; if they are not, name them (--bands)."
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
    seen, valid = _sampled(source, _shown(bands))
    usable = seen[:, valid]
    if not usable.size:
        return Tone(0.0, 1.0, 1.0)
    low, high = (float(one) for one in np.percentile(usable, (100 - _WHITE_SHARE, _WHITE_SHARE)))
    if "red" not in bands:
        return Tone(low, max(high, np.nextafter(low, math.inf)), 1.0)
    floating = np.dtype(source.dtypes[0]).kind == "f"
    if floating and BYTES_FROM < float(usable.max()) <= BYTES:
        return Tone(0.0, BYTES, 1.0)
    linear = floating or source.count - bands.count("alpha") > LEAST_COLOURS
    return Tone(0.0, high if high > 0 else 1.0, _GAMMA if linear else 1.0)


def _sampled(source: DatasetReader, numbers: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Bands (numbers from 1) at windows spread over the raster [bands, n], and which of these pixels hold anything [n]."""
    values, valid = [], []
    for window in _windows(source):
        try:
            seen = source.read(list(numbers), window=window, out_dtype="float32")
            mask = source.dataset_mask(window=window) > 0
        except (RasterioError, CPLE_BaseError) as error:
            raise Rejected(NOT_READABLE, detail=_short(error)) from error
        values.append(seen.reshape(len(numbers), -1))
        valid.append((mask & np.isfinite(seen).all(axis=0) & _some(source, seen)).ravel())
    return np.concatenate(values, axis=1), np.concatenate(valid)


def _windows(source: DatasetReader) -> Iterator[Extent]:
    """All of a small raster, else some of it, spread evenly."""
    sides = (source.width, source.height)
    if max(sides) <= SAMPLES_A_SIDE * SAMPLE_PX:
        yield Extent(0, 0, *sides)
        return
    across, down = (np.linspace(0, max(0, side - SAMPLE_PX), SAMPLES_A_SIDE, dtype=int) for side in sides)
    for y in dict.fromkeys(down.tolist()):
        for x in dict.fromkeys(across.tolist()):
            yield Extent(x, y, min(SAMPLE_PX, source.width), min(SAMPLE_PX, source.height))


def _some(source: DatasetReader, values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where bands [bands, h, w] hold anything in a raster that does not say it by tags: many programs leave 0, or one
    other number, in all of them."""
    if _tells_where(source):
        return np.ones(values.shape[1:], np.bool_)
    some = (values != 0).any(axis=0)
    nothing = _nothing(source)
    return np.asarray(
        some if nothing is None else some & (values != np.float32(nothing)).any(axis=0), np.bool_
    )


def _nothing(source: DatasetReader) -> float | None:
    """The number that stands where a raster holds nothing: by its tag, else that of its corners if no ground is so bright or
    so dark; None: 0, or it is told otherwise."""
    if source.nodata is not None or _tells_where(source):
        return None if source.nodata is None else float(source.nodata)
    colours = list(range(1, min(LEAST_COLOURS, source.count) + 1))
    kind = np.dtype(source.dtypes[0])
    brightest = float(np.iinfo(kind).max) if kind.kind == "u" else math.inf
    for x in (0, source.width - 1):
        for y in (0, source.height - 1):
            corner = {float(one) for one in source.read(colours, window=Extent(x, y, 1, 1)).ravel()}
            value = corner.pop()
            if not corner and (value == brightest or value <= NOTHING):
                return value
    return None


def _held(source: DatasetReader, laid: DatasetReader | WarpedVRT, extent: Extent) -> NDArray[np.bool_]:
    """Where the raster as laid out holds anything."""
    mask = np.asarray(laid.dataset_mask(window=extent) > 0, np.bool_)
    if _tells_where(source):
        return mask
    colours = list(range(1, min(LEAST_COLOURS, source.count) + 1))
    return mask & _some(source, laid.read(colours, window=extent, out_dtype="float32"))


def _tells_where(source: DatasetReader) -> bool:
    """Whether a raster says itself where it holds nothing."""
    return source.nodata is not None or ColorInterp.alpha in source.colorinterp


# -- tiles ----------------------------------------------------------------------------------------


def _coverage(source: DatasetReader) -> NDArray[np.bool_]:
    """Where a raster holds anything, by one pixel of many: COARSE_PX along its long side. Whole stripes are read and thinned
    here: asked for a few pixels, GDAL unpacks each block once for each line (measured: sixty times slower)."""
    shrink = max(1, max(source.width, source.height) // COARSE_PX)
    stripe = max(1, STRIPE_PX // shrink) * shrink
    colours, found = list(range(1, min(LEAST_COLOURS, source.count) + 1)), []
    for top in range(0, source.height, stripe):
        extent = Extent(0, top, source.width, min(stripe, source.height - top))
        held = source.dataset_mask(window=extent)[::shrink, ::shrink] > 0
        if not _tells_where(source):
            values = source.read(colours, window=extent)[:, ::shrink, ::shrink]
            held &= _some(source, values.astype(np.float32))
        found.append(held)
    return np.concatenate(found)


def _tiles(source: DatasetReader, laid: DatasetReader | WarpedVRT, place: Place) -> Iterator[Tile]:
    """All tiles that hold anything, row by row."""
    step_m = laid.transform.a
    margin = int(min(max(math.ceil(MARGIN_M / step_m), MARGIN_PX[0]), MARGIN_PX[1]))
    shrink = max(1, max(laid.width, laid.height) // COARSE_PX)
    shape = (-(-laid.height // shrink), -(-laid.width // shrink))
    coverage, held = _coverage(source), np.zeros(shape, np.uint8)
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
    lons, lats = _degrees(laid.crs, [middle[0], north[0]], [middle[1], north[1]])
    azimuth, _back, metres = _GEOD.inv(lons[0], lats[0], lons[1], lats[1])
    return Tile(window, lats[0], lons[0], turn(azimuth), laid.transform.a * metres / 100.0, outline)
