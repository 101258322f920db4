"""Where a raster holds anything, and how its numbers become a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as Extent

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

LEAST_COLOURS = 3
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
NOT_READABLE = N_("The GeoTIFF cannot be read ({detail}): export it again from the program that made it.")
_WHITE_SHARE = 99.5
"""Percentile of the brightest band that becomes nearly white."""
_GAMMA = 1 / 2.2


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


def short(error: Exception) -> str:
    """Without the path, which nobody knows; words of the file in it are printable."""
    text = str(error).rsplit("/", 1)[-1][:120]
    return "".join(one if one.isprintable() else "?" for one in text) or type(error).__name__


def shown(bands: Sequence[str]) -> list[int]:
    """Numbers (from 1) of the bands that make the picture."""
    if {"red", "green", "blue"} <= set(bands):
        return [bands.index(name) + 1 for name in ("red", "green", "blue")]
    return [1, 1, 1]


def tone_of(source: DatasetReader, bands: Sequence[str]) -> Tone:
    """Bytes stay as they are; other numbers are scaled by their brightest, reflectance with a camera's gamma. What has no
    colours may be heights: it is stretched."""
    if source.dtypes[0] == "uint8":
        return Tone(0.0, 255.0, 1.0)
    seen, valid = sampled(source, shown(bands))
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


def sampled(source: DatasetReader, numbers: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Bands (numbers from 1) at windows spread over the raster [bands, n], and which of these pixels hold anything [n]."""
    values, valid = [], []
    for window in _windows(source):
        try:
            seen = source.read(list(numbers), window=window, out_dtype="float32")
            mask = source.dataset_mask(window=window) > 0
        except (RasterioError, CPLE_BaseError) as error:
            raise Rejected(NOT_READABLE, detail=short(error)) from error
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
    if tells_where(source):
        return np.ones(values.shape[1:], np.bool_)
    some = (values != 0).any(axis=0)
    nothing = empty_value(source)
    return np.asarray(
        some if nothing is None else some & (values != np.float32(nothing)).any(axis=0), np.bool_
    )


def empty_value(source: DatasetReader) -> float | None:
    """The number that stands where a raster holds nothing: by its tag, else that of its corners if no ground is so bright or
    so dark; None: 0, or it is told otherwise."""
    if source.nodata is not None or tells_where(source):
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


def holds(source: DatasetReader, laid: DatasetReader | WarpedVRT, extent: Extent) -> NDArray[np.bool_]:
    """Where the raster as laid out holds anything."""
    mask = np.asarray(laid.dataset_mask(window=extent) > 0, np.bool_)
    if tells_where(source):
        return mask
    colours = list(range(1, min(LEAST_COLOURS, source.count) + 1))
    return mask & _some(source, laid.read(colours, window=extent, out_dtype="float32"))


def tells_where(source: DatasetReader) -> bool:
    """Whether a raster says itself where it holds nothing."""
    return source.nodata is not None or ColorInterp.alpha in source.colorinterp


def coverage_of(source: DatasetReader) -> NDArray[np.bool_]:
    """Where a raster holds anything, by one pixel of many: COARSE_PX along its long side. Whole stripes are read and thinned
    here: asked for a few pixels, GDAL unpacks each block once for each line (measured: sixty times slower)."""
    shrink = max(1, max(source.width, source.height) // COARSE_PX)
    stripe = max(1, STRIPE_PX // shrink) * shrink
    colours, found = list(range(1, min(LEAST_COLOURS, source.count) + 1)), []
    for top in range(0, source.height, stripe):
        extent = Extent(0, top, source.width, min(stripe, source.height - top))
        held = source.dataset_mask(window=extent)[::shrink, ::shrink] > 0
        if not tells_where(source):
            values = source.read(colours, window=extent)[:, ::shrink, ::shrink]
            held &= _some(source, values.astype(np.float32))
        found.append(held)
    return np.concatenate(found)
