"""Fields that nobody planted, to train on: the simulator's own, in other crops, soils and light.

The simulator knows where a plant stands and how far it reaches. Its pixels are the green ones within that
reach, each given to the plant it lies nearest to for the plant's size.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from fieldbox.domain import Cover
from fieldbox.simulate.field import SOILS, FieldOptions, SimField, grow_field
from models.weeds.data import CROP, WEED, Array, Field, excess_green

FIELDS, UNSEEN = 24, 12
SIDE_M = 4.0
GREEN = 0.08


def grow_fields() -> Iterator[Field]:
    """Small fields to train on, each of one crop; the same ones every time."""
    return _grow(FIELDS, 20, 1000)


def tuning_fields() -> Iterator[Field]:
    """Fields of the same kinds to choose thresholds on."""
    return _grow(UNSEEN, 22, 3000)


def unseen_fields() -> Iterator[Field]:
    """Fields of the same kinds on which nothing was trained or chosen."""
    return _grow(UNSEEN, 21, 2000)


def _grow(count: int, seed: int, first: int) -> Iterator[Field]:
    rng = np.random.default_rng(seed)
    soils = sorted(SOILS)
    for number in range(count):
        options = FieldOptions(
            size_m=(SIDE_M, SIDE_M), margin_m=0.3, crops=(str(rng.choice(["potato", "potato", "maize", "cabbage"])),),
            row_spacing_m=float(rng.uniform(0.45, 0.9)), in_row_m=float(rng.uniform(0.2, 0.45)),
            row_heading_deg=float(rng.uniform(0, 180)), emergence=float(rng.uniform(0.6, 1)),
            crop_diameter_m=float(rng.uniform(0.12, 0.35)), weeds_per_m2=float(rng.choice([0.5, 3, 8, 15])),
            weed_patches=2, soil=soils[number % len(soils)], straw_per_m2=float(rng.uniform(0, 12)),
            sun_azimuth_deg=float(rng.uniform(0, 360)), sun_elevation_deg=float(rng.uniform(25, 80)),
            shadow=float(rng.uniform(0, 0.8)), gsd_m=0.0026, seed=first + number,
        )  # fmt: skip
        yield labelled(grow_field(options))


def labelled(field: SimField) -> Field:
    """A simulated field as a picture to train on."""
    image = field.canvas
    height, width = image.shape[:2]
    green = cv2.GaussianBlur(excess_green(image), (0, 0), 0.8) > GREEN
    nearest = np.full((height, width), 1.0, np.float32)
    ids = np.zeros((height, width), np.int16)
    for number, plant in enumerate(field.plants, start=1):
        x, y = field.to_pixels(np.array([plant.east, plant.north]))
        reach = plant.radius_m / field.gsd_m * 1.1 + 1
        box = _box(x, y, reach, width, height)
        rows, columns = np.mgrid[box]
        away = np.hypot(columns - x, rows - y).astype(np.float32) / np.float32(reach)
        mine = green[box] & (away < nearest[box])
        nearest[box][mine] = away[mine]
        ids[box][mine] = number
    classes = np.array([0] + [CROP if p.cover is Cover.CROP else WEED for p in field.plants], np.uint8)
    return Field(image, ids, classes, classes > 0, (0.28, 1.3))


def _box(x: float, y: float, reach: float, width: int, height: int) -> tuple[slice, slice]:
    return (
        slice(max(0, int(y - reach)), min(height, int(y + reach) + 2)),
        slice(max(0, int(x - reach)), min(width, int(x + reach) + 2)),
    )


def preview(field: Field) -> Array:
    """The picture beside its labels, to be looked at."""
    colours = np.array([[90, 70, 50], [60, 200, 60], [230, 60, 60]], np.uint8)
    return np.hstack([field.image, colours[field.classes[np.maximum(field.ids, 0)]]])
