"""What is seen on the ground, and where. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class LayerLabel(StrEnum):
    """How far the colours of a flight can be trusted."""

    CALIBRATED = "calibrated"
    RELATIVE = "relative"
    RGB_ONLY = "RGB-only"


class Cover(StrEnum):
    """What a plant is taken for."""

    CROP = "crop"
    WEED = "weed"


class PlantHealth(StrEnum):
    """How a crop plant compares with its own row and field. Relative: it names no cause."""

    HEALTHY = "healthy"
    STUNTED = "stunted"
    YELLOWING = "yellowing"


class WeedBasis(StrEnum):
    """What a survey's weed figures rest on."""

    PLANTS = "plants"
    """Each plant was told for crop or weed."""
    ROWS = "row-based"
    """The model does not know the crop: what grows off the crop rows is weed, in the rows nothing is judged."""


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of an image in pixels: columns x0 to x1 and rows y0 to y1, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class View:
    """The part of a capture chosen for a patch of ground."""

    digest: str
    window: Window
    """What has to be decoded and looked at, margin included."""
    ground_m2: float
    """Area of the ground that this view answers for."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A single plant on the ground."""

    cover: Cover
    score: float
    east: float
    north: float
    outline: NDArray[np.float64]
    """[K, 2] east, north; open ring."""
    area_m2: float
    position_error_m: float
    """95 % horizontal radius."""
    digest: str
    """The capture it was seen in."""
    pixel_x: float
    pixel_y: float
    """Its centre in that capture's full-scale pixels."""
    owned: bool = True
    """False: the centre lies just outside the ground that its view answers for (needed at seams)."""
    sure: bool = True
    """By the model's stated rule; if not, somebody should look before acting on it."""
    weed_share: float | None = None
    """Probability that it is a weed, given that it is a plant; None: not known."""
    colour: tuple[float, float, float] | None = None
    """Mean red, green and blue (0 to 255) of its green pixels."""
    health: PlantHealth | None = None
    """Of a crop plant, against its neighbours; None: not judged."""
    size_z: float | None = None
    """Robust z-score of its area (logarithm) against its row; low is small."""
    colour_z: float | None = None
    """Robust z-score of its (G - R) / (G + R) against its row, for its size; low is yellow."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a crop row where plants are missing."""

    start: tuple[float, float]
    """East, north of the plant before it."""
    end: tuple[float, float]
    """East, north of the plant after it."""
    missing: int
    """How many plants would fit in, at the spacing of this field's rows."""


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A raster of cells over a field, north up, row 0 in the north. Unseen cells are NaN, never zero.

    All layers are float32 [rows, columns].
    """

    epsg: int
    west: float
    north: float
    cell_m: float
    seen: NDArray[np.float32]
    """Share of the cell that was looked at, 0 to 1 (the one layer without NaN)."""
    weed_cover: NDArray[np.float32]
    crop_cover: NDArray[np.float32]
    """Shares of the seen ground, 0 to 1."""
    weed_density: NDArray[np.float32]
    """Weeds per square metre of seen ground; NaN everywhere if single weeds were not called."""
    unsure: NDArray[np.float32]
    """Share of the seen ground where no class is sure."""
    exg: NDArray[np.float32]
    gli: NDArray[np.float32]
    vari: NDArray[np.float32]
    """Mean over the cell's vegetation: relative, RGB only."""
    health_z: NDArray[np.float32]
    """Robust z-score of the crop's index against its own field; low is poor."""
    spectral: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Indices of the bands of a multispectral camera (ndvi, ndre, ...), mean over the cell; empty: there were no bands."""


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A group of neighbouring cells with many weeds."""

    rank: int
    east: float
    north: float
    lat: float
    lon: float
    area_m2: float
    weed_cover: float
    """0 to 1."""
    weed_count: int | None
    digest: str
    """The capture that shows its worst cell, and where in it."""
    pixel_x: float
    pixel_y: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """What came of the plants that were doubtful at the first look."""

    doubtful: int
    """Plants that were not sure at first."""
    looked_again: int
    """Of these, those that were looked at again in another photo."""
    settled_sure: int
    dropped: int
    """Taken for no plant after all."""
    still_unsure: int
    """Doubtful in the end, looked at again or not."""
    pixels_share: float
    """What looking again took, as a share of the first look's work (pixels, and photos to decode)."""
