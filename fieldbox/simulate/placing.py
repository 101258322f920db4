"""Where the plants of a made field stand: crop along its rows, weeds in patches and between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fieldbox.domain import Cover
from fieldbox.simulate import symptoms, texture
from fieldbox.simulate.later import Happened, Later, grown, new_patches, survivors
from fieldbox.simulate.scene import Hole, SownRow
from fieldbox.simulate.sowing import Layout, traced

if TYPE_CHECKING:
    from fieldbox.simulate.field import FieldOptions


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plant is to stand, and how large."""

    cover: Cover
    kind: str
    x: float
    y: float
    diameter: float
    symptom: str | None = None
    row: int | None = None
    """Index of the field's row that it was sown in; None: a weed."""


@dataclass(frozen=True, slots=True)
class Sown:
    """What stands where in a field."""

    places: tuple[Place, ...]
    """Weeds first, since crop plants grow over them."""
    holes: tuple[Hole, ...]
    rows: tuple[SownRow, ...]
    happened: Happened | None = None
    """Since it was sown; None: it is as it was sown."""


_LARGEST_CROP_M, _LARGEST_WEED_M = 0.9, 0.4


def sow(options: FieldOptions, layout: Layout, rng: np.random.Generator) -> Sown:
    """Where each plant stands, and where none does."""
    crop, holes, rows = _place_crop(options, layout, rng)
    weeds = _place_weeds(options, rng, crop)
    if options.symptoms:
        # Numbers of its own: the same field grows with symptoms and without.
        crop, gone = symptoms.spread(crop, options.symptoms, np.random.default_rng([options.seed, 4]))
        holes += [Hole(one.x, one.y, True, one.row) for one in gone]
    happened = None
    if options.later:
        crop = grown(crop, options.later.crop_per_day, options.later.days, _LARGEST_CROP_M)
        weeds, happened = _some_days_on(options, options.later, weeds, crop)
    return Sown((*weeds, *crop), tuple(holes), tuple(rows), happened)


def _some_days_on(
    options: FieldOptions, later: Later, weeds: list[Place], crop: list[Place]
) -> tuple[list[Place], Happened]:
    """Weeds that are left and have grown, and new ones where there is room between all others."""
    rng = np.random.default_rng([options.seed, 8])
    left, gone = survivors(weeds, later, rng)
    left = grown(left, later.weeds_per_day, later.days, _LARGEST_WEED_M)
    taken: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for plant in (*left, *crop):
        _remember(taken, plant.x, plant.y, plant.diameter * 0.42)

    def make(x: float, y: float, size: float) -> Place | None:
        diameter = 0.05 + 0.05 * size
        if _crowded(taken, x, y, diameter * 0.4):
            return None
        _remember(taken, x, y, diameter * 0.4)
        return Place(Cover.WEED, options.weed_kinds[int(size * len(options.weed_kinds))], x, y, diameter)

    came, middles = new_patches(later, options.size_m, rng, make)
    happened = Happened(
        later, tuple((one.x, one.y) for one in gone), tuple((one.x, one.y) for one in came), tuple(middles)
    )
    return left + came, happened


def _place_crop(
    options: FieldOptions, layout: Layout, rng: np.random.Generator
) -> tuple[list[Place], list[Hole], list[SownRow]]:
    half = np.array(options.size_m) / 2
    vigour = texture.smooth_noise(rng, (64, 64), 8.0)
    found: list[Place] = []
    holes: list[Hole] = []
    rows: list[SownRow] = []
    for line in layout.lines():
        kind = options.crops[line.number % len(options.crops)]
        spots = np.arange(line.start_m, line.end_m, options.in_row_m)
        spots = spots + rng.normal(0, 0.12 * options.in_row_m, spots.size)
        points = layout.points(line, spots, rng.normal(0, 0.02, spots.size))
        size = options.crop_diameter_m * np.exp(rng.normal(0, 0.28, spots.size))
        up = rng.random(spots.size) < options.emergence
        middle = layout.points(line, spots, np.zeros(spots.size))
        inside = np.all(np.abs(points) < half - 0.05, axis=1) & layout.within(line, middle)
        keep = up & inside
        holes += [Hole(float(p[0]), float(p[1]), False, len(rows)) for p in points[inside & ~up]]
        cell = np.clip((points / np.array(options.size_m) + 0.5) * 63, 0, 63).astype(int)
        size = np.clip(
            size * np.exp(0.10 * vigour[cell[:, 1], cell[:, 0]]), 0.05, 2.2 * options.crop_diameter_m
        )
        found += [
            Place(Cover.CROP, kind, float(p[0]), float(p[1]), float(d), row=len(rows))
            for p, d in zip(points[keep], size[keep], strict=True)
        ]
        pieces = traced(layout, line, half)
        if pieces or inside.any():
            rows.append(SownRow(line.plot, line.number, tuple(pieces)))
    return found, holes, rows


def _place_weeds(options: FieldOptions, rng: np.random.Generator, crop: list[Place]) -> list[Place]:
    """A Thomas cluster process for the patches, uniform for the rest; not under crop, not on each other."""
    half = np.array(options.size_m) / 2
    count = int(rng.poisson(options.weeds_per_m2 * options.size_m[0] * options.size_m[1]))
    centres = rng.uniform(-half, half, (options.weed_patches, 2))
    spread = rng.uniform(0.4, 1.1, options.weed_patches) * min(1.5, 0.12 * float(half.min()) + 0.3)
    main_kind = rng.integers(len(options.weed_kinds), size=options.weed_patches)
    taken: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for plant in crop:
        _remember(taken, plant.x, plant.y, plant.diameter * 0.42)
    found: list[Place] = []
    for _attempt in range(count * 4):
        if len(found) == count:
            break
        patch = int(rng.integers(options.weed_patches)) if rng.random() < options.weed_patchiness else -1
        at = centres[patch] + rng.normal(0, spread[patch], 2) if patch >= 0 else rng.uniform(-half, half)
        kind = int(rng.integers(len(options.weed_kinds)))
        if patch >= 0 and rng.random() < 0.6:
            kind = int(main_kind[patch])
        diameter = float(np.clip(0.080 * np.exp(rng.normal(0, 0.3)), 0.03, 0.15))
        name = options.weed_kinds[kind]
        if name in {"grass", "creeping"}:
            diameter *= 1.5
        if np.any(np.abs(at) > half) or _crowded(taken, float(at[0]), float(at[1]), diameter * 0.4):
            continue
        _remember(taken, float(at[0]), float(at[1]), diameter * 0.4)
        found.append(Place(Cover.WEED, name, float(at[0]), float(at[1]), diameter))
    return found


def _remember(
    taken: dict[tuple[int, int], list[tuple[float, float, float]]], x: float, y: float, r: float
) -> None:
    taken.setdefault((math.floor(x), math.floor(y)), []).append((x, y, r))


def _crowded(
    taken: dict[tuple[int, int], list[tuple[float, float, float]]], x: float, y: float, r: float
) -> bool:
    column, row = math.floor(x), math.floor(y)
    return any(
        math.hypot(x - ox, y - oy) < r + other
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        for ox, oy, other in taken.get((column + dx, row + dy), ())
    )
