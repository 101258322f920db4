"""Pieces of a mosaic at a scale that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_


@dataclass(frozen=True, eq=False, slots=True)
class Piece:
    """A picture of some ground, north up."""

    west: float
    north: float
    gsd_m: float
    pixels: NDArray[np.uint8]
    """[h, w, 3] RGB."""
    mask: NDArray[np.bool_]
    """[h, w], True where there is a picture."""


def gsd_of(path: Path) -> float:
    """Metres to a pixel of a mosaic. Raises Misconfigured if it cannot be read."""
    try:
        with rasterio.open(path) as raster:
            return float(raster.transform.a)
    except RasterioError as error:
        raise _unread(path) from error


def read_piece(path: Path, bounds: tuple[float, float, float, float], gsd_m: float) -> Piece:
    """The ground within `bounds` (west, south, east, north in the mosaic's zone); no picture beyond the mosaic.

    Raises Misconfigured if it cannot be read.
    """
    west, south, east, north = bounds
    rows, columns = max(1, round((north - south) / gsd_m)), max(1, round((east - west) / gsd_m))
    try:
        with rasterio.open(path) as raster:
            own = float(raster.transform.a)
            left, top = (west - raster.transform.c) / own, (raster.transform.f - north) / own
            window = Window(left, top, (east - west) / own, (north - south) / own)
            options = {"window": window, "boundless": True, "resampling": Resampling.average}
            pixels = raster.read((1, 2, 3), out_shape=(3, rows, columns), fill_value=0, **options)
            mask = raster.read_masks(1, out_shape=(rows, columns), window=window, boundless=True)
    except RasterioError as error:
        raise _unread(path) from error
    return Piece(west, north, gsd_m, np.ascontiguousarray(np.moveaxis(pixels, 0, 2), np.uint8), mask > 127)


def _unread(path: Path) -> Misconfigured:
    return Misconfigured(N_("{name} cannot be read as a mosaic."), name=path.name)
