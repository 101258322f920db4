"""How far places of a map may be off, cell by cell: by the photo that places each best."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio import features
from rasterio.warp import transform_geom

from fieldbox.dashboard import tiles
from fieldbox.dashboard.ports import Picture
from fieldbox.dashboard.quality import ERROR_CLASSES, ERROR_COLOURS
from fieldbox.domain import Placement

KEY: Final = "position"
_ALPHA: Final = 190
_LOOSE: Final = len(ERROR_COLOURS) + 1
"""Row of the palette for the stripes of ground that only photos show that fit no other."""
_LOOSE_COLOUR: Final = (20, 33, 26)
_STRIPES_PX, _STRIPE_PX = 16, 4


@dataclass(frozen=True, eq=False, slots=True)
class PlaceErrors:
    """Of the cells of a survey's map, [rows, columns]."""

    error_m: NDArray[np.float32]
    """95 % radius; NaN where no photo shows the ground."""
    loose: NDArray[np.bool_]
    """True where only photos show it that fit no other: their own tags place it."""


def place_errors(path: Path, placements: Sequence[Placement]) -> PlaceErrors:
    """The errors in the cells of the map at `path`. Raises Misconfigured if it cannot be read.

    A photo answers for the ground that it shows with the error in its middle. Photos that fit no other count only where no
    aligned one shows the ground.
    """
    with tiles.environment(), tiles.open_raster(path) as source:
        crs, shape, place = source.crs, source.shape, source.transform
        seen = (
            source.read(source.descriptions.index("seen") + 1) > 0 if "seen" in source.descriptions else None
        )
    shown = [one for one in placements if len(one.footprint) >= 3]
    # What is drawn later covers what is there: the best of the aligned ones comes last.
    shown.sort(key=lambda one: (one.block is not None, -one.error95_m))
    rings = [{"type": "Polygon", "coordinates": [[*one.footprint, one.footprint[0]]]} for one in shown]
    shapes = [transform_geom("EPSG:4326", crs, ring) for ring in rings]
    number = np.zeros(shape, np.int32)
    if shapes:
        number = features.rasterize(
            zip(shapes, range(1, len(shapes) + 1), strict=True), shape, transform=place, dtype="int32"
        )
    error = np.array([np.nan, *(one.error95_m for one in shown)], np.float32)[number]
    loose = np.array([False, *(one.block is None for one in shown)])[number]
    if seen is not None:
        error[~seen] = np.nan
    return PlaceErrors(error, loose & np.isfinite(error))


def classes_of(errors: PlaceErrors) -> NDArray[np.uint8]:
    """Rows of the palette: 0 not known, then the classes of the page on how well a flight was flown, the best first."""
    known = np.isfinite(errors.error_m)
    classes = 1 + np.searchsorted(
        np.array(ERROR_CLASSES, np.float32), np.where(known, errors.error_m, 0.0), side="left"
    )
    return np.where(known, classes, 0).astype(np.uint8)


def tile(path: Path, errors: PlaceErrors, z: int, x: int, y: int) -> Picture:
    """One tile: the colour of each cell's class, striped where only loose photos show it."""
    row, column, inside = tiles.cells_under(path, z, x, y)
    index = np.where(inside, classes_of(errors)[row, column], np.uint8(0))
    index = striped(index, errors.loose[row, column])
    return Picture(encode(index), "image/png") if index.any() else tiles.BLANK


def striped(index: NDArray[np.uint8], loose: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The same with stripes where `loose` is true and something is known."""
    rows, columns = (np.arange(side, dtype=np.int16) for side in index.shape)
    stripe = (rows[:, None] + columns) % _STRIPES_PX < _STRIPE_PX
    return np.where(loose & stripe & (index > 0), np.uint8(_LOOSE), index)


def colours() -> NDArray[np.uint8]:
    """RGBA of the palette's rows."""
    rgb = [tuple(bytes.fromhex(colour[1:])) for colour in ERROR_COLOURS]
    return np.array([(0, 0, 0, 0), *((*one, _ALPHA) for one in [*rgb, _LOOSE_COLOUR])], np.uint8)


def encode(index: NDArray[np.uint8]) -> bytes:
    """A palette PNG."""
    palette = colours()
    image = Image.fromarray(index, "P")
    image.putpalette(palette[:, :3].tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", transparency=palette[:, 3].tobytes(), compress_level=6)
    return out.getvalue()
