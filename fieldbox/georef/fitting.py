"""Running a bundle adjustment: robust steps, rejection, and standard errors that fit their residuals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.arrow import Array, Covariances
from fieldbox.georef.bundle import HOLD, Linear, Weights
from fieldbox.georef.preparing import Doubt, Task
from fieldbox.georef.slowerrors import FIRST_WHITE, GROUP_OF, GROUPS

FIRST_SCATTER_M = 0.3
"""Of things seen about the surface, before any is known."""
OUTLIER_SIGMAS = 3.44
"""Of a residual's length: three sigma in one dimension (0.27 %) is 3.44 in two (chi-square)."""
FLAT_SIGMAS = 4.0
"""Of a point's height about the surface: further off, one seen twice is a wrong match, others are trees."""
TOLD_SIGMAS = 5.0
"""A told number this far off (of its white error, or half its stated one) is no longer believed."""
_MOST_NOISE = 4.0
"""Times the told noise of the ties, and"""
_MODEL_ERROR = 1e-3
"""of the focal length for what the lens's numbers leave out: what is further off is wrong, not noisy."""
_CAUCHY = 2.5
_PRIOR_COUNT = 5.0
"""How many residuals the first guess of a variance is worth."""
_ROBUST_STEPS = 12
_ROUNDS = 3
_STEPS_A_ROUND = 4
_DONE_PX = 0.05
_HALVINGS = 4
_UPHILL = 0.01
"""A step may raise the cost so much: what is solved for is not quite its minimum (see `Bundle._pixel_rows`)."""
_MEDIAN_RADIUS = 1.1774
"""Median length of a two-dimensional normal of unit sigma."""
_LEAST_WHITE = 1e-4


