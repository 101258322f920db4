"""Grow a row-crop field with known truth: soil, relief, ridges, plants, weeds in patches.

It is made to look like a field from a drone, not to prove a model's worth: what a model scores on a
field of its own maker's drawing says nothing of its accuracy on a real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.simulate import plants as drawing
from fieldbox.simulate import symptoms, texture
from fieldbox.simulate.later import Later, check_ranges
from fieldbox.simulate.paving import paved
from fieldbox.simulate.placing import Place, sow
from fieldbox.simulate.scene import Bytes, Floats, Plant, SimField, Surround
from fieldbox.simulate.sowing import LEAST_TERRACE_M, Layout, RowShape, layout_of

SOILS: dict[str, tuple[int, int, int]] = {
    "brown": (134, 118, 91),
    "red": (150, 104, 80),
    "black": (128, 120, 108),
    "grey": (138, 130, 114),
}
"""Mean RGB; "brown" is measured on the real field."""
MAX_CANVAS_PX = 250_000_000
_CELL_PX = 8
_STRIP = 512
_VARIANTS = 14
_PLAIN = 1.04
"""Light on level soil."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """What grows where. Lengths in metres, angles in degrees clockwise from grid north."""

    size_m: tuple[float, float] = (30.0, 20.0)
    """East and north extent of the planted ground."""
    margin_m: float = 2.0
    """Headland around it."""
    crops: tuple[str, ...] = ("potato",)
    row_spacing_m: float = 0.75
    in_row_m: float = 0.35
    row_heading_deg: float = 0.0
    rows: RowShape = RowShape.STRAIGHT
    row_radius_m: float = 25.0
    """Of the row through the field's middle, where rows are curved."""
    terrace_m: float = 6.0
    """Mean width, where the field is terraced."""
    emergence: float = 0.8
    """Share of the places in the rows with a plant."""
    crop_diameter_m: float = 0.22
    """Median; it varies over the field and from plant to plant."""
    weeds_per_m2: float = 2.5
    weed_patchiness: float = 0.6
    """Share of the weeds that stand in patches, 0 to 1."""
    weed_patches: int = 6
    weed_kinds: tuple[str, ...] = ("grass", "broadleaf", "creeping", "seedling")
    relief_m: float = 0.3
    """Standard deviation-like amplitude of the land's long waves."""
    ridge_m: float = 0.12
    soil: str = "brown"
    symptoms: float = 0.0
    """Share of the crop plants with a symptom: a third of them stunted, a third yellowing, a third gone."""
    clods: float = 1.0
    """Density of clods and stones, 1 as on the real field."""
    straw_per_m2: float = 5.0
    sun_azimuth_deg: float = 135.0
    sun_elevation_deg: float = 50.0
    shadow: float = 0.3
    """0: overcast, 1: hard sun."""
    gsd_m: float = 0.0028
    seed: int = 1
    later: Later | None = None
    """The same field some days on; None: as it was sown."""

    def __post_init__(self) -> None:
        """Raise Misconfigured for values that make no field."""
        _check_options(self)


