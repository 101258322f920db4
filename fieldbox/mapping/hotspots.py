"""Where to go first: groups of neighbouring cells with many weeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection, FieldMap, Hotspot
from fieldbox.mapping.geo import lon_lat
from fieldbox.mapping.grid import cells_of

MAX_HOTSPOTS = 20
MIN_DENSITY = 0.5
"""Weeds per square metre."""
MIN_COVER = 0.005
MIN_SEEN = 0.1

Shown = Callable[[float, float], tuple[str, float, float] | None]
"""Which capture shows a ground point, and at which pixel (x, y)."""


def find_hotspots(
    grid: FieldMap,
    detections: Sequence[Detection],
    *,
    shown: Shown | None = None,
    limit: int = MAX_HOTSPOTS,
) -> tuple[Hotspot, ...]:
    """Groups of cells (8 neighbours) that stand out, most weeds first.

    A cell is hot if the mean over it and its neighbours (weighted by what was seen) of the weed
    density, or of the weed cover where weeds were not counted, exceeds the largest of: mean + 1
    standard deviation over the field, twice the median, and a floor (0.5 weeds per square metre, or
    0.5 % cover), and it holds a weed itself. The picture is that of the weed nearest to the middle of
    the worst cell, else what `shown` says of that point; a group that no capture shows is left out.
    """
    counted = bool(np.isfinite(grid.weed_density).any())
    layer = grid.weed_density if counted else grid.weed_cover
    hot = _hot(layer, grid.seen, MIN_DENSITY if counted else MIN_COVER)
    number, found = cv2.connectedComponents(hot.astype(np.uint8), connectivity=8)
    label = np.asarray(found, np.int32)
    weeds = _by_group(grid, label, [one for one in detections if one.cover is Cover.WEED])
    spots: list[Hotspot] = []
    for group in _worst_first(grid, label, number, weeds if counted else {}):
        spot = _spot(grid, layer, label == group, weeds.get(group, []), counted, shown)
        if spot is not None:
            spots.append(replace(spot, rank=len(spots) + 1))
        if len(spots) == limit:
            break
    return tuple(spots)


def _hot(layer: NDArray[np.float32], seen: NDArray[np.float32], floor: float) -> NDArray[np.bool_]:
    judged = np.isfinite(layer) & (seen >= MIN_SEEN)
    if not judged.any():
        return np.zeros(layer.shape, bool)
    weight = np.where(judged, seen, 0).astype(np.float64)
    value = np.where(judged, layer, 0).astype(np.float64) * weight
    options = {"normalize": False, "borderType": cv2.BORDER_CONSTANT}
    around = cv2.boxFilter(weight, -1, (3, 3), **options)  # type: ignore[call-overload]
    smooth = cv2.boxFilter(value, -1, (3, 3), **options) / np.maximum(around, 1e-9)  # type: ignore[call-overload]
    values = layer[judged].astype(np.float64)
    threshold = max(float(values.mean() + values.std()), 2 * float(np.median(values)), floor)
    return np.asarray(judged & (smooth > threshold) & (value > 0))


def _by_group(
    grid: FieldMap, label: NDArray[np.int32], weeds: Sequence[Detection]
) -> dict[int, list[Detection]]:
    groups: dict[int, list[Detection]] = {}
    row, column, inside = cells_of(grid, [(one.east, one.north) for one in weeds])
    for index in np.flatnonzero(inside).tolist():
        groups.setdefault(int(label[row[index], column[index]]), []).append(weeds[index])
    return groups


def _worst_first(
    grid: FieldMap, label: NDArray[np.int32], number: int, weeds: dict[int, list[Detection]]
) -> list[int]:
    """Groups by their number of weeds, then by the ground these cover, then from north to south."""
    ground = np.nan_to_num(grid.weed_cover.astype(float)) * grid.seen
    covered = np.bincount(label.ravel(), ground.ravel(), number)
    return sorted(range(1, number), key=lambda one: (-len(weeds.get(one, [])), -covered[one], one))


def _spot(
    grid: FieldMap,
    layer: NDArray[np.float32],
    cells: NDArray[np.bool_],
    weeds: Sequence[Detection],
    counted: bool,
    shown: Shown | None,
) -> Hotspot | None:
    worst = int(np.argmax(np.where(cells, layer, -1)))
    row, column = divmod(worst, layer.shape[1])
    east, north = grid.west + (column + 0.5) * grid.cell_m, grid.north - (row + 0.5) * grid.cell_m
    picture = _picture(east, north, weeds, shown)
    if picture is None:
        return None
    ((lon, lat),) = lon_lat(grid.epsg, [(east, north)]).tolist()
    seen = grid.seen[cells].astype(float)
    cover = float((grid.weed_cover[cells] * seen).sum() / seen.sum())
    area = float(cells.sum()) * grid.cell_m**2
    return Hotspot(0, east, north, lat, lon, area, cover, len(weeds) if counted else None, *picture)


def _picture(
    east: float, north: float, weeds: Sequence[Detection], shown: Shown | None
) -> tuple[str, float, float] | None:
    if weeds:
        nearest = min(weeds, key=lambda one: ((one.east - east) ** 2 + (one.north - north) ** 2, one.digest))
        return nearest.digest, nearest.pixel_x, nearest.pixel_y
    return shown(east, north) if shown else None
