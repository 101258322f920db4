"""Symptoms painted on photographs of real plants, and changes that are no symptom.

What is painted stands for the mechanism alone: a plant that is yellower, or smaller, than its neighbours,
or gone. No real stress looks exactly so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

Array = np.ndarray[Any, Any]

HEALTHY, STUNTED, YELLOWING, MISSING = "healthy", "stunted", "yellowing", "missing"
GREEN = 0.06
"""ExG above which a pixel inside a plant's outline is leaf."""
RED, BLUE = (1.0, 1.1), (0.35, 0.75)
"""Of a yellow leaf, over the mean of its red and green: from lemon (RGB 1, 1, 0.35) to pale straw."""


@dataclass(frozen=True)
class Painted:
    """A picture after painting: uint8 [h, w, 3], and the symptom of each plant id ([n] names, [0] unused)."""

    image: Array
    symptoms: Array


def paint(image: Array, ids: Array, plants: Array, rng: np.random.Generator, share: float = 0.18) -> Painted:
    """Paint one of the three symptoms on `share` of the plants with the given ids, in equal parts."""
    image = image.copy()
    symptoms = np.full(int(ids.max()) + 1, HEALTHY, object)
    boxes = boxes_of(ids)
    chosen = rng.permutation(plants)[: round(share * len(plants))]
    for number, plant in enumerate(chosen.tolist()):
        symptom = (STUNTED, YELLOWING, MISSING)[number % 3]
        box = _box(ids, boxes, plant, 8)
        if symptom == YELLOWING:
            _yellow(image[box], ids[box] == plant, rng)
        elif not _shrink(
            image, ids, boxes, plant, rng.uniform(0.35, 0.7) if symptom == STUNTED else 0.0, rng
        ):
            continue  # no bare ground near enough to fill the hole with
        symptoms[plant] = symptom
    return Painted(image, symptoms)


def light(image: Array, rng: np.random.Generator) -> Array:
    """No symptom: brightness and white balance that drift over the field, and the shadow of a cloud."""
    height, width = image.shape[:2]
    tilt = rng.uniform(-1, 1, (2, 3))
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :, None]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None, None]
    gain = 1 + 0.35 * (tilt[0, 0] * across + tilt[1, 0] * down)
    balance = np.array([1.0, 0.0, -1.0], np.float32) * 0.06
    gain = gain * (1 + balance * (tilt[0, 1] * across + tilt[1, 1] * down))
    coarse = rng.normal(size=(6, 6)).astype(np.float32)
    cloud = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    dark = 1 / (1 + np.exp(-8 * (cloud - 0.5)))[..., None]
    # What lies in shadow is lit by the sky: darker and a little bluer.
    shade = 1 - dark * np.array([0.42, 0.38, 0.32], np.float32)
    return np.clip(image * gain * shade, 0, 255).astype(np.uint8)


def growth(image: Array, ids: Array, plants: Array, rng: np.random.Generator) -> Array:
    """No symptom: the plants get smaller, slowly, towards one side of the field (down to 0.7 across)."""
    image = image.copy()
    turn = rng.uniform(0, 2 * math.pi)
    height, width = ids.shape
    boxes = boxes_of(ids)
    for plant in plants.tolist():
        top, left = (part.start for part in _box(ids, boxes, plant, 0))
        place = math.cos(turn) * (left / width - 0.5) + math.sin(turn) * (top / height - 0.5)
        factor = 0.85 - 0.15 * math.tanh(2.5 * place)
        _shrink(image, ids, boxes, plant, factor, rng)
    return image


def _box(ids: Array, boxes: Array, plant: int, margin: int) -> tuple[slice, slice]:
    box = boxes[plant]
    height, width = ids.shape
    return (
        slice(max(0, box[1] - margin), min(height, box[3] + margin)),
        slice(max(0, box[0] - margin), min(width, box[2] + margin)),
    )


def boxes_of(ids: Array) -> Array:
    """[n, 4] left, top, right, bottom (ends excluded) of each id."""
    count = int(ids.max()) + 1
    boxes = np.zeros((count, 4), np.int64)
    y, x = np.nonzero(ids > 0)
    own = ids[y, x]
    for column, values, worst, better in ((0, x, ids.shape[1], np.minimum), (1, y, ids.shape[0], np.minimum)):
        best = np.full(count, worst, np.int64)
        better.at(best, own, values)
        boxes[:, column] = best
        last = np.full(count, -1, np.int64)
        np.maximum.at(last, own, values)
        boxes[:, column + 2] = last + 1
    return boxes


