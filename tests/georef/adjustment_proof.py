"""Proof of the block adjustment on simulated blocks: `python -m tests.georef.adjustment_proof [--blocks 120]`.

Prints a table: coverage and sharpness of the stated 95 % errors, relative errors, control, time and memory.
Each part can be run alone: `--only coverage`, `control`, `speed`.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.adjustment import Adjusted, adjust
from fieldbox.georef.errors95 import Located, locate
from fieldbox.georef.projection import rotation, undistort
from fieldbox.georef.ties import Control, Photos, Ties
from tests.georef.block_scene import Array, Block, Wish, block

SHAPES = ((4, 6), (6, 8), (3, 10), (5, 5))
"""Flight lines and photos a line, in turn."""


def photos_of(made: Block) -> Photos:
    return Photos.one_flight(made.told, made.error, made.taken_at, made.camera)


def adjusted(made: Block, control: Control | None = None) -> Adjusted:
    return adjust(photos_of(made), Ties(made.photo, made.track, made.xy, 3.0), control)


@dataclass(frozen=True)
class Seen:
    """Ground points in photos, without noise of pixels."""

    photo: NDArray[np.intp]
    xy: Array
    points: Array


def looks(made: Block, rng: np.random.Generator, each: int = 30) -> Seen:
    """Plants at random places of each photo's ground."""
    photos, pixels, points = [], [], []
    reach = made.wish.altitude * np.hypot(made.camera.width, made.camera.height) / made.camera.focal_px / 2
    for number, pose in enumerate(made.true):
        places = pose[:2] + rng.uniform(-reach, reach, (each * 2, 2))
        found = plants(made, rng, places)
        xy = made.project(number, found)
        ok = made.inside(xy)
        photos.append(np.full(int(ok.sum()), number, np.intp))
        pixels.append(xy[ok])
        points.append(found[ok])
    return Seen(np.concatenate(photos), np.concatenate(pixels), np.concatenate(points))


def plants(made: Block, rng: np.random.Generator, places: Array) -> Array:
    return np.column_stack(
        [places, made.ground.height(places) + rng.uniform(0, made.wish.plant, len(places))]
    )


def canopy(made: Block, places: Array) -> Array:
    """Points at the mean height of the plants."""
    return np.column_stack([places, made.ground.height(places) + made.wish.plant / 2])


def errors_of(found: Located, seen: Seen) -> Array:
    off = found.places - seen.points[:, :2]
    return np.hypot(off[:, 0], off[:, 1])


def common_points(
    made: Block, result: Adjusted, rng: np.random.Generator, kind: str, most: int = 120
) -> tuple[Seen, Seen]:
    """The same ground in both photos of pairs; `kind`: "canopy" (at the plants' mean height) or "plants"."""
    pairs = result.pairs[rng.permutation(len(result.pairs))[:most]]
    parts: tuple[list[Seen], list[Seen]] = ([], [])
    for a, b in pairs[:, :2].astype(int):
        places = (made.true[a, :2] + made.true[b, :2]) / 2 + rng.uniform(
            -0.4, 0.4, (20, 2)
        ) * made.wish.altitude
        points = canopy(made, places) if kind == "canopy" else plants(made, rng, places)
        pixels = [made.project(one, points) for one in (a, b)]
        ok = made.inside(pixels[0]) & made.inside(pixels[1])
        for part, one, xy in zip(parts, (a, b), pixels, strict=True):
            part.append(Seen(np.full(int(ok.sum()), one, np.intp), xy[ok], points[ok]))
    return joined(parts[0]), joined(parts[1])


def joined(parts: list[Seen]) -> Seen:
    return Seen(
        np.concatenate([part.photo for part in parts]),
        np.concatenate([part.xy for part in parts]),
        np.concatenate([part.points for part in parts]),
    )


def relative_errors(made: Block, result: Adjusted, rng: np.random.Generator, kind: str) -> Array:
    """[K] distance in GSD between where the two photos of a pair put the same point of ground.

    `kind` "poses": the plants' heights are known, so it is the alignment alone; else on the adjusted surface.
    """
    one, other = common_points(made, result, rng, kind)
    if kind == "poses":
        places = [at_height(result, part, heights_in(made, result, part.points)) for part in (one, other)]
    else:
        places = [locate(result, part.photo, part.xy).places for part in (one, other)]
    off = places[0] - places[1]
    return np.asarray(np.hypot(off[:, 0], off[:, 1]) / made.gsd)


