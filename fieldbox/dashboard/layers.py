"""The layers of a field map as colours: one fixed scale a layer, so that dates can be compared.

The palettes are ColorBrewer's colour-blind safe ones (YlOrRd, YlGnBu, BrBG, Purples, Greys;
https://colorbrewer2.org, Apache-2.0). Zero is drawn pale, unseen ground is not drawn at all: they
never look the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fieldbox.i18n import N_

Stops = tuple[str, ...]

YL_OR_RD: Stops = ("#ffffcc", "#fed976", "#fd8d3c", "#e31a1c", "#800026")
YL_GN_BU: Stops = ("#ffffd9", "#c7e9b4", "#41b6c4", "#225ea8", "#081d58")
BR_BG: Stops = ("#8c510a", "#dfc27d", "#f5f5f5", "#80cdc1", "#01665e")
PURPLES: Stops = ("#fcfbfd", "#bcbddc", "#807dba", "#6a51a3", "#3f007d")
GREYS: Stops = ("#ffffff", "#d9d9d9", "#969696", "#525252", "#000000")


@dataclass(frozen=True, slots=True)
class Layer:
    """How one band of the field map is shown. `low` and `high` are in the band's own unit."""

    key: str
    """In addresses."""
    band: str
    """The description of the band in map.tif."""
    title: str
    low: float
    high: float
    factor: float
    """Band unit to the legend's unit."""
    unit: str
    note: str
    stops: Stops
    opacity: tuple[float, float]
    """At the low and at the high end."""
    inverted: bool = False
    """Show 1 - value."""
    ends: tuple[str, str, str] | None = None
    """Words for low, middle and high where their numbers would say little."""


LAYERS = {
    layer.key: layer
    for layer in (
        Layer(
            "weed-cover",
            "weed_cover",
            N_("Weeds"),
            0.0,
            0.2,
            100,
            N_("% of the ground"),
            N_("Share of the seen ground that is covered by weeds."),
            YL_OR_RD,
            (0.35, 0.85),
        ),
        Layer(
            "weed-density",
            "weed_density",
            N_("Weed plants"),
            0.0,
            20.0,
            1,
            N_("weeds per m²"),
            N_("Single weeds counted on each square metre of seen ground."),
            YL_OR_RD,
            (0.35, 0.85),
        ),
        Layer(
            "crop-cover",
            "crop_cover",
            N_("Crop"),
            0.0,
            1.0,
            100,
            N_("% of the ground"),
            N_("Share of the seen ground that is covered by the crop."),
            YL_GN_BU,
            (0.5, 0.8),
        ),
        Layer(
            "health",
            "health_z",
            N_("Health"),
            -3.0,
            3.0,
            1,
            N_("compared with the rest of this field"),
            N_(
                "Brown looks poorer than the rest of this field on this day, green looks better. The cause cannot "
                "be told from the air."
            ),
            BR_BG,
            (0.85, 0.85),
            ends=(N_("poorer"), N_("as most"), N_("better")),
        ),
        Layer(
            "ndvi",
            "ndvi",
            N_("NDVI"),
            0.0,
            1.0,
            1,
            N_("NDVI index"),
            N_("How much living leaf covers the ground, by red and near infrared light."),
            YL_GN_BU,
            (0.7, 0.8),
        ),
        Layer(
            "ndre",
            "ndre",
            N_("NDRE"),
            0.0,
            0.6,
            1,
            N_("NDRE index"),
            N_("How green the leaves themselves are, by the red edge and near infrared light."),
            YL_GN_BU,
            (0.7, 0.8),
        ),
        Layer(
            "gndvi",
            "gndvi",
            N_("GNDVI"),
            0.0,
            1.0,
            1,
            N_("GNDVI index"),
            N_("How much green leaf covers the ground, by green and near infrared light."),
            YL_GN_BU,
            (0.7, 0.8),
        ),
        Layer(
            "osavi",
            "osavi",
            N_("OSAVI"),
            0.0,
            1.0,
            1,
            N_("OSAVI index"),
            N_("As NDVI, with less of the bare ground in it: for young crops."),
            YL_GN_BU,
            (0.7, 0.8),
        ),
        Layer(
            "green",
            "exg",
            N_("Greenness"),
            0.0,
            0.6,
            1,
            N_("ExG index, relative"),
            N_("How green the plants are in ordinary colours. Light changes it: do not compare days."),
            YL_GN_BU,
            (0.7, 0.8),
        ),
        Layer(
            "unsure",
            "unsure",
            N_("Unsure"),
            0.0,
            0.5,
            100,
            N_("% of the ground"),
            N_("Where the model could not tell weed, crop and soil apart."),
            PURPLES,
            (0.3, 0.85),
        ),
        Layer(
            "unseen",
            "seen",
            N_("Not seen"),
            0.0,
            1.0,
            100,
            N_("% of the cell"),
            N_("Ground that no photo shows, or that could not be judged. Nothing is known about it."),
            GREYS,
            (0.0, 0.75),
            inverted=True,
        ),
    )
}


@lru_cache(maxsize=32)
def lookup_table(layer: Layer) -> NDArray[np.uint8]:
    """uint8 [256, 4] RGBA. Row 0 is transparent (not known), 1 to 255 run from low to high."""
    anchors = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in layer.stops], np.float64)
    place = np.linspace(0.0, 1.0, 255)
    table = np.zeros((256, 4), np.uint8)
    for channel in range(3):
        table[1:, channel] = np.rint(np.interp(place, np.linspace(0, 1, len(anchors)), anchors[:, channel]))
    table[1:, 3] = np.rint(255 * np.interp(place, [0, 1], layer.opacity))
    return table


def index_values(values: NDArray[np.float32], layer: Layer) -> NDArray[np.uint8]:
    """Rows of the lookup table for `values` (any shape); NaN gives 0."""
    shown = 1.0 - values if layer.inverted else values
    place = np.clip((shown - layer.low) / (layer.high - layer.low), 0.0, 1.0)
    known = np.isfinite(place)
    return np.where(known, 1 + np.rint(254 * np.where(known, place, 0.0)), 0).astype(np.uint8)


def encode_png(index: NDArray[np.uint8], layer: Layer) -> bytes:
    """A palette PNG of the table's rows `index` (uint8 [h, w])."""
    table = lookup_table(layer)
    image = Image.fromarray(index, "P")
    image.putpalette(table[:, :3].tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", transparency=table[:, 3].tobytes(), compress_level=6)
    return out.getvalue()


def legend_png(layer: Layer) -> bytes:
    """The scale from low to high, 255 x 16 pixels."""
    return encode_png(np.tile(np.arange(1, 256, dtype=np.uint8), (16, 1)), layer)


def ticks(layer: Layer, spell: Callable[[float, int], str]) -> list[str]:
    """The ends and the middle of the legend in its unit. A + tells that larger values look the same."""
    low, high = layer.low * layer.factor, layer.high * layer.factor
    more = "" if layer.high == 1.0 or layer.low < 0 else "+"
    digits = 1 if high < 1 else 0
    return [spell(low, digits), spell((low + high) / 2, digits), spell(high, digits) + more]