def _check_options(options: FieldOptions) -> None:
    east, north = options.size_m
    ranges = {
        "size_m": (min(east, north), 1.0, 1000.0),
        "margin_m": (options.margin_m, 0.0, 50.0),
        "row_spacing_m": (options.row_spacing_m, 0.1, 5.0),
        "in_row_m": (options.in_row_m, 0.03, 5.0),
        "row_radius_m": (options.row_radius_m, 2.0, 10_000.0),
        "terrace_m": (options.terrace_m, LEAST_TERRACE_M, 100.0),
        "emergence": (options.emergence, 0.0, 1.0),
        "crop_diameter_m": (options.crop_diameter_m, 0.03, 1.0),
        "weeds_per_m2": (options.weeds_per_m2, 0.0, 200.0),
        "weed_patchiness": (options.weed_patchiness, 0.0, 1.0),
        "weed_patches": (options.weed_patches, 1, 1000),
        "relief_m": (options.relief_m, 0.0, 20.0),
        "ridge_m": (options.ridge_m, 0.0, 0.5),
        "symptoms": (options.symptoms, 0.0, 0.9),
        "clods": (options.clods, 0.0, 5.0),
        "straw_per_m2": (options.straw_per_m2, 0.0, 50.0),
        "sun_elevation_deg": (options.sun_elevation_deg, 5.0, 90.0),
        "shadow": (options.shadow, 0.0, 1.0),
        "gsd_m": (options.gsd_m, 0.0005, 0.1),
    }
    check_ranges(ranges)
    for name, given, known in (
        ("crop", options.crops, drawing.CROPS),
        ("weed", options.weed_kinds, drawing.WEEDS),
        ("soil", (options.soil,), SOILS),
        ("row shape", (options.rows,), tuple(RowShape)),
    ):
        unknown = [item for item in given if item not in known]
        if unknown or not given:
            raise Misconfigured(
                N_("The simulator knows no {name} called '{value}'; choose from: {known}."),
                name=name,
                value=", ".join(unknown),
                known=", ".join(known),
            )
    pixels = (east + 2 * options.margin_m) * (north + 2 * options.margin_m) / options.gsd_m**2
    if pixels > MAX_CANVAS_PX:
        raise Misconfigured(
            N_(
                "A field of {east} x {north} m at {gsd} mm per pixel takes too much memory; make it smaller, "
                "or repeat a small one in the flight."
            ),
            east=east,
            north=north,
            gsd=round(options.gsd_m * 1000, 2),
        )


def grow_field(options: FieldOptions) -> SimField:
    """Draw the field. The same options give the same bytes. About 0.3 s per million plants' pixels."""
    rng = np.random.default_rng([options.seed, 1])
    land = _Land(options, rng)
    if options.later and options.later.weathered:
        rng = np.random.default_rng([options.seed, 9])
    canvas, surround = _soil(options, land, rng)
    _straw(canvas, options, rng)
    sown = sow(options, land.layout, np.random.default_rng([options.seed, 2]))
    plants = _stamp(canvas, options, sown.places, np.random.default_rng([options.seed, 3]))
    heights = land.ground.copy()
    _raise(heights, land, plants)
    return SimField(
        canvas=canvas,
        gsd_m=options.gsd_m,
        heights=heights,
        ground=land.ground,
        plants=tuple(plants),
        planted_m=options.size_m,
        surround=surround,
        holes=sown.holes,
        rows=sown.rows,
        happened=sown.happened,
    )