def heights_in(made: Block, result: Adjusted, points: Array) -> Array:
    """[M] true heights as the block has them: no level, tilt, scale and only a weak dome are its own."""
    seen = np.flatnonzero(np.isfinite(result.points[:, 2]))
    off = result.points[seen, 2] - made.points[seen, 2]
    near = np.abs(off - np.median(off)) < 1.0

    def rows(at: Array) -> Array:
        east, north, up = at.T
        return np.column_stack([np.ones(len(at)), east, north, up, east**2, east * north, north**2])

    change = np.linalg.lstsq(rows(made.points[seen][near]), result.points[seen, 2][near], rcond=None)[0]
    return np.asarray(rows(points) @ change)


def at_height(result: Adjusted, seen: Seen, height: Array) -> Array:
    """[M, 2] where rays reach a height."""
    out = np.empty((len(seen.photo), 2))
    for number in np.unique(seen.photo):
        mine = seen.photo == number
        east, north, up, *angles = result.pose[number].tolist()
        camera = result.cameras[0]
        ideal = undistort((seen.xy[mine] - (camera.cx, camera.cy)) / camera.focal_px, camera.distortion)
        rays = np.column_stack([ideal, np.ones(len(ideal))]) @ rotation(*angles).T
        reach = (up - height[mine]) / rays[:, 2]
        out[mine] = np.column_stack([east + rays[:, 1] * reach, north + rays[:, 0] * reach])
    return out


def shape_errors(made: Block, result: Adjusted, found: Located, seen: Seen) -> Array:
    """[M, 2] errors in metres after the best common shift, turn and scale of the block."""
    told, true = found.places @ np.array([1, 1j]), seen.points[:, :2] @ np.array([1, 1j])
    arms = told - told.mean()
    change = (np.conj(arms) * (true - true.mean())).sum() / (np.abs(arms) ** 2).sum()
    off = change * arms - (true - true.mean())
    return np.column_stack([off.real, off.imag])


