"""Random training crops and their targets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.weeds.augment import recoloured
from models.weeds.data import (
    CROP,
    IGNORED,
    WEED,
    Array,
    Field,
    excess_green,
    load_cauliflower,
    load_potato,
    neighbours,
)  # fmt: skip
from models.weeds.synthetic import grow_fields

FINE, COARSE = 2, 4
"""Pixels a cell of the map of plant or soil, and of all other maps."""
SPRIG = 48
"""Half the side of the square that a weed to be transplanted is cut out of."""
SHARES = {"potato": 0.74, "cauliflower": 0.14, "synthetic": 0.12}
LAST_SHARES = {"potato": 0.66, "cauliflower": 0.22, "synthetic": 0.12}
"""How many of the crops come from where, if all are used: in the first and in the last stage of the training."""


@dataclass(frozen=True)
class _Sprig:
    """A weed cut out of the field, to be planted elsewhere: RGBA uint8 [h, w, 4] and its outline's mask."""

    rgba: Array
    mask: Array


@dataclass(frozen=True)
class _Source:
    """A picture to draw from, its half-size copy, and the centres of its weeds and crop plants."""

    field: Field
    half: Array
    weeds: Array
    crops: Array


@dataclass(frozen=True)
class Sample:
    """One training crop of `size` pixels; its targets on the grids of m = size / 2 and n = size / 4 cells.

    image    uint8 [size, size, 3]
    plant    uint8 [m, m], 1 plant, 0 soil, 255 where unknown
    emphasis float32 [m, m], weight of `plant`
    kinds    uint8 [n, n], 0 crop, 1 weed, 255 where there is no plant or it is not known which
    share    float32 [n, n], weight of `kinds`
    heat     float32 [n, n], 1 at a plant's centre, falling off around it; negative where unknown
    offsets  float32 [2, n, n], pixels from the cell's middle to the centre of its plant, x then y
    weight   float32 [n, n], weight of the offset's loss
    """

    image: Array
    plant: Array
    emphasis: Array
    kinds: Array
    share: Array
    heat: Array
    offsets: Array
    weight: Array


