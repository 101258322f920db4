"""From told poses and ties to a bundle adjustment that can start: order, first alignment, what is doubted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.arrow import Array, Chain, Incidence, Index, chain_of
from fieldbox.georef.bundle import Bundle, State
from fieldbox.georef.coarse import Coarse, coarse
from fieldbox.georef.projection import undistort
from fieldbox.georef.rays import Lenses, rotations
from fieldbox.georef.slowerrors import GROUP_OF, SlowErrors
from fieldbox.georef.surface import Lattice
from fieldbox.georef.ties import Control, Photos, Ties

K1_ERROR = 0.02
"""Of the first radial coefficient, whatever it is said to be."""
WRONG_YAW_DEG = 45.0
"""A yaw this far from what the ties say is taken for wrong, however large its stated error."""
WRONG_YAW_SIGMAS = 5.0
_LEAST_ERROR = np.array([1e-3, 1e-3, 1e-3, *np.radians([1e-2, 1e-2, 1e-2])])
_LEAST_DOWN = 0.1


class Doubt(StrEnum):
    """What is not believed of a photo; but for TIES something that was told."""

    POSITION = "position"
    HEIGHT = "height"
    YAW = "yaw"
    TILT = "tilt"
    MISSING = "missing position"
    """It was not told; it comes from the ties alone."""
    TIES = "ties"
    """Not what was told is doubted but what the photo is tied to: it may belong elsewhere."""


@dataclass(frozen=True)
class Task:
    """An adjustment in the order of its chain: only photos in blocks, only their observations."""

    bundle: Bundle
    rows: Index
    """[n] number of each observation among the ties (then among control, after them)."""
    photos: Index
    """[N] number of each photo in the input."""
    tracks: Index
    """[T] number of each tie's track in the input; control points follow them."""
    tie: NDArray[np.bool_]
    """[n] is of a tie, not of control."""
    sigma: Array
    """[n] pixels, as told."""
    kept: NDArray[np.bool_]
    """[n] not thrown out by the first alignment."""
    believed: Array
    """[N, 6] 1 or 0: told numbers that are known and not doubted."""
    start: State
    mirrored: bool


@dataclass(frozen=True)
class _Order:
    """Photos and observations in the order of the chain."""

    seen: Incidence
    chain: Chain
    rows: Index
    photos: Index
    tracks: Index


def prepare(photos: Photos, ties: Ties, control: Control, block: Index, good: NDArray[np.bool_]) -> Task:
    """Order the photos of blocks, align them, and set up the bundle. `good` [n]: ties to use."""
    order = _ordered(photos, ties, control, block, good)
    seen, chosen = order.seen, order.photos
    xy = np.concatenate([ties.xy, control.xy])[order.rows]
    tie = order.rows < len(ties.photo)
    lenses, camera = Lenses.of(photos.cameras), photos.camera[chosen]
    told, unknown = _told(photos, chosen)
    error = _errors(photos.error[chosen])
    stated = np.where(unknown, np.inf, error[:, 0])
    vectors = ground_vectors(told, xy, seen.photo, camera, lenses)
    found = coarse(seen, order.chain, vectors, told[seen.photo, 2], told[:, :2], stated, block[chosen])
    told_mended, mirrored, wrong = _yaws(told, found, error, block[chosen])
    believed = np.ones((len(chosen), 6))
    believed[unknown, :2] = 0.0
    believed[wrong, 3] = 0.0
    pose, kept = _start(told, found), found.kept | ~tie
    places = ground_vectors(pose, xy, seen.photo, camera, lenses) + pose[seen.photo, :2]
    known, information = _known(control, len(order.tracks))
    stated_all = np.where(believed > 0, error, np.inf)
    bundle = Bundle(
        seen=seen,
        xy=xy,
        camera=camera,
        lenses=lenses,
        k1_error=K1_ERROR,
        told=told_mended,
        told_error=error,
        slow=SlowErrors.of(stated_all, photos.taken_at[chosen], photos.flight[chosen]),
        lattice=Lattice.over(_ground(places, kept), float(np.median(pose[:, 2]))),
        known=known,
        known_information=information,
        chain=order.chain,
    )
    start = State(pose, _points(seen, places, kept, known, information), np.zeros(bundle.width))
    sigma = np.where(tie, ties.sigma_px, control.sigma_px)
    return Task(bundle, order.rows, chosen, order.tracks, tie, sigma, kept, believed, start, mirrored)


def _ordered(photos: Photos, ties: Ties, control: Control, block: Index, good: NDArray[np.bool_]) -> _Order:
    inside = np.flatnonzero(block >= 0)
    compact = np.full(len(photos), -1, np.intp)
    compact[inside] = np.arange(len(inside))
    marked = compact[control.photo] >= 0
    rows = np.flatnonzero(np.concatenate([good, marked]))
    tracks, tie_track = np.unique(ties.track[good], return_inverse=True)
    track = np.concatenate([tie_track, len(tracks) + control.point[marked]]).astype(np.intp)
    photo = compact[np.concatenate([ties.photo, control.photo])[rows]]
    count = len(tracks) + len(control.known)
    loose = Incidence(photo, track, len(inside), count)
    chain = chain_of(loose.links(), _told(photos, inside)[0][:, :2])
    rank = np.empty(len(inside), np.intp)
    rank[chain.order] = np.arange(len(inside))
    order = np.argsort(rank[photo], kind="stable")
    seen = Incidence(rank[photo][order], track[order], len(inside), count)
    return _Order(seen, chain, rows[order], inside[chain.order], tracks)