def wishes(count: int, **changes: object) -> Iterator[Wish]:
    """Blocks of different sizes, heights, overlaps, drifts and reliefs."""
    for seed in range(count):
        rng = np.random.default_rng([seed, 5])
        lines, rows = SHAPES[seed // 3 % len(SHAPES)]
        forward, side = ((0.75, 0.65), (0.70, 0.60))[seed % 2]
        wish = Wish(
            seed=seed + 1,
            altitude=(10.0, 20.0, 30.0)[seed % 3],
            columns=lines,
            rows=rows,
            forward=forward,
            side=side,
            heading=float(rng.uniform(0, 360)),
            gps_memory_s=float(np.exp(rng.uniform(np.log(60), np.log(1000)))),
            gps_constant=float(rng.uniform(0.25, 0.75)),
            relief=float(rng.uniform(0.1, 1.0)),
            pixel=float(rng.uniform(2.0, 4.0)),
            focal_off=float(rng.normal(0, 0.015)),
            k1_off=float(rng.normal(0, 0.01)),
        )
        yield replace(wish, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Tally:
    """Of one block."""

    cover: float
    stated: float
    errors: Array
    poses: float
    canopy: float
    plants: float
    shape: float


def tally(wish: Wish) -> Tally:
    made = block(wish)
    result = adjusted(made)
    rng = np.random.default_rng([wish.seed, 9])
    seen = looks(made, rng)
    found = locate(result, seen.photo, seen.xy)
    errors = errors_of(found, seen)
    kinds = [root(relative_errors(made, result, rng, kind)) for kind in ("poses", "canopy", "plants")]
    shape = root(np.hypot(*shape_errors(made, result, found, seen).T)) / made.gsd
    return Tally(
        float((errors <= found.error95).mean()), float(np.median(found.error95)), errors, *kinds, shape
    )


def root(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))


def coverage(count: int) -> None:
    kinds: dict[str, dict[str, object]] = {
        "as asked (white 1.5 m, slow 1.5 m)": {},
        "GPS mostly slow (0.3 m, 2 m)": {"gps_white": 0.3, "gps_slow": 2.0},
        "simulator's default (0.5, 0.5 m; 0.3 m; 1, 0.4 deg)": {
            "gps_white": 0.5,
            "gps_slow": 0.5,
            "height_sigma": 0.3,
            "height_white": 0.03,
            "yaw_sigma": 1.0,
            "tilt_sigma": 0.4,
        },
        "biased yaw and gimbal (3, 1 deg)": {"yaw_bias": 3.0, "tilt_bias": 1.0, "tilt_sigma": 1.0},
    }
    say(
        "Errors between photos and of shape are root mean squares in GSD: known heights, canopy, plants; shape."
    )
    for name, changes in kinds.items():
        tallies = [tally(wish) for wish in wishes(count, **changes)]
        report(name, tallies)
        if not changes:
            for number, altitude in enumerate((10, 20, 30)):
                report(f"  {altitude} m", tallies[number::3])


def report(name: str, tallies: list[Tally]) -> None:
    cover = np.array([one.cover for one in tallies])
    needed = np.quantile(np.concatenate([one.errors for one in tallies]), 0.95)
    stated = np.median([one.stated for one in tallies])
    rms = [
        root(np.array([getattr(one, k) for one in tallies])) for k in ("poses", "canopy", "plants", "shape")
    ]
    say(
        f"{name:52s} {len(cover):4d} blocks: covered {cover.mean():.3f} +- {cover.std() / np.sqrt(len(cover)):.3f}, "
        f"stated/needed {stated:.2f}/{needed:.2f} m = {stated / needed:.2f}, "
        f"relative {rms[0]:.2f} {rms[1]:.2f} {rms[2]:.2f}, shape {rms[3]:.2f}"
    )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def control_of(made: Block, sigma: float, checks: int = 16) -> tuple[Control, Array]:
    """Four control points near the corners and check points between; their true places [G, 3]."""
    rng = np.random.default_rng([made.wish.seed, 21])
    low, high = made.true[:, :2].min(axis=0), made.true[:, :2].max(axis=0)
    corners = np.array([(x, y) for x in (0.1, 0.9) for y in (0.1, 0.9)])
    share = np.vstack([corners, rng.uniform(0.1, 0.9, (checks, 2))])
    places = low + share * (high - low)
    true = np.column_stack([places, made.ground.height(places)])
    photo, point, xy = [], [], []
    for number in range(len(made.true)):
        pixels = made.project(number, true)
        ok = np.flatnonzero(made.inside(pixels))
        photo.append(np.full(len(ok), number, np.intp))
        point.append(ok)
        xy.append(pixels[ok] + rng.normal(0, 1.0, (len(ok), 2)))
    known = true + rng.normal(0, sigma, true.shape)
    sigmas = np.full(true.shape, np.inf)
    sigmas[:4] = sigma
    return Control(known, sigmas, np.concatenate(photo), np.concatenate(point), np.concatenate(xy), 1.0), true


def surveyed(points: Control, true: Array) -> Array:
    """[G] metres by which places are off that were put right, shift, turn and scale, by the four control points alone:
    what their own errors leave even of a block without any of its own."""
    known, real = points.known[:, :2] @ np.array([1, 1j]), true[:, :2] @ np.array([1, 1j])
    rows = np.column_stack([real, np.ones(len(real))])
    change = np.linalg.lstsq(rows[:4], known[:4], rcond=None)[0]
    return np.asarray(np.abs(rows @ change - real))


def control(count: int) -> None:
    say(
        "Four control points: horizontal error at check points, root mean square (and what the control's own errors "
        "leave of it if nothing else is wrong); without control: of their mean."
    )
    for sigma in (0.02, 0.01, 0.005):
        for altitude in (10.0, 20.0, 30.0):
            held, free, least, gsd = [], [], [], 1.0
            for wish in wishes(count, altitude=altitude):
                made = block(wish)
                points, true = control_of(made, sigma)
                gsd = made.gsd
                least.append(surveyed(points, true)[4:])
                off = (adjusted(made, points).control - true)[4:, :2]
                held.append(np.hypot(*off[np.isfinite(off[:, 0])].T))
                loose = replace(points, sigma=np.full_like(points.sigma, np.inf))
                off = (adjusted(made, loose).control - true)[:, :2]
                free.append(np.hypot(*np.nanmean(off, axis=0)))
            rms, bias = root(np.concatenate(held)), root(np.array(free))
            own = root(np.concatenate(least)) / gsd
            say(
                f"  control {100 * sigma:.1f} cm, {altitude:.0f} m: {100 * rms:.2f} cm = {rms / gsd:.2f} GSD ({own:.2f}); "
                f"without control {bias:.2f} m ({count} blocks)"
            )


def speed() -> None:
    say("Time and memory, one core, about 100 tracks a photo seen in six photos at most.")
    for lines, rows in ((5, 10), (20, 25), (40, 50)):
        made = block(Wish(seed=1, columns=lines, rows=rows))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start, clock = time.process_time(), time.perf_counter()
        result = adjusted(made)
        spent, waited = time.process_time() - start, time.perf_counter() - clock
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say(
            f"  {lines * rows:5d} photos, {len(made.photo)} observations: {spent:.1f} s of processor, {waited:.1f} s, "
            f"{result.iterations} steps; peak {peak:.0f} MiB, {before:.0f} of it before"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=120)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if options.only in ("", "coverage"):
        coverage(options.blocks)
    if options.only in ("", "control"):
        control(max(1, options.blocks // 6))
    if options.only in ("", "speed"):
        speed()


if __name__ == "__main__":
    main()
