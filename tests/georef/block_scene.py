"""Simulated blocks for the tests of the adjustment: true poses, true ground, what was told, wrong matches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fieldbox.domain import Camera
from fieldbox.georef.projection import distort, rotation

Array = NDArray[np.float64]
M2P = Camera("Test", "m2p", 5472, 3648, 4255.0, 2735.5, 1823.5)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A flight to simulate."""

    seed: int = 1
    columns: int = 6
    """Flight lines."""
    rows: int = 8
    """Photos in a line."""
    altitude: float = 20.0
    forward: float = 0.75
    side: float = 0.65
    heading: float = 20.0
    gps_white: float = 1.5
    gps_slow: float = 1.5
    gps_memory_s: float = 300.0
    gps_constant: float = 0.5
    """Share of the slow variance that is constant."""
    height_sigma: float = 0.5
    height_white: float = 0.05
    yaw_sigma: float = 3.0
    yaw_bias: float = 0.0
    tilt_sigma: float = 1.5
    tilt_bias: float = 0.0
    relief: float = 0.5
    waves_m: tuple[float, float] = (40.0, 150.0)
    """Shortest and longest of the ground's waves."""
    plant: float = 0.4
    pixel: float = 3.0
    """Noise in full-size pixels."""
    wrong: float = 0.03
    tracks: int = 100
    """Per photo."""
    longest: int = 6
    focal_off: float = 0.0
    k1_off: float = 0.0
    seconds: float = 3.0
    sway: float = 0.3
    climb: float = 0.0
    """Metres, after half of the photos."""
    climb_told: bool = True


@dataclass(frozen=True)
class Relief:
    """Smooth ground of a few waves, `amplitude` their peak."""

    amplitude: float
    waves: Array

    @classmethod
    def of(cls, rng: np.random.Generator, wish: Wish) -> Relief:
        length = rng.uniform(*wish.waves_m, 4)
        turn = rng.uniform(0, 2 * math.pi, 4)
        return cls(
            wish.relief, np.column_stack([np.cos(turn) / length, np.sin(turn) / length, rng.uniform(0, 1, 4)])
        )

    def height(self, places: Array) -> Array:
        phase = places @ self.waves[:, :2].T + self.waves[:, 2]
        return np.asarray(self.amplitude / 2 * np.sin(2 * math.pi * phase).sum(axis=1))


@dataclass(frozen=True)
class Block:
    """`true` and `told` [N, 6]; observations; the ground."""

    wish: Wish
    camera: Camera
    real: Camera
    true: Array
    told: Array
    error: Array
    taken_at: Array
    photo: NDArray[np.intp]
    track: NDArray[np.intp]
    xy: Array
    wrong: NDArray[np.bool_]
    points: Array
    ground: Relief

    @property
    def gsd(self) -> float:
        return self.wish.altitude / self.camera.focal_px

    def project(self, photo: int, points: Array) -> Array:
        """True pixels of points [M, 3]."""
        return project(self.true[photo], points, self.real)

    def inside(self, pixels: Array) -> NDArray[np.bool_]:
        x, y = pixels.T
        return (x > 0) & (y > 0) & (x < self.camera.width - 1) & (y < self.camera.height - 1)


def project(pose: Array, points: Array, camera: Camera) -> Array:
    """[M, 2] pixels of points [M, 3], with the rotation and distortion of `projection`."""
    off = points - pose[:3]
    seen = np.column_stack([off[:, 1], off[:, 0], -off[:, 2]]) @ rotation(*pose[3:].tolist())
    return distort(seen[:, :2] / seen[:, 2:], camera.distortion) * camera.focal_px + (camera.cx, camera.cy)


