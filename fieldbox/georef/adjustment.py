"""Block adjustment: from told poses and ties between photos to poses that agree, with errors that are true.

1. Photos joined by enough ties form blocks; what is tied to nothing keeps its told pose and says so.
2. `coarse` brings shift, turn and scale near in one linear system that no yaw, however wrong, can upset.
3. Bundle adjustment (`Bundle`) with Cauchy weights whose scale falls from the first residuals to the noise.
4. Hard rejection at 3 sigma, and the parts of the stated errors estimated anew (Foerstner's variance
   components): noise of the ties, white part of GPS, height, yaw and tilt, scatter of plants about the surface.
5. A photo that may lie elsewhere for all its ties say (`held`) leaves its block and keeps its told pose.
6. Covariance of every pose, of the lens and of the surface, from the inverse of the last normal equations.

Focal length and k1 are free but held tightly (the camera's own focal_error; K1_ERROR): over flat ground
seen from straight above, focal length goes with height and k1 with the ground's bend, and no photo
can tell them apart (OpenSfM #771). Free they would carry all other errors; fixed, they would be stated as
exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, triu

from fieldbox.domain import Camera
from fieldbox.georef.arrow import Array, Covariances, Incidence, Index
from fieldbox.georef.bundle import LENS
from fieldbox.georef.fitting import Fit, used_of
from fieldbox.georef.held import unheld
from fieldbox.georef.preparing import Doubt, Task, prepare
from fieldbox.georef.slowerrors import FIRST_WHITE, GROUP_OF
from fieldbox.georef.surface import Lattice, Surface
from fieldbox.georef.ties import Control, Photos, Ties, blocks_of, strong_links

_ATTEMPTS = 3
"""Photos whose ties all turn out wrong leave their block, and the rest is adjusted again."""
_TO_DEGREES = np.array([1.0, 1.0, 1.0, *np.degrees(np.ones(3))])


class Outcome(StrEnum):
    """What became of a photo."""

    ADJUSTED = "adjusted"
    KEPT = "kept"
    """Tied too weakly: pose and errors as told."""
    LOST = "lost"
    """Neither told nor tied: it has no position."""


@dataclass(frozen=True)
class Adjusted:
    """The result. Photos in the order given; angles in degrees, metres from the origin of the input."""

    pose: Array
    """[N, 6] east, north, height above z = 0, yaw, pitch, roll."""
    covariance: Array
    """[N, 6, 6] metres and degrees."""
    outcome: tuple[Outcome, ...]
    doubts: tuple[frozenset[Doubt], ...]
    block: Index
    """[N] number of the block; -1: none."""
    yaw_mirrored: bool
    """Most told yaws disagree with the ties and would agree with the other sign."""
    cameras: tuple[Camera, ...]
    """With adjusted focal length, its error, and k1."""
    camera: Index
    surface: Surface
    shared_covariance: Array
    """[b, b] of what photos share: log focal and k1 of each camera, then the surface's nodes."""
    cross_covariance: NDArray[np.float32]
    """[N, 6, b] of a pose (metres, degrees) with the shared; 0 where kept."""
    residual_px: Array
    """[n, 2] of each tie, projected less observed; NaN where its photo is not adjusted."""
    used: NDArray[np.bool_]
    """[n] not dropped as an outlier."""
    sigma_px: float
    """Of the ties, estimated."""
    points: Array
    """[T, 3] adjusted ties (tracks by their numbers); NaN where none."""
    control: Array
    """[G, 3] adjusted control and check points; NaN where seen in fewer than two photos."""
    pairs: Array
    """[E, 3] photo, photo, RMS residual in pixels of the tracks that both see."""
    rms_px: float
    """Root mean square length of the used residuals."""
    white_share: Array
    """[4] of the stated variances of position, height, yaw, tilt: what turned out white."""
    iterations: int


def adjust(photos: Photos, ties: Ties, control: Control | None = None) -> Adjusted:
    """Adjust the photos. Weak input raises nothing: see `outcome`, `doubts` and `block`."""
    control = control or Control()
    whole = Incidence(ties.photo, ties.track, len(photos), int(ties.track.max(initial=-1)) + 1)
    good = _plausible(photos, ties)
    block = _placed(photos, blocks_of(whole, good))
    found = told = _as_told(photos, ties, control)
    strayed = np.zeros(len(photos), np.bool_)
    for _attempt in range(_ATTEMPTS):
        if (block < 0).all():
            return _doubted(told, strayed)
        try:
            found = _run(photos, ties, control, block, good & (block[ties.photo] >= 0))
        except np.linalg.LinAlgError:
            # Ties that contradict each other throughout: such a block must not take the others with it.
            block = _placed(photos, _solvable(photos, ties, control, block, good))
            found = told
            continue
        strayed |= np.array([Doubt.TIES in doubts for doubts in found.doubts])
        again = _placed(photos, blocks_of(whole, found.used & ~strayed[ties.photo]))
        if (again == block).all():
            break
        block = again
    return _doubted(_demoted(found, told, ties, block), strayed)


