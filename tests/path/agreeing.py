"""How far the photos of a made flight disagree about where a thing is, and how far all of them are off, by its truth.

Points of the true ground (and weeds) are put into every photo that shows them through the photos' true poses, without any
noise of pixels, and from there back on the ground through the adjusted ones. "On the surface": as the mapping does it,
by `pixel_to_ground`. "By themselves": at the height at which the photos that show the point meet best, so that only the
alignment's own errors are left.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Proj, Transformer

from fieldbox.aligning import Alignment
from fieldbox.domain import Camera, Cover, Pose
from fieldbox.georef.adjustment import Outcome
from fieldbox.georef.projection import rotation, undistort
from fieldbox.simulate.camera import Shot, heights_at, project, shot_of
from fieldbox.simulate.scene import SimField
from tests.path.alignment import Flown, aligned_folder

Array = NDArray[np.float64]
Index = NDArray[np.intp]

POINTS = 1500
"""Of each kind."""


@dataclass(frozen=True)
class Views:
    """Points as photos show them: of each observation the point, the photo, the pixel."""

    point: Index
    photo: Index
    xy: Array
    true: Array
    """[P, 3] local metres of the points."""


@dataclass(frozen=True)
class Agreement:
    """Of one kind of points; distances between two photos in GSD, root mean squares over all pairs that show one."""

    alone_gsd: float
    surface_gsd: float
    off_m: float
    """Root mean square distance from the truth."""
    bias_m: float
    """Of the mean over all points from the truth."""
    scale: float
    """Of the map against the ground."""


@dataclass(frozen=True)
class Told:
    """The alignment of a flight against its truth."""

    kinds: dict[str, Agreement]
    gps_bias_m: float
    """Mean error of the told places: what no alignment without control can know better."""
    kept: int
    photos: int
    sigma_px: float
    seconds: float

    def __str__(self) -> str:
        lines = [
            f"{self.photos} photos, {self.kept} kept as told, ties good to {self.sigma_px:.2f} px, {self.seconds:.0f} s"
        ]
        for name, one in self.kinds.items():
            lines.append(
                f"  {name}: two photos apart by {one.alone_gsd:.2f} GSD by themselves, {one.surface_gsd:.2f} GSD on the "
                f"surface; off the truth by {one.off_m:.2f} m, as a whole by {one.bias_m:.2f} m (GPS {self.gps_bias_m:.2f} m), "
                f"scale {one.scale:.3f}"
            )
        return "\n".join(lines)


def agreement(card: Path, field: SimField, flown: Flown | None = None) -> Told:
    """Align a flight over a made field, and hold it against its truth."""
    truth = json.loads((card / "truth.json").read_text())
    flown = flown or aligned_folder(card, threads=2)
    found = flown.alignment
    shots, middle = true_shots(truth)
    camera = true_camera(truth)
    rng = np.random.default_rng(5)
    half = np.array(field.planted_m) / 2
    places = rng.uniform(-half, half, (POINTS, 2))
    weeds = np.array([(one.east, one.north) for one in field.plants if one.cover is Cover.WEED])
    kinds = {}
    for name, at, raster in (
        ("ground", places, field.ground),
        ("weeds", weeds[rng.permutation(len(weeds))[:POINTS]], field.heights),
    ):
        points = np.column_stack([at, heights_at(field, raster, at, repeat=False)])
        kinds[name] = _agreed(found, seen(found, shots, camera, points), middle)
    told = np.array([one.centre for one in flown.told.values()])
    true = np.array([(shots[name].x, shots[name].y) for name in flown.told]) + middle
    bias = float(np.hypot(*(told - true).mean(axis=0)))
    return Told(kinds, bias, len(found.kept), len(found.geometries), found.adjusted.sigma_px, flown.seconds)


def true_camera(truth: Mapping[str, Any]) -> Camera:
    """As the pictures were drawn."""
    one = truth["camera"]
    names = ("make", "model", "width", "height", "focal_px", "cx", "cy")
    return Camera(*(one[name] for name in names), tuple(one["distortion"]), 0.0)


def true_shots(truth: Mapping[str, Any]) -> tuple[dict[str, Shot], Array]:
    """By file, where each photo was taken from, in metres from the field's middle; and where that is on the grid."""
    grid = Proj(f"EPSG:{truth['epsg']}")
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    corners = np.column_stack(to_ground.transform(*np.array(truth["extent"]).T))
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    shots = {}
    for photo in truth["photos"]:
        one = photo["pose"]
        lat, lon = one["lat"], one["lon"]
        east, north = grid([lon, lon], [lat - 5e-6, lat + 5e-6])
        turned = math.degrees(math.atan2(east[1] - east[0], north[1] - north[0]))
        pose = Pose(lat, lon, one["height_m"], one["yaw"], one["pitch"], one["roll"], 0.0, 0.0, 0.0, 0.0)
        place = (photo["east"] - middle[0], photo["north"] - middle[1])
        scale = float(grid.get_factors(lon, lat).meridional_scale)
        shots[photo["file"]] = shot_of(pose, place, one["yaw"] + turned, scale)
    return shots, middle


