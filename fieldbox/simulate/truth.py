"""`truth.json`: all that is true of a simulated flight, so that scoring needs nothing else."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from fieldbox.domain import Camera, Pose
from fieldbox.simulate.camera import Shot, ground_points, heights_at, project
from fieldbox.simulate.scene import Anchor, Plant, SimField

FILE_NAME = "truth.json"
FORMAT = "fieldbox-truth"
VERSION = 1

Photo = tuple[str, Pose, Pose, Shot]
"""File name, true pose, written pose, shot."""
Doubles = NDArray[np.float64]


def describe(
    *,
    field: SimField,
    anchor: Anchor,
    camera: Camera,
    options: Mapping[str, Any],
    photos: Sequence[Photo],
    repeat: bool,
) -> dict[str, Any]:
    """The document. Plants of a repeated canvas are listed once for each copy that a photo may show."""
    back = Transformer.from_crs(anchor.epsg, 4326, always_xy=True)
    outlines = [_outline(shot, camera, field, repeat=repeat) for _name, _true, _told, shot in photos]
    plants, places = _copies(field, outlines, repeat=repeat)
    seen = _visible(field, plants, places, camera, photos, repeat=repeat)
    lon, lat = back.transform(anchor.east + places[:, 0], anchor.north + places[:, 1])
    half_x, half_y = field.size_m[0] / 2, field.size_m[1] / 2
    corners = np.array([[-half_x, -half_y], [half_x, -half_y], [half_x, half_y], [-half_x, half_y]])
    half_x, half_y = field.planted_m[0] / 2, field.planted_m[1] / 2
    planted = np.array([[-half_x, -half_y], [half_x, -half_y], [half_x, half_y], [-half_x, half_y]])
    return {
        "format": FORMAT,
        "version": VERSION,
        "note": "Simulated. What a model scores here is not its accuracy on real fields.",
        "conventions": "Angles in degrees: yaw of the image's top from true north; pitch and roll of an aircraft "
        "looking straight down (0, 0 is nadir). east, north: metres in the UTM zone `epsg`. Heights: metres above "
        "the field's mean ground. Pixels: (0, 0) is the centre of the top-left one.",
        "simulated": True,
        "field": field.name,
        "options": {key: value.isoformat() if isinstance(value, datetime) else value for key, value in options.items()},
        "epsg": anchor.epsg,
        "camera": {
            "make": camera.make, "model": camera.model, "width": camera.width, "height": camera.height,
            "focal_px": camera.focal_px, "cx": camera.cx, "cy": camera.cy, "distortion": list(camera.distortion),
        },
        "canvas_gsd_m": field.gsd_m,
        "repeat": repeat,
        "extent": _ring(corners, anchor, back),
        "planted": _ring(planted, anchor, back),
        "photos": [
            {"file": name, "pose": _pose(true), "written": _pose(told), "east": anchor.east + shot.x,
             "north": anchor.north + shot.y, "footprint": _ring(outline, anchor, back)}
            for (name, true, told, shot), outline in zip(photos, outlines, strict=True)
        ],
        "plants": [
            {
                "id": number, "class": plant.cover.value, "kind": plant.kind,
                "lat": round(float(lat[number]), 10), "lon": round(float(lon[number]), 10),
                "east": round(anchor.east + float(places[number, 0]), 4),
                "north": round(anchor.north + float(places[number, 1]), 4),
                "radius_m": round(plant.radius_m, 4), "area_m2": round(plant.area_m2, 6),
                "height_m": round(plant.height_m, 3), "visible_in": int(seen[number]), "symptom": plant.symptom,
                "row": None if repeat else plant.row,
            }
            for number, plant in enumerate(plants)
        ],
        "missing": _holes(field, anchor, back, repeat=repeat),
        "rows": _rows(field, anchor, back, repeat=repeat),
        "later": _happened(field, anchor, repeat=repeat),
    }  # fmt: skip


def _holes(
    field: SimField, anchor: Anchor, back: Transformer, *, repeat: bool
) -> list[dict[str, Any]] | None:
    """Places in the rows without a plant; None (not known) where the canvas is repeated or no field was grown."""
    if repeat or not field.holes:
        return None
    places = np.array([(hole.east, hole.north) for hole in field.holes])
    lon, lat = back.transform(anchor.east + places[:, 0], anchor.north + places[:, 1])
    return [
        {
            "lat": round(float(lat[number]), 10), "lon": round(float(lon[number]), 10),
            "east": round(anchor.east + hole.east, 4), "north": round(anchor.north + hole.north, 4),
            "symptom": "missing" if hole.removed else None, "row": hole.row,
        }
        for number, hole in enumerate(field.holes)
    ]  # fmt: skip


def _rows(field: SimField, anchor: Anchor, back: Transformer, *, repeat: bool) -> list[dict[str, Any]] | None:
    """The crop rows, in the order that plants name them in; None as for missing plants."""
    if repeat or not field.rows:
        return None
    origin = np.array([anchor.east, anchor.north])
    return [
        {
            "plot": row.plot, "number": row.number,
            "lines": [_ring(piece, anchor, back) for piece in row.pieces],
            "east_north": [np.round(piece + origin, 4).tolist() for piece in row.pieces],
        }
        for row in field.rows
    ]  # fmt: skip


def _happened(field: SimField, anchor: Anchor, *, repeat: bool) -> dict[str, Any] | None:
    """What changed since the field was sown; None: nothing did, or (not known) the canvas is repeated."""
    if repeat or field.happened is None:
        return None

    def places(points: Sequence[tuple[float, float]]) -> list[list[float]]:
        return [[round(anchor.east + x, 4), round(anchor.north + y, 4)] for x, y in points]

    told = field.happened
    return {
        "days": told.later.days, "crop_growth": (1 + told.later.crop_per_day) ** told.later.days,
        "weed_growth": (1 + told.later.weeds_per_day) ** told.later.days, "kill": told.later.kill,
        "treated": [places(ring) for ring in told.later.killed],
        "killed": places(told.killed), "came": places(told.came), "new_patches": places(told.patches),
    }  # fmt: skip


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    os.replace(part, path)  # noqa: PTH105 - atomic, and overwrites on every system


def _pose(pose: Pose) -> dict[str, float]:
    return {
        "lat": pose.lat,
        "lon": pose.lon,
        "height_m": pose.height_m,
        "yaw": pose.yaw_deg,
        "pitch": pose.pitch_deg,
        "roll": pose.roll_deg,
    }


def _ring(corners: Doubles, anchor: Anchor, back: Transformer) -> list[list[float]]:
    """[lon, lat] of local points."""
    lon, lat = back.transform(anchor.east + corners[:, 0], anchor.north + corners[:, 1])
    return [[round(float(a), 10), round(float(b), 10)] for a, b in zip(lon, lat, strict=True)]


def _outline(shot: Shot, camera: Camera, field: SimField, *, repeat: bool) -> Doubles:
    """[4, 2] local metres of the image's corners."""
    right, low = camera.width - 0.5, camera.height - 0.5
    corners = np.array([[-0.5, -0.5], [right, -0.5], [right, low], [-0.5, low]])
    return ground_points(shot, camera, corners, field, repeat=repeat)