def _doubted(found: Adjusted, strayed: NDArray[np.bool_]) -> Adjusted:
    """The result with a doubt for photos that left their block because their ties were not to be trusted."""
    doubts = tuple(one | {Doubt.TIES} if off else one for one, off in zip(found.doubts, strayed, strict=True))
    return replace(found, doubts=doubts)


def _demoted(found: Adjusted, told: Adjusted, ties: Ties, block: Index) -> Adjusted:
    """The result with the told pose for photos that are in no block after all."""
    loose = (block < 0) & (found.block >= 0)
    if not loose.any():
        return found
    pose, covariance, cross = found.pose.copy(), found.covariance.copy(), found.cross_covariance.copy()
    pose[loose], covariance[loose], cross[loose] = told.pose[loose], told.covariance[loose], 0.0
    outcome = tuple(b if off else a for a, b, off in zip(found.outcome, told.outcome, loose, strict=True))
    off = loose[ties.photo]
    residual, used = np.where(off[:, None], np.nan, found.residual_px), found.used & ~off
    return replace(
        found,
        residual_px=residual,
        used=used,
        pairs=_pairs(ties, residual, used, len(block)),
        pose=pose,
        covariance=covariance,
        cross_covariance=cross,
        outcome=outcome,
        block=np.where(loose, -1, found.block),
    )


def _solvable(photos: Photos, ties: Ties, control: Control, block: Index, good: NDArray[np.bool_]) -> Index:
    """Blocks that can be adjusted each by itself; where there is but one block, none."""
    out = np.full(len(block), -1, np.intp)
    for number in np.unique(block[block >= 0]) if block.max() > 0 else ():
        alone = np.where(block == number, 0, -1)
        try:
            _run(photos, ties, control, alone, good & (alone[ties.photo] >= 0))
        except np.linalg.LinAlgError:
            continue
        out[block == number] = number
    return out


def _placed(photos: Photos, block: Index) -> Index:
    """Blocks without those of which no photo has a place."""
    known = np.asarray(np.isfinite(photos.pose[:, :2]).all(axis=1))
    kept = np.isin(block, np.unique(block[known & (block >= 0)]))
    numbers = np.full(len(block), -1, np.intp)
    numbers[kept] = np.unique(block[kept], return_inverse=True)[1]
    return numbers


def _plausible(photos: Photos, ties: Ties) -> NDArray[np.bool_]:
    """[n] observations of photos whose height and angles are told, of tracks seen in two of these."""
    sound = np.asarray(np.isfinite(photos.pose[:, 2:]).all(axis=1))
    good = sound[ties.photo] & np.isfinite(ties.xy).all(axis=1)
    views = np.bincount(ties.track[good], minlength=int(ties.track.max(initial=0)) + 1)
    return np.asarray(good & (views[ties.track] > 1))


def _run(photos: Photos, ties: Ties, control: Control, block: Index, good: NDArray[np.bool_]) -> Adjusted:
    task = prepare(photos, ties, control, block, good)
    fit = Fit(task)
    fit.robust()
    fit.final()
    base = _as_told(photos, ties, control)
    spread = fit.covariances()
    if not (np.isfinite(fit.state.pose).all() and _positive(spread.own)):
        raise np.linalg.LinAlgError("the adjustment diverged")
    where, bundle, state = task.photos, task.bundle, fit.state
    pose, covariance = base.pose.copy(), base.covariance.copy()
    pose[where] = state.pose * _TO_DEGREES
    pose[where, 3] %= 360.0
    covariance[where] = spread.own * _TO_DEGREES[:, None] * _TO_DEGREES
    public = np.r_[: bundle.lens_columns, bundle.node_column : bundle.width]
    cross = np.zeros((len(photos), 6, len(public)), np.float32)
    for axis, scale in enumerate(_TO_DEGREES):
        cross[where, axis] = spread.cross[:, axis, public] * scale
    outcome, doubts = list(base.outcome), list(base.doubts)
    strayed = unheld(task, state, used_of(fit))
    for number, doubt, loose in zip(where, fit.doubts(), strayed, strict=True):
        outcome[number], doubts[number] = Outcome.ADJUSTED, doubt | ({Doubt.TIES} if loose else set())
    residual, used = np.full((len(ties.photo), 2), np.nan), np.zeros(len(ties.photo), np.bool_)
    residual[task.rows[task.tie]] = fit.off[task.tie]
    used[task.rows[task.tie]] = used_of(fit)[task.tie]
    points, known = _points(task, fit, base)
    nodes = bundle.node_column
    return replace(
        base,
        pose=pose,
        covariance=covariance,
        outcome=tuple(outcome),
        doubts=tuple(doubts),
        block=block,
        yaw_mirrored=task.mirrored,
        cameras=_cameras(photos.cameras, state.shared, spread),
        surface=Surface(
            bundle.lattice, state.shared[nodes:], spread.shared[nodes:, nodes:], fit.weights.scatter_m
        ),
        shared_covariance=spread.shared[np.ix_(public, public)],
        cross_covariance=cross,
        residual_px=residual,
        used=used,
        sigma_px=fit.sigma_px,
        points=points,
        control=known,
        pairs=_pairs(ties, residual, used, len(photos)),
        rms_px=float(np.sqrt((residual[used] ** 2).sum() / max(int(used.sum()), 1))),
        white_share=fit.weights.white,
        iterations=fit.steps,
    )