def excess_green(image: Array) -> Array:
    """(2G - R - B) / (R + G + B), float32 [h, w]."""
    total = image.sum(2, dtype=np.float32) + 1
    return np.asarray(3 * image[..., 1].astype(np.float32) / total - 1)


def _leaf(image: Array, mask: Array) -> Array:
    """float32 [h, w] 0 to 1, how much of a pixel is leaf of the plant."""
    leaf = (mask & (cv2.GaussianBlur(excess_green(image), (0, 0), 1.0) > GREEN)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(leaf, (0, 0), 0.8))


def _yellow(part: Array, mask: Array, rng: np.random.Generator) -> None:
    """Turn leaves yellow in place: all of the plant or blotches of it, faintly or strongly."""
    strength, extent = rng.uniform(0.3, 1.0), rng.uniform(0.4, 1.0)
    leaf = _leaf(part, mask)
    noise = cv2.GaussianBlur(rng.normal(size=mask.shape).astype(np.float32), (0, 0), 6.0)
    level = np.quantile(noise[mask], 1 - extent) if extent < 0.98 else noise.min() - 1
    share = cv2.GaussianBlur((noise >= level).astype(np.float32), (0, 0), 1.5) * leaf * strength
    grey = part[..., :2].astype(np.float32).mean(2, keepdims=True)
    red = rng.uniform(*RED)
    aim = grey * np.array([red, 2 - red, rng.uniform(*BLUE)], np.float32)
    part[:] = np.clip(part + share[..., None] * (aim - part) + 0.5, 0, 255).astype(np.uint8)


def _shrink(
    image: Array, ids: Array, boxes: Array, plant: int, factor: float, rng: np.random.Generator
) -> bool:
    """Replace a plant by bare ground from nearby, and by itself made smaller (0: not at all)."""
    box = _box(ids, boxes, plant, 12)
    part, mask = image[box], ids[box] == plant
    soil = _soil_near(image, ids, box, mask, rng)
    if soil is None:
        return False
    leaf = _leaf(part, mask)
    hole = cv2.GaussianBlur(cv2.dilate(mask.astype(np.float32), np.ones((7, 7), np.uint8)), (0, 0), 2.0)[
        ..., None
    ]
    others = (ids[box] > 0) & ~mask
    hole[others] = 0
    filled = part * (1 - hole) + soil * hole
    if factor > 0:
        rows, columns = np.nonzero(mask)
        turn = cv2.getRotationMatrix2D((float(columns.mean()), float(rows.mean())), 0, factor)
        size = (mask.shape[1], mask.shape[0])
        # Averaged down, not sampled: a smaller plant is not a sharper one.
        soft = cv2.GaussianBlur(part, (0, 0), 0.45 / factor)
        small = cv2.warpAffine(soft, turn, size, flags=cv2.INTER_LINEAR)
        alpha = cv2.warpAffine(leaf, turn, size, flags=cv2.INTER_LINEAR)[..., None]
        filled = filled * (1 - alpha) + small * alpha
    part[:] = np.clip(filled + 0.5, 0, 255).astype(np.uint8)
    return True


def _soil_near(
    image: Array, ids: Array, box: tuple[slice, slice], mask: Array, rng: np.random.Generator
) -> Array | None:
    """A piece of the picture as large as the box that shows bare ground where the mask is."""
    rows, columns = mask.shape
    height, width = ids.shape
    best, least = None, 0.06
    for _try in range(60):
        reach = 160 + 12 * _try
        top = int(np.clip(box[0].start + rng.integers(-reach, reach), 0, height - rows))
        left = int(np.clip(box[1].start + rng.integers(-reach, reach), 0, width - columns))
        there = image[top : top + rows, left : left + columns]
        taken = float(((ids[top : top + rows, left : left + columns] > 0) & mask).sum()) / mask.sum()
        if taken > least:
            continue
        green = taken + float((excess_green(there)[mask] > GREEN).mean())
        if green < least:
            best, least = there.copy(), green
            if green < 0.005:
                break
    return best
