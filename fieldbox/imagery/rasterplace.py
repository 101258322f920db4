"""Where the pixels of a raster lie: by its own tags or by the files beside it, and laid out in the UTM zone of its middle."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine, from_gcps
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform, transform

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.rasterpixels import NOT_READABLE, empty_value, short, tells_where

MAX_PIXELS = 4_000_000_000
"""Of a raster: 11 ha at 5 mm."""
MAX_BEND_PX = 3.0
"""By which points that place a raster may disagree with its being flat and undistorted."""
MAX_SIDE_BYTES = 100_000
LEAST_POINTS = 3
NO_CRS = N_(
    "It is a picture without a coordinate system, so it cannot be put on the map: export it as a GeoTIFF with its"
    " projection (such as UTM) from the program that made it."
)


@dataclass(frozen=True, slots=True)
class Georeference:
    """Where the pixels of a raster lie."""

    crs: CRS
    transform: Affine


def own_place(source: DatasetReader) -> Georeference | None:
    """By its tags: a transform, else points (GCPs). Raises Rejected for points that no flat map fits."""
    if _is_map(source.crs) and _is_transform(source.transform):
        return Georeference(source.crs, source.transform)
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
    return Georeference(crs, found)


def place_of(source: DatasetReader, beside: Sequence[Path]) -> Georeference:
    """By its tags, else by the files beside it. Raises Rejected for a picture that lies nowhere."""
    own = own_place(source)
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
    return Georeference(crs, transform)


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
def laid_out(source: DatasetReader, place: Georeference) -> Iterator[DatasetReader | WarpedVRT]:
    """The raster with square pixels, north up, in the UTM zone of its middle: itself, if it lies so."""
    target, transform, width, height = layout(source, place)
    same = target == place.crs and transform == place.transform
    if same and source.crs == target and source.transform == transform:
        yield source
        return
    nothing = empty_value(source)
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
        add_alpha=not tells_where(source) and nothing is None,
    ) as laid:
        yield laid


def layout(source: DatasetReader, place: Georeference) -> tuple[CRS, Affine, int, int]:
    """Projection, transform, width and height of the raster as `laid_out` lays it. Raises Rejected for one that lies nowhere
    or would be too large."""
    at, width, height = place.transform, source.width, source.height
    middle = at @ (width / 2, height / 2)
    (lon,), (lat,) = degrees(place.crs, [middle[0]], [middle[1]])
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
        refuse_large(width or 0, height or 0)
    return target, laid, width, height


def _step(place: Georeference, target: CRS, width: int, height: int) -> float:
    """Side of a pixel in the middle, in the units of `target`: the root of its area."""
    spots = [
        place.transform @ (width / 2 + right, height / 2 + down) for right, down in ((0, 0), (99, 0), (0, 99))
    ]
    x, y = (
        np.asarray(one) / 99 for one in transform(place.crs, target, *map(list, zip(*spots, strict=True)))
    )
    return math.sqrt(abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])))


def degrees(crs: CRS, x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Longitudes and latitudes. Raises Rejected for what is no place."""
    try:
        lon, lat = transform(crs, CRS.from_epsg(4326), list(x), list(y))
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise Rejected(NOT_READABLE, detail=short(error)) from error
    if not all(
        math.isfinite(a) and math.isfinite(b) and -80 <= b <= 84 for a, b in zip(lon, lat, strict=True)
    ):
        raise Rejected(
            N_(
                "The orthomosaic lies at no place on the map: its coordinate system does not fit; export it again."
            )
        )
    return list(lon), list(lat)


def refuse_large(width: int, height: int) -> NoReturn:
    raise Rejected(
        N_("It has {width} x {height} pixels, more than the box can take: cut it into parts, one a field."),
        width=width,
        height=height,
    )