class _Land:
    """Coarse rasters (cells of 8 x 8 pixels) of heights, ridges and light."""

    def __init__(self, options: FieldOptions, rng: np.random.Generator) -> None:
        gsd = options.gsd_m
        wide = math.ceil((options.size_m[0] + 2 * options.margin_m) / gsd / _CELL_PX)
        tall = math.ceil((options.size_m[1] + 2 * options.margin_m) / gsd / _CELL_PX)
        self.cell = gsd * _CELL_PX
        self.shape = (tall, wide)
        self.width_px, self.height_px = wide * _CELL_PX, tall * _CELL_PX
        self.x = ((np.arange(wide, dtype=np.float32) - (wide - 1) / 2) * self.cell)[None, :]
        self.y = (((tall - 1) / 2 - np.arange(tall, dtype=np.float32)) * self.cell)[:, None]
        self.layout = _layout(options)
        wander = texture.smooth_noise(rng, self.shape, max(4.0, 6.0 / self.cell)) * 0.015
        phase, sown = self.layout.phase(self.x.astype(float), self.y.astype(float))
        phase = phase + wander / options.row_spacing_m
        wave = np.where(sown, 0.5 + 0.5 * np.cos(2 * math.pi * phase), 0.0)
        inside = np.minimum(
            options.size_m[0] / 2 + 0.15 - np.abs(self.x), options.size_m[1] / 2 + 0.15 - np.abs(self.y)
        )
        inside = np.clip(
            (inside + 0.05 * texture.smooth_noise(rng, self.shape, 0.25 / self.cell)) / 0.15, 0, 1
        )
        self.ridge = np.asarray(np.clip(wave * 1.7 - 0.35, 0, 1) * inside, np.float32)
        self.ridge = np.asarray(cv2.GaussianBlur(self.ridge, (0, 0), max(0.6, 0.03 / self.cell)), np.float32)
        long_wave = min(12.0, max(options.size_m) / 2)
        relief = options.relief_m * 0.5 * texture.smooth_noise(rng, self.shape, long_wave / self.cell)
        relief *= self._fade()
        bumps = 0.008 * texture.smooth_noise(rng, self.shape, max(2.0, 0.12 / self.cell))
        # Away from the ridges the land is worked flat; wheels press every fourth furrow deeper.
        track = np.clip(np.cos(2 * math.pi * (phase / 4 + 0.125)) * 3 - 2.2, 0, 1) * inside * sown
        self.ground = np.asarray(relief + bumps + options.ridge_m * self.ridge - 0.03 * track, np.float32)
        self.ground -= self.ground.mean()
        self.light = self._light(options, rng)

    def _light(self, options: FieldOptions, rng: np.random.Generator) -> Floats:
        """Brightness of the soil: slopes to the sun, damp furrows, and slow changes over the field."""
        towards = _towards_sun(options)
        smooth = cv2.GaussianBlur(self.ground, (0, 0), 1.2)
        slope_y, slope_x = np.gradient(smooth, self.cell)
        low = math.cos(math.radians(options.sun_elevation_deg))
        lit = -(slope_x * towards[0] + slope_y * towards[1]) * low * (0.25 + 0.9 * options.shadow)
        patches = 0.035 * texture.smooth_noise(rng, self.shape, max(3.0, 2.5 / self.cell))
        patches += 0.025 * texture.smooth_noise(rng, self.shape, max(3.0, 0.5 / self.cell))
        patches *= self._fade()
        return np.asarray(np.clip(_PLAIN + 0.05 * self.ridge + 0.6 * lit + patches, 0.5, 1.4), np.float32)

    def _fade(self) -> Floats:
        """1 inside, 0 at the edges: so that a canvas can be repeated, and the surround joins it."""
        half_x, half_y = float(self.x.max()), float(self.y.max())
        reach = min(3.0, half_x, half_y)
        inside = np.minimum(half_x - np.abs(self.x), half_y - np.abs(self.y)) / reach
        return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0, 1)), np.float32)


def _towards_sun(options: FieldOptions) -> tuple[float, float]:
    """Unit vector towards the sun in image axes (x right, y down)."""
    azimuth = math.radians(options.sun_azimuth_deg)
    return math.sin(azimuth), -math.cos(azimuth)


def _layout(options: FieldOptions) -> Layout:
    return layout_of(
        RowShape(options.rows),
        heading_deg=options.row_heading_deg,
        spacing_m=options.row_spacing_m,
        reach_m=math.hypot(*options.size_m) / 2,
        radius_m=options.row_radius_m,
        terrace_m=options.terrace_m,
        seed=options.seed,
    )


def _soil(options: FieldOptions, land: _Land, rng: np.random.Generator) -> tuple[Bytes, Surround]:
    """The bare canvas [h, w, 3], and the headland that goes on beyond it."""
    tiles = texture.soil_tiles(
        rng, options.gsd_m, _towards_sun(options), options.clods, max(land.width_px, land.height_px)
    )
    table = texture.colour_table(SOILS[options.soil])
    # Seeds of their own: a field that is a piece of the tiles is the same with and without.
    headland = Surround(paved(tiles.crumb, options.seed, 5), table, _PLAIN)
    ridges, edges = paved(tiles.crust, options.seed, 6), paved(tiles.edge, options.seed, 7)
    width, height = land.width_px, land.height_px
    canvas = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        bottom = min(top + _STRIP, height)
        ridge, light = (_enlarged(part, top, bottom, width) for part in (land.ridge, land.light))
        crumb, crust, edge = (
            one.window(0, top, width, bottom - top) for one in (headland.soil, ridges, edges)
        )
        share = np.clip((ridge - 0.5) * 5 + 0.9 * edge + 0.5, 0, 1)
        crumb += (crust - crumb) * share
        crumb *= light
        level = cv2.convertScaleAbs(crumb)
        canvas[top:bottom] = cv2.LUT(cv2.merge([level, level, level]), table)
    return canvas, headland


