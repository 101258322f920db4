"""A survey's map as one picture: for readers without scripts, and to be passed on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import transform

from fieldbox.dashboard import placeerror, tiles
from fieldbox.dashboard.layers import Layer, index_values, lookup_table
from fieldbox.dashboard.placeerror import PlaceErrors
from fieldbox.dashboard.plants import STRUCK, Weeds
from fieldbox.dashboard.planttiles import GREY, LEAST_PX, PINK, draw_dots
from fieldbox.dashboard.ports import Picture
from fieldbox.domain import Hotspot

LONGEST_PX: Final = 800
_HALF_WORLD_M: Final = tiles.HALF_WORLD_M
_SPOT: Final = (194, 0, 107)
_SPOT_PX: Final = 11
_INK: Final = (20, 33, 26)


@dataclass(frozen=True, slots=True)
class Shape:
    """A polygon (rings of (lon, lat), the outer one first) with its line and filling, RGBA."""

    rings: tuple[tuple[tuple[float, float], ...], ...]
    line: tuple[int, int, int, int]
    fill: tuple[int, int, int, int]


class Still:
    """The mosaic, on which layers are laid one after the other."""

    def __init__(self, path: Path) -> None:
        """Raises Misconfigured if the mosaic cannot be read."""
        with tiles.environment(), tiles.open_raster(path) as source:
            shrink = max(1.0, max(source.shape) / LONGEST_PX)
            shape = (max(1, round(source.height / shrink)), max(1, round(source.width / shrink)))
            pixels = source.read(indexes=[1, 2, 3], out_shape=(3, *shape), resampling=Resampling.average)
            mask = source.dataset_mask(out_shape=shape)
            self._crs = source.crs
            self._place: Affine = source.transform @ Affine.scale(
                source.width / shape[1], source.height / shape[0]
            )
        self._image = Image.fromarray(np.dstack([pixels.transpose(1, 2, 0), mask]))

    def lay_band(self, path: Path, layer: Layer) -> None:
        """The colours of a band of the field's map."""
        with tiles.environment(), tiles.open_raster(path) as source:
            if layer.band not in source.descriptions:
                return
            values = source.read(source.descriptions.index(layer.band) + 1)
            row, column, inside = self._cells(source.transform, source.shape)
        index = index_values(np.where(inside, values[row, column], np.float32(np.nan)), layer)
        self._lay(lookup_table(layer)[index])

    def lay_errors(self, path: Path, errors: PlaceErrors) -> None:
        """How far places may be off."""
        with tiles.environment(), tiles.open_raster(path) as source:
            row, column, inside = self._cells(source.transform, source.shape)
        index = np.where(inside, placeerror.classes_of(errors)[row, column], np.uint8(0))
        self._lay(placeerror.colours()[placeerror.striped(index, errors.loose[row, column])])

    def lay_weeds(self, weeds: Weeds) -> None:
        """Every weed as a dot, grey and hollow where people say that it is none."""
        if not len(weeds):
            return
        east, north = (weeds["x"] * 2 - 1) * _HALF_WORLD_M, (1 - weeds["y"] * 2) * _HALF_WORLD_M
        radii = np.maximum(weeds["radius_m"] / abs(self._place.a), LEAST_PX)
        places = self._pixels("EPSG:3857", east, north)
        struck = weeds["sure"] == STRUCK
        for some, colour in ((~struck, PINK), (struck, GREY)):
            alpha = Image.new("L", self._image.size)
            draw_dots(alpha, places[some], radii[some], weeds["sure"][some])
            self._image.alpha_composite(
                Image.merge("RGBA", [*Image.new("RGB", alpha.size, colour).split(), alpha])
            )

    def lay_shapes(self, shapes: Sequence[Shape]) -> None:
        """Zones."""
        over = Image.new("RGBA", self._image.size)
        for shape in shapes:
            draw = ImageDraw.Draw(over)
            for place, ring in enumerate(shape.rings):
                points = self._ring(ring)
                draw.polygon(points, fill=(0, 0, 0, 0) if place else shape.fill)
                draw.line([*points, points[0]], fill=shape.line, width=2)
        self._image.alpha_composite(over)

    def mark(self, boundary: Sequence[tuple[float, float]], spots: Sequence[Hotspot]) -> None:
        """The field's line and its spots by number."""
        draw = ImageDraw.Draw(self._image)
        if len(boundary) >= 3:
            points = self._ring(boundary)
            for colour, width in (((255, 255, 255), 5), (_INK, 2)):
                draw.line([*points, points[0]], fill=colour, width=width)
        for spot in spots:
            ((x, y),) = self._ring([(spot.lon, spot.lat)])
            box = (x - _SPOT_PX, y - _SPOT_PX, x + _SPOT_PX, y + _SPOT_PX)
            draw.ellipse(box, fill=_SPOT, outline=(255, 255, 255), width=2)
            draw.text((x, y), str(spot.rank), fill=(255, 255, 255), anchor="mm", font_size=14)

    def picture(self) -> Picture:
        """All that was laid on it, transparent where nothing was seen."""
        out = io.BytesIO()
        self._image.save(out, "WEBP", quality=80, method=2)
        return Picture(out.getvalue(), "image/webp")

    def _lay(self, rgba: NDArray[np.uint8]) -> None:
        self._image.alpha_composite(Image.fromarray(np.ascontiguousarray(rgba)))

    def _cells(
        self, transform_of: Affine, shape: tuple[int, int]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """Rows [h, 1] and columns [1, w] of a raster of the same system, north up as the picture is, and whether [h, w] it has
        them."""
        width, height = self._image.size
        to_cell = ~transform_of @ self._place
        column = np.floor(to_cell.a * (np.arange(width) + 0.5) + to_cell.c).astype(np.intp)[None]
        row = np.floor(to_cell.e * (np.arange(height) + 0.5) + to_cell.f).astype(np.intp)[:, None]
        inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
        return row.clip(0, shape[0] - 1), column.clip(0, shape[1] - 1), inside

    def _ring(self, ring: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        lon, lat = np.array(ring).T
        return [(x, y) for x, y in self._pixels("EPSG:4326", lon, lat).tolist()]

    def _pixels(self, crs: str, east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.float64]:
        """[N, 2] pixels of places."""
        x, y = (np.asarray(each) for each in transform(crs, self._crs, east, north))
        to_pixel = ~self._place
        return np.column_stack([to_pixel.a * x + to_pixel.c, to_pixel.e * y + to_pixel.f])
