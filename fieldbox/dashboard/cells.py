"""What the layers of a survey's map say of one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.warp import transform
from rasterio.windows import Window

from fieldbox.dashboard import layerwords, tiles
from fieldbox.dashboard.language import metres, number, say
from fieldbox.dashboard.layers import LAYERS, Layer
from fieldbox.dashboard.placeerror import PlaceErrors
from fieldbox.dashboard.words import Figure
from fieldbox.domain import Survey
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_


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


def figures_at(survey: Survey, path: Path, at: tuple[float, float], errors: PlaceErrors) -> list[Figure]:
    """All that the map of a survey says of a place (lat, lon), a figure a layer; empty outside of the map or where it is gone."""
    try:
        cell = cell_of(path, *at)
        values = values_at(path, cell) if cell else {}
    except Misconfigured:
        return []
    if cell is None:
        return []
    told = [
        _compared(survey, layer, values[layer.band], _spread_over(path, layer.band))
        if layer.key in COMPARED
        else _figure(layer, values[layer.band])
        for layer in LAYERS.values()
        if layer.band in values
    ]
    error = float(errors.error_m[cell])
    if math.isfinite(error):
        loose = say("only by photos that fit no other") if errors.loose[cell] else None
        told.append(Figure(say("Place error"), f"± {metres(error)}", "m", loose))
    return told


@dataclass(frozen=True, slots=True)
class Compared:
    """How a place's value is told beside those of the rest of its field."""

    more: str
    alike: str
    less: str


_LEAF: Final = Compared(N_("more leaf than most"), N_("as much leaf as most"), N_("less leaf than most"))
COMPARED: Final[Mapping[str, Compared]] = {
    "health": Compared(N_("better than most"), N_("as most"), N_("poorer than most")),
    "green": Compared(N_("greener than most"), N_("as green as most"), N_("less green than most")),
    "ndvi": _LEAF,
    "gndvi": _LEAF,
    "osavi": _LEAF,
    "ndre": Compared(
        N_("greener leaves than most"), N_("leaves as green as most"), N_("less green leaves than most")
    ),
}
"""Layers whose numbers say nothing by themselves."""
_MOST: Final = (20.0, 80.0)
"""Percent of the field's cells: between these is what most of it is like."""
_SAMPLE: Final = 256
"""Cells on a side that are enough to know that."""


def _spread_over(path: Path, band: str) -> tuple[float, float]:
    """Between which values most of the field lies."""
    with tiles.environment(), tiles.open_raster(path) as source:
        shape = (min(_SAMPLE, source.height), min(_SAMPLE, source.width))
        values = source.read(source.descriptions.index(band) + 1, out_shape=shape)
    low, high = np.nanpercentile(values, _MOST).tolist()
    return low, high


def _compared(survey: Survey, layer: Layer, value: float, most: tuple[float, float]) -> Figure:
    """In words where the place stands in its field, then the number, what most of the field has, and how far that is trusted."""
    words, (low, high) = COMPARED[layer.key], most
    said = words.more if value > high else words.less if value < low else words.alike
    trust = layerwords.trust_of(layer.key, survey)
    numbers = say(
        "%(value)s; most of this field: %(low)s to %(high)s; %(label)s",
        value=_signed(layer, value),
        low=_signed(layer, low),
        high=_signed(layer, high),
        label=trust.label if trust else "",
    )
    return Figure(say(layer.title), say(said), "", numbers)


def _signed(layer: Layer, value: float) -> str:
    sign = ("+" if value > 0 else "−" if value < 0 else "") if layer.low < 0 else ""
    return sign + number(abs(value) if sign else value, 1 if layer.high > 1 else 2)


def _figure(layer: Layer, value: float) -> Figure:
    shown = (1 - value if layer.inverted else value) * layer.factor
    signed = "+" if layer.low < 0 and shown > 0 else ""
    digits = 0 if layer.factor == 100 and shown >= 9.95 else 1 if layer.high > 1 or layer.factor == 100 else 2
    return Figure(say(layer.title), signed + number(shown, digits), say(layer.unit), None)