def _enlarged(coarse: Floats, top: int, bottom: int, width: int) -> Floats:
    """Rows `top` to `bottom` of a coarse raster at the canvas's resolution; `top` is a multiple of the cell."""
    first, last = top // _CELL_PX, math.ceil(bottom / _CELL_PX)
    rows = np.clip(np.arange(first - 1, last + 1), 0, coarse.shape[0] - 1)
    big = cv2.resize(coarse[rows], (width, (last - first + 2) * _CELL_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(big[_CELL_PX : _CELL_PX + bottom - top], np.float32)


def _straw(canvas: Bytes, options: FieldOptions, rng: np.random.Generator) -> None:
    """Dry stalks and roots: thin bent pale lines with a dark side."""
    height, width = canvas.shape[:2]
    sun = np.array(_towards_sun(options))
    for _ in range(int(options.straw_per_m2 * width * height * options.gsd_m**2)):
        steps = int(rng.integers(4, 9))
        heading = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, 0.35, steps))
        stride = rng.uniform(0.006, 0.02) / options.gsd_m
        points = rng.uniform((0, 0), (width, height)) + np.cumsum(
            np.column_stack([np.cos(heading), np.sin(heading)]) * stride, axis=0
        )
        tone = rng.uniform(0.75, 1.1)
        colour = (168 * tone, 150 * tone, 112 * tone)
        thick = 1 if rng.random() < 0.8 else 2
        _polyline(canvas, points - sun * 1.4, (70, 58, 40), 1)
        _polyline(canvas, points, colour, thick)


def _polyline(
    canvas: Bytes, points: NDArray[np.float64], colour: tuple[float, float, float], width: int
) -> None:
    fixed = np.asarray(np.round(points * 16), np.int32)
    cv2.polylines(canvas, [fixed], False, colour, width, cv2.LINE_AA, 4)


def _stamp(
    canvas: Bytes, options: FieldOptions, places: Sequence[Place], rng: np.random.Generator
) -> list[Plant]:
    """Draw all plants; returns them with their drawn sizes, in the order of `places`."""
    book: dict[str, list[drawing.Sprite]] = {}
    for kind in sorted({place.kind for place in places}):
        sizes = np.array([place.diameter for place in places if place.kind == kind])
        steps = np.quantile(sizes, np.linspace(0.03, 0.97, min(_VARIANTS * 2, sizes.size)))
        book[kind] = drawing.library(rng, kind, steps, options.gsd_m)
    centre = np.array([(canvas.shape[1] - 1) / 2, (canvas.shape[0] - 1) / 2])
    grown = []
    for number, place in enumerate(places):
        shelf = book[place.kind]
        nearest = np.argsort([abs(sprite.diameter_m - place.diameter) for sprite in shelf])[:5]
        sprite = shelf[int(nearest[rng.integers(len(nearest))])]
        height = place.diameter * drawing.HEIGHT_SHARE[place.kind] * float(rng.uniform(0.8, 1.15))
        foot = centre + np.array([place.x, -place.y]) / options.gsd_m
        scale = place.diameter / sprite.diameter_m
        drawn = _turned(sprite.rgba, float(rng.uniform(0, 360)), scale, foot)
        if place.symptom == symptoms.YELLOWING:
            drawn = symptoms.yellowed(drawn, options.seed, number)
        radius, area = _put(canvas, options, drawn, foot, height)
        grown.append(
            Plant(
                number,
                place.cover,
                place.kind,
                place.x,
                place.y,
                radius,
                area,
                height,
                place.symptom,
                place.row,
            )
        )
    return grown


