"""What the layers of a survey's map say of one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from rasterio.warp import transform
from rasterio.windows import Window

from fieldbox.dashboard import tiles
from fieldbox.dashboard.language import metres, number, say
from fieldbox.dashboard.layers import LAYERS, Layer
from fieldbox.dashboard.placeerror import PlaceErrors
from fieldbox.dashboard.words import Figure
from fieldbox.errors import Misconfigured


def cell_of(path: Path, lat: float, lon: float) -> tuple[int, int] | None:
    """Row and column of the cell that a place lies in; None: outside of the map. Raises Misconfigured if the map is gone."""
    with tiles.environment(), tiles.open_raster(path) as source:
        (east,), (north,) = transform("EPSG:4326", source.crs, [lon], [lat])
        column, row = ~source.transform @ (east, north)
        inside = 0 <= row < source.height and 0 <= column < source.width
        return (math.floor(row), math.floor(column)) if inside else None


def values_at(path: Path, cell: tuple[int, int]) -> Mapping[str, float]:
    """The bands of a cell by their names, as far as they are known."""
    row, column = cell
    with tiles.environment(), tiles.open_raster(path) as source:
        values = source.read(window=Window(column, row, 1, 1))[:, 0, 0].tolist()
        return {
            name: value
            for name, value in zip(source.descriptions, values, strict=True)
            if name is not None and math.isfinite(value)
        }


def figures_at(path: Path, lat: float, lon: float, errors: PlaceErrors) -> list[Figure]:
    """All that the map says of a place, a figure a layer; empty outside of the map or where it is gone."""
    try:
        cell = cell_of(path, lat, lon)
        values = values_at(path, cell) if cell else {}
    except Misconfigured:
        return []
    if cell is None:
        return []
    told = [_figure(layer, values[layer.band]) for layer in LAYERS.values() if layer.band in values]
    error = float(errors.error_m[cell])
    if math.isfinite(error):
        loose = say("only by photos that fit no other") if errors.loose[cell] else None
        told.append(Figure(say("Place error"), f"± {metres(error)}", "m", loose))
    return told


def _figure(layer: Layer, value: float) -> Figure:
    shown = (1 - value if layer.inverted else value) * layer.factor
    signed = "+" if layer.low < 0 and shown > 0 else ""
    digits = 0 if layer.factor == 100 and shown >= 9.95 else 1 if layer.high > 1 or layer.factor == 100 else 2
    return Figure(say(layer.title), signed + number(shown, digits), say(layer.unit), None)