def _told(photos: Photos, chosen: Index) -> tuple[Array, NDArray[np.bool_]]:
    """Told poses [N, 6] in radians, a middle place where none is known; where that is so [N]."""
    told = photos.pose[chosen]
    told[:, 3:] = np.radians(told[:, 3:])
    unknown = np.asarray(~np.isfinite(told[:, :2]).all(axis=1))
    told[unknown, :2] = told[~unknown, :2].mean(axis=0)
    return told, unknown


def _errors(error: Array) -> Array:
    """[N, 6] radians, all finite and positive."""
    full = error[:, GROUP_OF].copy()
    full[:, 3:] = np.radians(full[:, 3:])
    return np.asarray(np.maximum(np.where(np.isfinite(full), full, 1e3), _LEAST_ERROR))


def ground_vectors(pose: Array, xy: Array, photo: Index, camera: Index, lenses: Lenses) -> Array:
    """[n, 2] east, north from below each camera to where the rays of pixels meet z = 0."""
    ideal = np.empty_like(xy)
    kind = camera[photo]
    for number in range(len(lenses.focal)):
        mine = kind == number
        plain = (xy[mine] - lenses.centre[number]) / lenses.focal[number]
        ideal[mine] = undistort(plain, tuple(lenses.distortion[number].tolist()))
    rays = np.column_stack([ideal, np.ones(len(ideal))])
    turned = np.einsum("nij,nj->ni", rotations(pose[:, 3:])[0][photo], rays)
    down = np.maximum(turned[:, 2], _LEAST_DOWN)
    return np.asarray(turned[:, 1::-1] * (pose[photo, 2] / down)[:, None])


def _wrap(angle: Array) -> Array:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _blocks(block: Index) -> list[Index]:
    return [np.flatnonzero(block == number) for number in np.unique(block)]


def _yaws(told: Array, found: Coarse, error: Array, block: Index) -> tuple[Array, bool, NDArray[np.bool_]]:
    """Told poses with yaws mended where all have the wrong sign; whether so; photos whose yaw is wrong."""
    yaw = told[:, 3] + found.turn
    mended, mirrored = told.copy(), False
    limit = np.maximum(np.radians(WRONG_YAW_DEG), WRONG_YAW_SIGMAS * error[:, 3])
    wrong = np.abs(_wrap(found.turn)) > limit
    for mine in _blocks(block):
        as_told, other = np.abs(_wrap(found.turn[mine])), np.abs(_wrap(yaw[mine] + told[mine, 3]))
        limits = np.median(limit[mine])
        if found.anchored[mine].all() and np.median(other) < limits / 3 and np.median(as_told) > limits / 2:
            mended[mine, 3] = -told[mine, 3]
            mirrored = True
            wrong[mine] = other > limit[mine]
    return mended, mirrored, wrong


def _start(told: Array, found: Coarse) -> Array:
    pose = told.copy()
    pose[:, :2], pose[:, 2], pose[:, 3] = found.place, told[:, 2] * found.scale, told[:, 3] + found.turn
    return pose


def _ground(places: Array, kept: NDArray[np.bool_]) -> Array:
    """[2, 2] corners of the ground that is seen, without the wildest places."""
    inside = places[kept] if kept.any() else places
    return np.percentile(inside, [0.5, 99.5], axis=0)


def _known(control: Control, ties: int) -> tuple[Array, Array]:
    known = np.zeros((ties + len(control.known), 3))
    information = np.zeros_like(known)
    usable = np.isfinite(control.sigma) & np.isfinite(control.known)
    known[ties:] = np.where(usable, control.known, 0.0)
    information[ties:] = np.where(
        usable, 1.0 / np.maximum(np.where(usable, control.sigma, 1.0), 1e-4) ** 2, 0.0
    )
    return known, information


def _points(
    seen: Incidence, places: Array, kept: NDArray[np.bool_], known: Array, information: Array
) -> Array:
    """[P, 3] points to start from: the mean of where their photos put them, or what is known."""

    def mean(weight: Array) -> Array:
        total = np.maximum(seen.count_tracks(weight), 1e-9)
        return np.column_stack([seen.count_tracks(places[:, axis] * weight) / total for axis in range(2)])

    some = seen.count_tracks(kept.astype(float)) > 0
    place = np.where(some[:, None], mean(kept.astype(float)), mean(np.ones(len(places))))
    point = np.column_stack([place, np.zeros(len(place))])
    return np.where(information > 0, known, point)