def _turned(rgba: Bytes, angle: float, scale: float, foot: NDArray[np.float64]) -> Bytes:
    """The sprite turned and scaled about its middle, shifted so that its middle falls on `foot`'s subpixel."""
    half = math.ceil(rgba.shape[0] * max(scale, 0.2) * 0.5) + 3
    middle = (rgba.shape[1] - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), angle, scale)
    turn[:, 2] += half - middle + (foot - np.round(foot))
    side = 2 * half + 1
    return np.asarray(cv2.warpAffine(rgba, turn, (side, side), flags=cv2.INTER_LINEAR), np.uint8)


def _put(
    canvas: Bytes, options: FieldOptions, drawn: Bytes, foot: NDArray[np.float64], height: float
) -> tuple[float, float]:
    """Stamp a plant and its shadow; returns its radius (m) and leaf area (m2)."""
    gsd = options.gsd_m
    alpha = drawn[..., 3]
    towards = np.array(_towards_sun(options))
    reach = 0.55 * height / math.tan(math.radians(options.sun_elevation_deg)) / gsd
    pad = math.ceil(reach + 4)
    wide = cv2.copyMakeBorder(drawn, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    shift = np.array([[1, 0, -towards[0] * reach], [0, 1, -towards[1] * reach]])
    size = (wide.shape[1], wide.shape[0])
    cast = cv2.GaussianBlur(cv2.warpAffine(wide[..., 3], shift, size), (0, 0), max(0.8, reach / 5))
    under = cv2.GaussianBlur(wide[..., 3], (0, 0), max(1.0, 0.012 / gsd))
    dark = np.maximum(cast * (0.75 * options.shadow), under * (0.12 + 0.15 * options.shadow)) / 255
    half = size[0] // 2
    x0, y0 = (np.round(foot).astype(int) - half).tolist()
    a, b = max(0, y0), min(canvas.shape[0], y0 + size[1])
    c, d = max(0, x0), min(canvas.shape[1], x0 + size[0])
    if a < b and c < d:
        part = canvas[a:b, c:d]
        cut = (slice(a - y0, b - y0), slice(c - x0, d - x0))
        keep = (1 - dark[cut]) * (1 - wide[cut][..., 3].astype(np.float32) / 255)
        part[:] = np.clip(part * keep[..., None] + wide[cut][..., :3] + 0.5, 0, 255).astype(np.uint8)
    rows, columns = np.nonzero(alpha > 127)
    middle = alpha.shape[0] // 2
    radius = float(np.hypot(rows - middle, columns - middle).max()) * gsd if rows.size else gsd
    return radius, float(alpha.sum(dtype=np.int64)) / 255 * gsd**2


def _raise(heights: Floats, land: _Land, plants: list[Plant]) -> None:
    """Lift the height raster by a smooth dome for each plant tall enough to matter."""
    rows, columns = land.shape
    for plant in plants:
        if plant.height_m < 0.02:
            continue
        reach = max(0.5, plant.radius_m * 1.15 / land.cell)
        at_x = plant.east / land.cell + (columns - 1) / 2
        at_y = (rows - 1) / 2 - plant.north / land.cell
        a, b = max(0, math.floor(at_y - reach)), min(rows, math.ceil(at_y + reach) + 1)
        c, d = max(0, math.floor(at_x - reach)), min(columns, math.ceil(at_x + reach) + 1)
        if a >= b or c >= d:
            continue
        y, x = np.mgrid[a:b, c:d].astype(np.float32)
        away = np.clip(((x - at_x) ** 2 + (y - at_y) ** 2) / reach**2, 0, 1)
        dome = land.ground[a:b, c:d] + plant.height_m * 0.8 * (1 - away) ** 2
        np.maximum(heights[a:b, c:d], dome, out=heights[a:b, c:d])