def seen(found: Alignment, shots: Mapping[str, Shot], camera: Camera, points: Array) -> Views:
    """Which adjusted photos show points [P, 3], and where."""
    parts: list[tuple[Index, Index, Array]] = []
    for number, (name, outcome) in enumerate(zip(found.geometries, found.adjusted.outcome, strict=True)):
        if outcome is not Outcome.ADJUSTED:
            continue
        pixels = project(shots[name], camera, points)
        shown = np.flatnonzero(((pixels > 0) & (pixels < (camera.width - 1, camera.height - 1))).all(axis=1))
        parts.append((shown, np.full(len(shown), number), pixels[shown]))
    point, photo, xy = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Views(point.astype(np.intp), photo.astype(np.intp), xy, points)


def _agreed(found: Alignment, views: Views, middle: Array) -> Agreement:
    gsd = float(np.median([one.gsd_m for one in found.geometries.values()]))
    on_surface = np.empty_like(views.xy)
    for number, photo in enumerate(found.geometries.values()):
        mine = views.photo == number
        if mine.any():
            on_surface[mine] = photo.pixel_to_ground(views.xy[mine])
    # Photos of two blocks are not held to each other by anything.
    block = found.adjusted.block[views.photo]
    group = np.unique(views.point * (block.max() + 1) + block, return_inverse=True)[1]
    off = on_surface - middle - views.true[views.point, :2]
    unit = np.array([1.0, 1j])
    there, here = (on_surface - middle) @ unit, views.true[views.point, :2] @ unit
    arms = here - here.mean()
    scale = abs((np.conj(arms) * (there - there.mean())).sum() / (np.abs(arms) ** 2).sum())
    return Agreement(
        between(by_themselves(found, views, group), group) / gsd,
        between(on_surface, group) / gsd,
        float(np.sqrt((off**2).sum(axis=1).mean())),
        float(np.hypot(*off.mean(axis=0))),
        float(scale),
    )


def by_themselves(found: Alignment, views: Views, group: Index) -> Array:
    """[n, 2] where each photo puts its point, at the height at which the photos of a group meet best.

    A ray is at place + height x tangent less its own height x tangent, so three numbers a point are linear in all rays:
    its height is the slope of the rays' places at level 0 over their tangents.
    """
    adjusted = found.adjusted
    level, tangent = np.empty_like(views.xy), np.empty_like(views.xy)
    for number in np.unique(views.photo):
        mine = views.photo == number
        east, north, up, *angles = adjusted.pose[number].tolist()
        camera = adjusted.cameras[int(adjusted.camera[number])]
        flat = (views.xy[mine] - (camera.cx, camera.cy)) / camera.focal_px
        rays = np.column_stack([undistort(flat, camera.distortion), np.ones(int(mine.sum()))])
        world = rays @ rotation(*angles).T
        tangent[mine] = world[:, 1::-1] / world[:, 2:]
        level[mine] = (east, north) + up * tangent[mine]
    arms, offs = (one - means(one, group)[group] for one in (tangent, level))
    spread = np.bincount(group, (arms**2).sum(axis=1))
    height = np.bincount(group, (arms * offs).sum(axis=1)) / np.maximum(spread, 1e-12)
    return np.asarray(level - height[group, None] * tangent)


def means(values: Array, group: Index) -> Array:
    """[groups, 2] mean of each group's values [n, 2]."""
    count = np.maximum(np.bincount(group), 1)
    return np.column_stack([np.bincount(group, values[:, axis]) / count for axis in range(2)])


def between(places: Array, group: Index) -> float:
    """Root mean square distance of all pairs of places [n, 2] within a group [n].

    The squares of all pairs among k add up to k times their squares about the mean.
    """
    count = np.bincount(group)
    about = np.bincount(group, ((places - means(places, group)[group]) ** 2).sum(axis=1))
    pairs = (count * (count - 1) / 2).sum()
    return float(np.sqrt((count * about).sum() / max(pairs, 1.0)))