def block(wish: Wish) -> Block:
    rng = np.random.default_rng(wish.seed)
    camera = M2P
    real = Camera(
        camera.make,
        camera.model,
        camera.width,
        camera.height,
        camera.focal_px * (1 + wish.focal_off),
        camera.cx,
        camera.cy,
        (wish.k1_off, 0.0, 0.0, 0.0, 0.0),
    )
    plan = _plan(wish, camera)
    count = len(plan)
    true = np.zeros((count, 6))
    true[:, :2] = plan[:, :2] + rng.normal(0, wish.sway, (count, 2))
    true[:, 2] = wish.altitude + rng.normal(0, wish.sway, count)
    true[:, 3] = plan[:, 2] + rng.normal(0, 2, count)
    true[:, 4:] = rng.normal(0, wish.tilt_sigma, (count, 2)) + rng.normal(0, wish.tilt_bias, 2)
    climbed = np.where(np.arange(count) >= count // 2, wish.climb, 0.0)
    true[:, 2] += climbed
    taken_at = 1000.0 + wish.seconds * np.arange(count)
    told = _told(rng, wish, true, taken_at)
    told[:, 2] -= 0.0 if wish.climb_told else climbed
    ground = Relief.of(rng, wish)
    points = _points(rng, wish, true, camera, ground)
    photo, track, xy = _seen(rng, wish, true, real, points)
    wrong = rng.uniform(size=len(photo)) < wish.wrong
    xy = xy + rng.normal(0, wish.pixel, xy.shape)
    xy[wrong] = rng.uniform(0, 1, (int(wrong.sum()), 2)) * (camera.width, camera.height)
    error = np.tile(
        [
            math.hypot(wish.gps_white, wish.gps_slow),
            wish.height_sigma,
            math.hypot(wish.yaw_sigma, wish.yaw_bias),
            math.hypot(wish.tilt_sigma, wish.tilt_bias),
        ],
        (count, 1),
    )
    return Block(wish, camera, real, true, told, error, taken_at, photo, track, xy, wrong, points, ground)


def _plan(wish: Wish, camera: Camera) -> Array:
    per_px = wish.altitude / camera.focal_px
    along = camera.height * per_px * (1 - wish.forward)
    across = camera.width * per_px * (1 - wish.side)
    heading = math.radians(wish.heading)
    out = []
    for line in range(wish.columns):
        order = range(wish.rows) if line % 2 == 0 else range(wish.rows - 1, -1, -1)
        for row in order:
            a, b = (row - (wish.rows - 1) / 2) * along, (line - (wish.columns - 1) / 2) * across
            out.append(
                (
                    a * math.sin(heading) + b * math.cos(heading),
                    a * math.cos(heading) - b * math.sin(heading),
                    wish.heading + 180.0 * (line % 2),
                )
            )
    return np.array(out)


def _told(rng: np.random.Generator, wish: Wish, true: Array, taken_at: Array) -> Array:
    count = len(true)
    told = true.copy()
    constant = rng.normal(0, math.sqrt(wish.gps_constant), 2)
    told[:, :2] += wish.gps_slow * (
        constant + math.sqrt(1 - wish.gps_constant) * _wander(rng, wish, taken_at)
    )
    told[:, :2] += rng.normal(0, wish.gps_white, (count, 2))
    told[:, 2] += rng.normal(0, wish.height_sigma) + rng.normal(0, wish.height_white, count)
    told[:, 3] += rng.normal(0, wish.yaw_bias) + rng.normal(0, wish.yaw_sigma, count)
    told[:, 4:] = 0.0
    return told


def _wander(rng: np.random.Generator, wish: Wish, taken_at: Array) -> Array:
    out = np.empty((len(taken_at), 2))
    state = rng.normal(0, 1, 2)
    for number in range(len(out)):
        if number:
            keep = math.exp(-(taken_at[number] - taken_at[number - 1]) / wish.gps_memory_s)
            state = keep * state + math.sqrt(1 - keep * keep) * rng.normal(0, 1, 2)
        out[number] = state
    return out


def _points(rng: np.random.Generator, wish: Wish, true: Array, camera: Camera, ground: Relief) -> Array:
    """Places where tracks start, about as many as give `tracks` a photo."""
    half = wish.altitude * np.array([camera.width, camera.height]) / camera.focal_px / 2
    reach = float(np.hypot(*half))
    low, high = true[:, :2].min(axis=0) - reach, true[:, :2].max(axis=0) + reach
    area = float(4 * half[0] * half[1])
    views = 1 / ((1 - wish.forward) * (1 - wish.side))
    density = wish.tracks / area * max(1.0, views / wish.longest)
    count = int(density * np.prod(high - low))
    places = rng.uniform(low, high, (count, 2))
    return np.column_stack([places, ground.height(places) + rng.uniform(0, wish.plant, count)])


def _seen(
    rng: np.random.Generator, wish: Wish, true: Array, real: Camera, points: Array
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    reach = (wish.altitude + wish.climb) * math.hypot(real.width, real.height) / real.focal_px / 2 * 1.15
    tree = cKDTree(points[:, :2])
    photos, tracks, pixels = [], [], []
    for number, pose in enumerate(true):
        near = np.array(tree.query_ball_point(pose[:2], reach), np.intp)
        xy = project(pose, points[near], real)
        ok = ((xy > 20) & (xy < (real.width - 20, real.height - 20))).all(axis=1)
        photos.append(np.full(int(ok.sum()), number))
        tracks.append(near[ok])
        pixels.append(xy[ok])
    photo, track, xy = np.concatenate(photos), np.concatenate(tracks), np.concatenate(pixels)
    order = np.lexsort((rng.uniform(size=len(track)), track))
    rank = np.arange(len(track)) - np.searchsorted(track[order], track[order])
    take = np.sort(order[rank < wish.longest])
    return photo[take], track[take], xy[take]