def _copies(field: SimField, outlines: Sequence[Doubles], *, repeat: bool) -> tuple[list[Plant], Doubles]:
    """The plants, and where they are [N, 2]; with `repeat` all copies within the photos' bounds."""
    own = np.array([(plant.east, plant.north) for plant in field.plants]).reshape(-1, 2)
    if not repeat or not outlines or not field.plants:
        return list(field.plants), own
    points = np.concatenate(list(outlines))
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.array(field.size_m)
    first, last = np.floor(low / size + 0.5).astype(int), np.floor(high / size + 0.5).astype(int)
    plants: list[Plant] = []
    places: list[Doubles] = []
    for row in range(first[1], last[1] + 1):
        for column in range(first[0], last[0] + 1):
            moved = own + size * (column, row)
            inside = np.flatnonzero(np.all((moved >= low) & (moved <= high), axis=1))
            plants += [field.plants[number] for number in inside]
            places.append(moved[inside])
    return plants, np.concatenate(places)


def _visible(
    field: SimField,
    plants: Sequence[Plant],
    places: Doubles,
    camera: Camera,
    photos: Sequence[Photo],
    *,
    repeat: bool,
) -> NDArray[np.int64]:
    """In how many photos each plant's foot lies."""
    count = np.zeros(len(plants), np.int64)
    if not len(plants):
        return count
    ground = heights_at(field, field.ground, places, repeat=repeat)
    points = np.column_stack([places, ground])
    for _name, _true, _told, shot in photos:
        reach = 2 * shot.height_m * math.hypot(camera.width, camera.height) / camera.focal_px
        near = np.flatnonzero(np.hypot(places[:, 0] - shot.x, places[:, 1] - shot.y) < reach)
        pixels = project(shot, camera, points[near])
        inside = (pixels[:, 0] > -0.5) & (pixels[:, 0] < camera.width - 0.5)
        inside &= (pixels[:, 1] > -0.5) & (pixels[:, 1] < camera.height - 0.5)
        count[near[inside]] += 1
    return count