class Fit:
    """State and weights of a running adjustment; changes as it runs, unlike everything it is made of."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.state = task.start
        self.off = task.bundle.pixels_off(task.start)
        """[n, 2] pixels that the state is off by."""
        self.steps = 0
        self.sigma_px = float(np.median(task.sigma[task.tie])) if task.tie.any() else 1.0
        self._most_px = _MOST_NOISE * self.sigma_px + _MODEL_ERROR * float(task.bundle.lenses.focal.max())
        tracks = task.bundle.seen.tracks
        flat = np.ones(tracks)
        flat[len(task.tracks) :] = task.bundle.known_information[len(task.tracks) :, 2] == 0
        self.weights = Weights(
            pixel=task.sigma.copy(),
            seen=task.kept.astype(float),
            told=task.believed.copy(),
            scatter_m=FIRST_SCATTER_M,
            flat=flat,
            white=FIRST_WHITE.copy(),
        )
        self._flat = flat
        self._dead = np.zeros(tracks, np.bool_)
        self.linear: Linear | None = None
        self.doubted = np.zeros((len(task.photos), 6), np.bool_)

    def robust(self) -> None:
        """Cauchy weights; their scale follows the residuals' median from tilts told wrong to noise."""
        task = self.task
        last = np.inf
        for _step in range(_ROBUST_STEPS):
            size = self._sizes()
            scale = max(float(np.median(size[task.tie & task.kept])) / _MEDIAN_RADIUS, 0.3 * self.sigma_px)
            seen = 1.0 / (1.0 + (size / (_CAUCHY * scale)) ** 2)
            off = np.abs(task.bundle.told_off(self.state)) / task.bundle.told_error
            told = task.believed / (1.0 + (_by_kind(off) / TOLD_SIGMAS) ** 2) ** 2
            height = np.abs(task.bundle.heights_off(self.state)) / FIRST_SCATTER_M
            self.weights = replace(
                self.weights,
                pixel=np.where(task.tie, scale, np.maximum(task.sigma, scale)),
                seen=np.where(task.tie, seen * task.kept, 1.0),
                told=told,
                flat=self._flat / (1.0 + (height / FLAT_SIGMAS) ** 2) ** 2,
            )
            self._step()
            if scale > 0.97 * last:
                break
            last = scale
        self.sigma_px = min(scale / self._freedom(), self._most_px)

    def final(self) -> None:
        """Least squares on what is left after rejection, with estimated variances."""
        for number in range(_ROUNDS + 1):
            for _step in range(_STEPS_A_ROUND):
                self._reject()
                if self._step() < _DONE_PX:
                    break
            if number < _ROUNDS:
                self._estimate()
        self._reject()
        self.linear = None
        priors = self.task.bundle.shared_information(self.weights.white)
        self.linear = self.task.bundle.linearise(self.state, self.off, self.weights, priors)

    def covariances(self) -> Covariances:
        """Of the last linearisation."""
        assert self.linear is not None  # noqa: S101 - for the type checker; final() has set it
        return self.task.bundle.covariances(self.linear)

    def doubts(self) -> list[frozenset[Doubt]]:
        """Of each photo of the task."""
        kinds = (Doubt.POSITION, Doubt.POSITION, Doubt.HEIGHT, Doubt.YAW, Doubt.TILT, Doubt.TILT)
        out = []
        for doubted, believed in zip(self.doubted, self.task.believed, strict=True):
            found = {kind for kind, off in zip(kinds, doubted, strict=True) if off}
            if not believed[0]:
                found.add(Doubt.MISSING)
            if not believed[3]:
                found.add(Doubt.YAW)
            out.append(frozenset(found))
        return out

    def _freedom(self) -> float:
        """Of a residual: its standard deviation as a share of the noise's, on average."""
        seen = self.task.bundle.seen
        lines = 2.0 * len(seen.photo)
        left = lines - 3.0 * float(self.task.bundle.watched.sum()) - 6.0 * seen.photos
        return float(np.sqrt(max(left / lines, 0.1)))

    def _sizes(self) -> Array:
        return np.hypot(self.off[:, 0], self.off[:, 1])

    def _step(self) -> float:
        """One step, halved while the cost grows; how far the used pixels moved (root mean square)."""
        bundle = self.task.bundle
        priors = bundle.shared_information(self.weights.white)
        before = bundle.cost(self.state, self.off, self.weights, priors)
        self.linear = None  # its factor is the largest thing there is: not two at a time
        linear = bundle.linearise(self.state, self.off, self.weights, priors)
        share, old = 1.0, self.off
        for _halving in range(_HALVINGS):
            moved = bundle.stepped(self.state, linear, share)
            off = bundle.pixels_off(moved)
            if bundle.cost(moved, off, self.weights, priors) <= before * (1 + _UPHILL):
                self.state, self.off = moved, off
                break
            share /= 2
        # Where the cost grows whatever the step, what is solved for is too far from its minimum, and the state stays:
        # step by step a block over ridged ground would shrink to a half.
        self.linear = linear
        self.steps += 1
        used = self.weights.seen > 0
        return float(np.sqrt(((self.off - old)[used] ** 2).mean())) if used.any() else 0.0

    def _reject(self) -> None:
        """Weights 1 and 0."""
        task, bundle, state = self.task, self.task.bundle, self.state
        sigma = np.where(task.tie, self.sigma_px, task.sigma)
        seen = self._sizes() < OUTLIER_SIGMAS * sigma
        height = np.abs(bundle.heights_off(state)) < FLAT_SIGMAS * self.weights.scatter_m
        views = bundle.seen.count_tracks(seen.astype(float))
        self._dead |= (views < 3) & ~height & (self._flat > 0)
        seen &= ~self._dead[bundle.seen.track]
        seen &= (bundle.seen.count_tracks(seen.astype(float)) > 1)[bundle.seen.track] | ~task.tie
        off = np.abs(bundle.told_off(state)) / bundle.told_error
        limit = TOLD_SIGMAS * np.maximum(np.sqrt(self.weights.white), 0.5)[GROUP_OF]
        self.doubted = (_by_kind(off / limit) > 1.0) & (task.believed > 0)
        self.weights = replace(
            self.weights,
            pixel=sigma,
            seen=seen.astype(float),
            told=task.believed * ~self.doubted,
            flat=self._flat * (height | self._dead),
        )

    def _estimate(self) -> None:
        """Variances from residuals and their redundancy (Foerstner 1979)."""
        assert self.linear is not None  # noqa: S101 - for the type checker; a step has set it
        self._estimate_pixels(self.linear)
        self._estimate_told()

    def _estimate_pixels(self, linear: Linear) -> None:
        task, bundle = self.task, self.task.bundle
        used = (self.weights.seen > 0) & task.tie
        height = bundle.heights_off(self.state)
        normal = self.weights.flat / self.weights.scatter_m**2
        whiten = linear.whiten
        held = np.minimum((whiten[:, :, 2] ** 2).sum(axis=1) * normal, 1.0)
        spread = (whiten**2).sum(axis=1)
        free = 3.0 - held - (spread * (bundle.known_information + HOLD)).sum(axis=1)
        redundancy = 2.0 * used.sum() - free.sum() - 6.0 * bundle.seen.photos
        squares = float((self.off[used] ** 2).sum())
        first = _PRIOR_COUNT * self.sigma_px**2
        sigma = float(np.sqrt((squares + first) / (max(redundancy, 0.0) + _PRIOR_COUNT)))
        self.sigma_px = min(sigma, self._most_px)
        seen = (self.weights.flat > 0) & (bundle.seen.count_tracks(used.astype(float)) > 1)
        left = float((1.0 - held)[seen].sum())
        # The surface's own freedom: at most a third, so that few points cannot make it negative.
        left -= min(bundle.lattice.nodes, left / 3)
        total = float((height[seen] ** 2).sum()) + _PRIOR_COUNT * FIRST_SCATTER_M**2
        self.weights = replace(self.weights, scatter_m=float(np.sqrt(total / (left + _PRIOR_COUNT))))

    def _estimate_told(self) -> None:
        bundle, weights = self.task.bundle, self.weights
        spread = self.covariances()
        slow = slice(bundle.lens_columns, bundle.node_column)
        rows = bundle.slow.rows
        shared = rows @ spread.shared[slow, slow]
        own = np.einsum("nii->ni", spread.own)
        both = np.asarray(rows.multiply(spread.cross[:, :, slow].reshape(shared.shape)).sum(axis=1))
        alone = np.asarray(rows.multiply(shared).sum(axis=1))
        variance = own + (alone - 2 * both).reshape(own.shape)
        white = weights.white.copy()
        off = bundle.told_off(self.state) ** 2 / bundle.told_error**2
        left = 1.0 - variance / (bundle.told_error**2 * white[GROUP_OF])
        for group in range(GROUPS):
            mine = (weights.told > 0) & (group == GROUP_OF)
            total = float(off[mine].sum()) + _PRIOR_COUNT * FIRST_WHITE[group]
            white[group] = max(total / (max(float(left[mine].sum()), 0.0) + _PRIOR_COUNT), _LEAST_WHITE)
        self.weights = replace(weights, white=white)


def _by_kind(off: Array) -> Array:
    """[N, 6] with east and north, and pitch and roll, both as the worse of the two."""
    out = off.copy()
    out[:, :2] = off[:, :2].max(axis=1, keepdims=True)
    out[:, 4:] = off[:, 4:].max(axis=1, keepdims=True)
    return out


def used_of(fit: Fit) -> NDArray[np.bool_]:
    """[n] observations of the task that count."""
    return fit.weights.seen > 0
