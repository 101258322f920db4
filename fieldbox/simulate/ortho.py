"""Take an orthomosaic as the ground to fly over: flat, and black beyond its edges."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.vrt import WarpedVRT

from fieldbox.domain import Cover
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.simulate.scene import Anchor, Bytes, Plant, SimField

MAX_PIXELS = 250_000_000
_TILE_NAME = re.compile(r"tile_(\d+)_(\d+)\.json$")
_TOO_BIG = N_("{file} has {width} x {height} pixels, too many to fly over; cut or shrink it.")
_NO_PICTURE = N_("{file} cannot be read as a colour picture; give a JPEG, PNG or TIFF orthomosaic.")


def over_orthomosaic(path: Path, gsd_m: float | None = None, labels: Path | None = None) -> SimField:
    """Read an orthomosaic (JPEG, PNG, TIFF; 8 bits, colour) as flat ground.

    A georeferenced GeoTIFF lies where it says (warped to its UTM zone if it has another reference
    system); of any other picture the centre lies where the flight's options say, at `gsd_m` metres per
    pixel. `gsd_m` is not used where the file states its own. `labels`: a folder of LabelMe files
    `tile_x_y.json`, the lowest x and y at the picture's top left, whose polygons become plants (cut at
    tile borders as they are). Raises Rejected for what cannot be flown over.
    """
    if not path.is_file():
        raise Rejected(N_("There is no orthomosaic at {file}; check the path."), file=str(path))
    try:
        with _quiet(), rasterio.open(path) as source:
            if source.crs is not None and not source.transform.is_identity:
                return _georeferenced(source, path)
            canvas = _colours(source, path)
    except RasterioError as error:
        raise Rejected(_NO_PICTURE, file=path.name) from error
    if gsd_m is None:
        raise Rejected(
            N_("{file} does not say how large its pixels are on the ground; give its gsd in mm."),
            file=path.name,
        )
    if not 0.0002 <= gsd_m <= 1.0:
        raise Rejected(N_("A gsd of {gsd} mm is not possible; give 0.2 to 1000 mm."), gsd=gsd_m * 1000)
    plants = _labelled(labels, canvas, gsd_m) if labels is not None else ()
    return _flat(canvas, gsd_m, plants, None, path.stem)


@contextmanager
def _quiet() -> Iterator[None]:
    """A plain picture has no georeference, and that is no news here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _flat(
    canvas: Bytes, gsd_m: float, plants: tuple[Plant, ...], anchor: Anchor | None, name: str
) -> SimField:
    level = np.zeros((2, 2), np.float32)
    planted = (canvas.shape[1] * gsd_m, canvas.shape[0] * gsd_m)
    return SimField(canvas, gsd_m, level, level, plants, planted, None, anchor, name)


def _colours(source: Any, path: Path) -> Bytes:
    """[h, w, 3] of a dataset's first three bands."""
    if source.width * source.height > MAX_PIXELS:
        raise Rejected(_TOO_BIG, file=path.name, width=source.width, height=source.height)
    if source.count < 3 or source.dtypes[0] != "uint8":
        raise Rejected(_NO_PICTURE, file=path.name)
    bands = source.read([1, 2, 3])
    return np.ascontiguousarray(np.moveaxis(bands, 0, -1))


def _georeferenced(source: Any, path: Path) -> SimField:
    west, south, east, north = source.bounds
    crs = CRS.from_user_input(source.crs)
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(
        (west + east) / 2, (south + north) / 2
    )
    epsg = (32600 if lat >= 0 else 32700) + int((lon + 180) // 6) % 60 + 1
    with WarpedVRT(source, crs=f"EPSG:{epsg}", resampling=rasterio.enums.Resampling.bilinear) as warped:
        gsd = math.sqrt(abs(warped.transform.a * warped.transform.e))
        if abs(warped.transform.a / -warped.transform.e - 1) > 0.001:
            size = {
                "width": max(1, round(warped.width * warped.transform.a / gsd)),
                "height": max(1, round(warped.height * -warped.transform.e / gsd)),
            }
            raise Rejected(
                N_(
                    "The pixels of {file} are not square on the ground ({width} x {height} would be); warp it first."
                ),
                file=path.name,
                **size,
            )
        canvas = _colours(warped, path)
        left, bottom, right, top = warped.bounds
    return _flat(canvas, gsd, (), Anchor(epsg, (left + right) / 2, (bottom + top) / 2), path.stem)


def _labelled(folder: Path, canvas: Bytes, gsd_m: float) -> tuple[Plant, ...]:
    """Plants of LabelMe polygons that lie on the canvas."""
    files = sorted(
        (match, file) for file in folder.glob("tile_*.json") if (match := _tile_of(file)) is not None
    )
    if not files:
        raise Rejected(N_("{folder} holds no labels named tile_x_y.json."), folder=str(folder))
    first_x, first_y = min(tile[0] for tile, _ in files), min(tile[1] for tile, _ in files)
    plants: list[Plant] = []
    for (x, y), file in files:
        for label, outline, size in _polygons(file):
            placed = outline + (x - first_x, y - first_y) * np.array(size)
            plant = _plant(len(plants), label, placed, canvas, gsd_m)
            if plant is not None:
                plants.append(plant)
    return tuple(plants)


def _tile_of(file: Path) -> tuple[int, int] | None:
    match = _TILE_NAME.search(file.name)
    return (int(match[1]), int(match[2])) if match else None


def _polygons(file: Path) -> list[tuple[str, NDArray[np.float64], tuple[int, int]]]:
    try:
        raw = json.loads(file.read_text("utf-8"))
        size = (int(raw["imageWidth"]), int(raw["imageHeight"]))
        return [
            (str(shape["label"]), np.asarray(shape["points"], np.float64).reshape(-1, 2), size)
            for shape in raw["shapes"]
            if len(shape["points"]) > 2
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise Rejected(N_("{file} is no LabelMe file."), file=file.name) from error


def _plant(
    number: int, label: str, outline: NDArray[np.float64], canvas: Bytes, gsd_m: float
) -> Plant | None:
    height, width = canvas.shape[:2]
    moments = cv2.moments(outline.astype(np.float32))
    if moments["m00"] == 0:
        return None
    at = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    if not (0 <= at[0] < width and 0 <= at[1] < height):
        return None
    cover = Cover.WEED if "weed" in label.lower() else Cover.CROP
    # LabelMe counts from the corner of the first pixel, the canvas from its centre.
    east, north = (at[0] - width / 2) * gsd_m, (height / 2 - at[1]) * gsd_m
    radius = float(np.linalg.norm(outline - at, axis=1).max()) * gsd_m
    return Plant(number, cover, label, float(east), float(north), radius, abs(moments["m00"]) * gsd_m**2, 0.0)