class Sampler:
    """Draws augmented crops. One seed gives one sequence."""

    def __init__(
        self, data: Path, size: int, seed: int, *, columns: Iterable[int], sources: Iterable[str] = SHARES
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.size = size
        wanted = set(sources)
        self.of: dict[str, list[_Source]] = {name: [] for name in SHARES if name in wanted}
        if "potato" in wanted:
            self.of["potato"] = [_source(load_potato(data, run)[0]) for run in neighbours(columns)]
        if "cauliflower" in wanted:
            self.of["cauliflower"] = [_source(field) for field in load_cauliflower(data)]
        if "synthetic" in wanted:
            self.of["synthetic"] = [_source(field) for field in grow_fields()]
        self.sprigs = [sprig for source in self.of.get("potato", []) for sprig in _sprigs(source.field)]
        self.names = list(self.of)
        self.mix(SHARES)

    def mix(self, shares: Mapping[str, float]) -> None:
        """From now on, this share of the crops from each source; those that are not used are left out."""
        wanted = np.array([shares[name] for name in self.names])
        self.shares = wanted / wanted.sum()

    def draw(self) -> Sample:
        """One crop."""
        rng = self.random
        name = self.names[rng.choice(len(self.names), p=self.shares)]
        source, centre = self._somewhere(self.of[name], name)
        scale = self._scale(source.field.scales)
        image, ids = self._cut(source, centre, scale)
        if name == "potato" and rng.random() < 0.4:
            image, ids = self._plant(image, ids, scale, len(source.field.classes))
        classes = np.concatenate([source.field.classes, np.full(64, WEED, np.uint8)])
        single = np.concatenate([source.field.single, np.full(64, True)])
        return Sample(recoloured(image, rng), *targets(ids, classes, single))

    def _somewhere(self, sources: list[_Source], name: str) -> tuple[_Source, Array]:
        """A picture and a place in it: mostly at a weed, sometimes at a crop plant or anywhere."""
        rng = self.random
        pick = rng.random()
        at_weed = name != "cauliflower" and pick < 0.55
        counts = [len(one.weeds if at_weed else one.crops) + 1 for one in sources]
        source = sources[rng.choice(len(sources), p=np.array(counts) / sum(counts))]
        pool = source.weeds if at_weed else source.crops
        if pick < 0.80 and len(pool):
            return source, pool[rng.integers(len(pool))].astype(np.float64)
        height, width = source.field.ids.shape
        return source, np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height])

    def _scale(self, limits: tuple[float, float]) -> float:
        """Log-normal around 0.95, cut at the limits: most crops near the field's own scale, some far off."""
        low, high = limits
        if self.random.random() < 0.6:
            return float(np.clip(math.exp(self.random.normal(-0.05, 0.2)), low, high))
        return float(math.exp(self.random.uniform(math.log(low), math.log(high))))

    def _cut(self, source: _Source, centre: Array, scale: float) -> tuple[Array, Array]:
        """A rotated, mirrored, zoomed crop: its image, and its ids on the fine grid."""
        rng, size, field = self.random, self.size, source.field
        turn, stretch = rng.uniform(0, 2 * math.pi), math.exp(rng.normal(0, 0.05))
        flip = 1.0 if rng.random() < 0.5 else -1.0
        cos, sin = math.cos(turn), math.sin(turn)
        # From crop pixels to field pixels, about the crop's middle.
        matrix = (
            np.array([[cos * flip * stretch, -sin / stretch], [sin * flip * stretch, cos / stretch]]) / scale
        )
        middle = centre + rng.uniform(-0.38, 0.38, 2) * size / scale
        shift = middle - matrix @ np.full(2, (size - 1) / 2)
        to_field = np.hstack([matrix, shift[:, None]])
        border = rng.random()
        mode, fill = (cv2.BORDER_REFLECT_101, (0, 0, 0)) if border < 0.4 else (cv2.BORDER_CONSTANT, (0, 0, 0))
        if border > 0.7:
            fill = tuple(int(v) for v in rng.integers(0, 256, 3))
        pixels, warp = field.image, to_field
        if scale < 0.75:
            pixels, warp = source.half, np.hstack([matrix / 2, (shift[:, None] - 0.5) / 2])
        how = cv2.WARP_INVERSE_MAP | (cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR)
        image = cv2.warpAffine(pixels, warp, (size, size), flags=how, borderMode=mode, borderValue=fill)
        cells = size // FINE
        grid = np.hstack([matrix * FINE, (shift + matrix @ np.full(2, (FINE - 1) / 2))[:, None]])
        # Beyond the picture: soil where it is plainly blank, unknown where it is a mirror image.
        outside = IGNORED if mode == cv2.BORDER_REFLECT_101 else 0
        ids = cv2.warpAffine(
            field.ids, grid, (cells, cells), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT, borderValue=outside,
        )  # fmt: skip
        return image, ids

    def _plant(self, image: Array, ids: Array, scale: float, first: int) -> tuple[Array, Array]:
        """Plant a few weeds from elsewhere in the field onto this crop's soil; their ids begin at `first`."""
        rng = self.random
        image, ids = image.copy(), ids.copy()
        for number in range(int(rng.integers(1, 6))):
            sprig = self.sprigs[rng.integers(len(self.sprigs))]
            turn, zoom = rng.uniform(0, 360), scale * math.exp(rng.normal(0, 0.15))
            reach = max(FINE, int(SPRIG * zoom) // FINE * FINE)
            if 2 * reach + 2 * FINE >= self.size:
                continue
            turned = cv2.getRotationMatrix2D((SPRIG - 0.5,) * 2, turn, zoom)
            turned[:, 2] += reach - SPRIG
            side = 2 * reach
            rgba = cv2.GaussianBlur(sprig.rgba, (0, 0), 0.45 / zoom) if zoom < 0.75 else sprig.rgba
            rgba = cv2.warpAffine(rgba, turned, (side, side), flags=cv2.INTER_LINEAR)
            own = (
                cv2.warpAffine(sprig.mask, turned, (side, side), flags=cv2.INTER_NEAREST)[::FINE, ::FINE] > 0
            )
            left, top = (int(v) * FINE for v in rng.integers(0, (self.size - side) // FINE, 2))
            below = ids[top // FINE : (top + side) // FINE, left // FINE : (left + side) // FINE]
            if not own.any() or (below[own] != 0).any():
                continue
            box = np.s_[top : top + side, left : left + side]
            alpha = rgba[..., 3:].astype(np.float32) / 255
            image[box] = (image[box] * (1 - alpha) + rgba[..., :3] * alpha).astype(np.uint8)
            below[own] = first + number
        return image, ids


def _source(field: Field) -> _Source:
    half = cv2.resize(field.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return _Source(field, half, _plants(field, WEED), _plants(field, CROP))


def _plants(field: Field, wanted: int) -> Array:
    """Centres of all plants of a class, float32 [n, 2] (x, y)."""
    positive = np.maximum(field.ids, 0).ravel()
    size = len(field.classes)
    area = np.bincount(positive, minlength=size)
    height, width = field.ids.shape
    x = np.bincount(positive, np.tile(np.arange(width, dtype=np.float32), height), size) / np.maximum(area, 1)
    y = np.bincount(positive, np.repeat(np.arange(height, dtype=np.float32), width), size) / np.maximum(
        area, 1
    )
    chosen = (field.classes == wanted) & field.single & (area > 0)
    return np.stack([x, y], 1)[chosen].astype(np.float32)


def _sprigs(field: Field) -> list[_Sprig]:
    found = []
    height, width = field.ids.shape
    for centre in _plants(field, WEED):
        x, y = (int(v) for v in centre)
        if not (SPRIG < x < width - SPRIG and SPRIG < y < height - SPRIG):
            continue
        box = np.s_[y - SPRIG : y + SPRIG, x - SPRIG : x + SPRIG]
        own = field.ids[box] == field.ids[y, x]
        if field.ids[y, x] <= 0 or not 30 < own.sum() < 4000:
            continue
        patch = field.image[box]
        leaf = np.clip((excess_green(patch) - 0.03) / 0.07, 0, 1)
        alpha = cv2.GaussianBlur(leaf * own, (0, 0), 0.8)
        found.append(_Sprig(np.dstack([patch, (alpha * 255).astype(np.uint8)]), own.astype(np.uint8)))
    return found


def targets(ids: Array, classes: Array, single: Array) -> tuple[Array, ...]:
    """Targets (see `Sample`, from `plant` on) for ids int16 [m, m] on the fine grid."""
    positive = np.maximum(ids, 0)
    plant = (positive > 0).astype(np.uint8)
    plant[ids == IGNORED] = 255
    weeds = (classes[positive] == WEED) & (positive > 0)
    # The soil around a weed counts as much as the weed: or its outline would be drawn too wide.
    near = cv2.dilate(weeds.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    emphasis = np.where(near, np.float32(3), np.float32(1))
    step = COARSE // FINE
    cells = ids.shape[0] // step
    blocks = _owners(ids, cells, step)
    middle = (COARSE - 1) / 2
    grid = (np.arange(cells, dtype=np.float32) * COARSE + middle).astype(np.float32)
    area, cx, cy = _middles(positive, len(classes))
    flat = np.maximum(blocks, 0).ravel()
    counted = single & (area * FINE**2 >= 2 * COARSE**2)
    counted[0] = False
    xs, ys = np.tile(grid, cells), np.repeat(grid, cells)
    shape = (cells, cells)
    offsets = np.stack([cx[flat] - xs, cy[flat] - ys]).reshape(2, *shape).astype(np.float32)
    each = 1 / np.sqrt(np.maximum(area, 1) / step**2)
    weight = np.where(counted[flat], each[flat], 0).reshape(shape).astype(np.float32)
    kinds = np.where(flat > 0, classes[flat] == WEED, 255).astype(np.uint8).reshape(shape)
    share = np.where(flat > 0, each[flat], 0).reshape(shape).astype(np.float32)
    heat = _bells(grid, np.flatnonzero(counted), area / step**2, cx, cy)
    # No centre is taught where the plants were not told apart, or a plant is a mere speck.
    heat[(blocks == IGNORED) | ((blocks > 0) & ~counted[np.maximum(blocks, 0)])] = -1
    return plant, emphasis, kinds, share, heat, offsets, weight


def _owners(ids: Array, cells: int, step: int) -> Array:
    """Of each coarse cell, int16 [cells, cells]: the plant that covers most of it, `IGNORED` where none does but
    some of it is unknown, else soil. Of plants that cover as much, the one with the highest id."""
    parts = ids.reshape(cells, step, cells, step).transpose(0, 2, 1, 3).reshape(cells, cells, step * step)
    alike = (parts[..., :, None] == parts[..., None, :]).sum(-1)
    votes = np.where(parts > 0, alike, 0) * 2**16 + parts
    best = np.take_along_axis(parts, votes.argmax(-1)[..., None], -1)[..., 0]
    unknown = (parts == IGNORED).any(-1)
    return np.where((best <= 0) & unknown, IGNORED, best)


def _middles(positive: Array, count: int) -> tuple[Array, Array, Array]:
    """Of each id: cells on the fine grid, and the middle in pixels."""
    side = positive.shape[0]
    line = (np.arange(side, dtype=np.float32) * FINE + (FINE - 1) / 2).astype(np.float32)
    flat = positive.ravel()
    area = np.bincount(flat, minlength=count).astype(np.float32)
    cx = np.bincount(flat, np.tile(line, side), count) / np.maximum(area, 1)
    cy = np.bincount(flat, np.repeat(line, side), count) / np.maximum(area, 1)
    return area, cx.astype(np.float32), cy.astype(np.float32)


def _bells(grid: Array, plants: Array, area: Array, cx: Array, cy: Array) -> Array:
    """A bell around the centre of each of the plants; `area` in coarse cells, `grid` and centres in pixels."""
    cells = len(grid)
    heat = np.zeros((cells, cells), np.float32)
    line = np.arange(cells, dtype=np.float32)
    for plant in plants:
        sigma = float(np.clip(math.sqrt(area[plant]) / 7, 1.0, 6.0))
        x, y = (
            int(np.clip(round((float(c) - grid[0]) / COARSE), 0, cells - 1)) for c in (cx[plant], cy[plant])
        )
        reach = math.ceil(3 * sigma)
        box = np.s_[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        bell = np.exp(
            -((line[box[1]] - x) ** 2)[None] / (2 * sigma**2)
            - ((line[box[0]] - y) ** 2)[:, None] / (2 * sigma**2)
        )
        np.maximum(heat[box], bell, out=heat[box])
    return heat