def _positive(matrices: Array) -> bool:
    """All are finite and positive definite, to rounding, in their own scale."""
    if not np.isfinite(matrices).all():
        return False
    size = np.sqrt(np.maximum(np.einsum("nii->ni", matrices), 1e-30))
    return bool(np.linalg.eigvalsh(matrices / size[:, :, None] / size[:, None, :]).min() > 0)


def _points(task: Task, fit: Fit, base: Adjusted) -> tuple[Array, Array]:
    """Ties and control points by their numbers in the input."""
    views = task.bundle.seen.count_tracks(used_of(fit).astype(float))
    found = np.where(views[:, None] > 1, fit.state.point, np.nan)
    points, count = base.points.copy(), len(task.tracks)
    points[task.tracks] = found[:count]
    return points, found[count:]


def _cameras(cameras: tuple[Camera, ...], shared: Array, spread: Covariances) -> tuple[Camera, ...]:
    out = []
    for number, camera in enumerate(cameras):
        place = LENS * number
        k1, k2, p1, p2, k3 = camera.distortion
        out.append(
            replace(
                camera,
                focal_px=camera.focal_px * float(np.exp(shared[place])),
                focal_error=float(np.sqrt(spread.shared[place, place])),
                distortion=(k1 + float(shared[place + 1]), k2, p1, p2, k3),
            )
        )
    return tuple(out)


def _pairs(ties: Ties, residual: Array, used: NDArray[np.bool_], count: int) -> Array:
    """[E, 3] of pairs that share enough used tracks."""
    tracks = int(ties.track.max(initial=-1)) + 1
    seen = Incidence(ties.photo, ties.track, count, tracks)
    links = triu(strong_links(seen, used), 1).tocoo()
    if not links.nnz:
        return np.zeros((0, 3))
    square = np.where(used, (residual**2).sum(axis=1), 0.0)
    sums = csr_array((square, (ties.photo, ties.track)), shape=(count, tracks))
    ones = csr_array((used.astype(float), (ties.photo, ties.track)), shape=(count, tracks))
    both = csr_array(sums @ ones.T)
    total = np.asarray(both[links.row, links.col] + both[links.col, links.row]).ravel()
    return np.column_stack([links.row, links.col, np.sqrt(total / (2 * links.data))])


def _as_told(photos: Photos, ties: Ties, control: Control) -> Adjusted:
    """Nothing could be adjusted."""
    count = len(photos)
    known = np.asarray(np.isfinite(photos.pose).all(axis=1))
    error = photos.error[:, GROUP_OF]
    flat = Lattice(-1.0, -1.0, 1.0, 4, 4)
    return Adjusted(
        pose=photos.pose.copy(),
        covariance=error[:, :, None] ** 2 * np.eye(6),
        outcome=tuple(Outcome.KEPT if one else Outcome.LOST for one in known),
        doubts=(frozenset(),) * count,
        block=np.full(count, -1, np.intp),
        yaw_mirrored=False,
        cameras=photos.cameras,
        camera=photos.camera,
        surface=Surface(flat, np.zeros(16), np.zeros((16, 16)), 0.0),
        shared_covariance=_lens_prior(photos.cameras),
        cross_covariance=np.zeros((count, 6, LENS * len(photos.cameras) + 16), np.float32),
        residual_px=np.full((len(ties.photo), 2), np.nan),
        used=np.zeros(len(ties.photo), np.bool_),
        sigma_px=ties.sigma_px,
        points=np.full((int(ties.track.max(initial=-1)) + 1, 3), np.nan),
        control=np.full((len(control.known), 3), np.nan),
        pairs=np.zeros((0, 3)),
        rms_px=float("nan"),
        white_share=FIRST_WHITE.copy(),
        iterations=0,
    )


def _lens_prior(cameras: tuple[Camera, ...]) -> Array:
    """Shared covariance where nothing was adjusted: focal length, then a surface without error."""
    size = LENS * len(cameras)
    matrix = np.zeros((size + 16, size + 16))
    for number, camera in enumerate(cameras):
        matrix[LENS * number, LENS * number] = camera.focal_error**2
    return matrix
