"""One step of a bundle adjustment: poses, lens, slow errors, surface and tie points together.

Unknowns: a pose [6] a photo (east, north, height in metres; yaw, pitch, roll in radians); a point [3] a
track (east, north, height above z = 0); shared ones: log focal length and k1 of each camera, slow errors,
nodes of the surface. Lines of the normal equations: pixels of the ties, poses against what was told, heights
of points against the surface, known control points, priors of the shared. Tie points are solved for first
(Schur complement; Brown 1976, Triggs et al. 2000), the rest by `Arrow`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from fieldbox.georef.arrow import (
    Array,
    Arrow,
    Chain,
    Covariances,
    Eliminated,
    Incidence,
    Index,
    Sparse,
    eliminate,
)
from fieldbox.georef.rays import Lenses, distorted, rotations
from fieldbox.georef.slowerrors import GROUP_OF, SlowErrors
from fieldbox.georef.surface import Lattice

HOLD = 1e-6
"""1/m2 (1/rad2) that keeps the equations of a point that no photo holds solvable, and of a photo whose ties
are all rejected and of which something told is not believed; no force, only stiffness."""
_LEAST_DEPTH = 0.05
"""Of the height: points nearer to the camera's plane than this are projected as if they were there."""
LENS = 2
"""Unknowns of a camera."""


@dataclass(frozen=True)
class State:
    """All unknowns."""

    pose: Array
    point: Array
    shared: Array


@dataclass(frozen=True)
class Weights:
    """What is believed how much. Sigmas are standard deviations; factors are 0 to 1 (robust)."""

    pixel: Array
    """[n] sigma, pixels."""
    seen: Array
    """[n] factor of each observation."""
    told: Array
    """[N, 6] factor of each told number (0: not known, or not believed)."""
    scatter_m: float
    """Of heights about the surface."""
    flat: Array
    """[P] factor of each point's tie to the surface (0 for control)."""
    white: Array
    """[4] white share of the told variances."""


@dataclass(frozen=True)
class Linear:
    """A solved linearisation: its factor, its points, and the change it asks for."""

    arrow: Arrow
    whiten: Array
    """[P, 3, 3] inverse Cholesky factor of each point's own matrix."""
    pose: Array
    point: Array
    shared: Array


@dataclass(frozen=True)
class Bundle:
    """The fixed part of an adjustment. Photos stand in the order of the chain."""

    seen: Incidence
    xy: Array
    camera: Index
    lenses: Lenses
    k1_error: float
    told: Array
    """[N, 6] poses (radians); where not known, any number."""
    told_error: Array
    """[N, 6] stated errors (radians), all finite."""
    slow: SlowErrors
    lattice: Lattice
    known: Array
    """[P, 3] known coordinates of control points."""
    known_information: Array
    """[P, 3] 1/m2, 0 where not known."""
    chain: Chain

    @property
    def lens_columns(self) -> int:
        """Shared unknowns of the lenses: these come first, then slow errors, then the surface."""
        return LENS * len(self.lenses.focal)

    @property
    def node_column(self) -> int:
        """First shared unknown of the surface."""
        return self.lens_columns + int(self.slow.rows.shape[1])

    @property
    def width(self) -> int:
        """Number of shared unknowns."""
        return self.node_column + self.lattice.nodes

    def pixels(self, state: State) -> Array:
        """[n, 2] where each observation's point should be seen, pixels."""
        turn = rotations(state.pose[:, 3:])[0]
        _world, _depth, ideal = self._ideal(state, turn)
        k, focal = self._lens(state)
        return focal * distorted(ideal, k)[0] + self.lenses.centre[self.camera[self.seen.photo]]

    def pixels_off(self, state: State) -> Array:
        """[n, 2] projected less observed, pixels."""
        return self.pixels(state) - self.xy

    def derivatives(self, state: State) -> tuple[Array, Array, Array]:
        """Of the pixels by pose [n, 2, 6], point [n, 2, 3] and lens [n, 2, 2]."""
        photo = self.seen.photo
        turn, d_turn = rotations(state.pose[:, 3:])
        world, depth, ideal = self._ideal(state, turn)
        k, focal = self._lens(state)
        flat, slopes = distorted(ideal, k)
        by_camera = np.empty((len(photo), 2, 3))
        by_camera[:, :, :2] = slopes * (focal / depth[:, None])[:, :, None]
        by_camera[:, :, 2] = -np.einsum("nij,nj->ni", by_camera[:, :, :2], ideal)
        by_world = self.seen.turned(by_camera, turn.transpose(0, 2, 1))
        by_point = by_world[:, :, [1, 0, 2]]
        by_point[:, :, 2] *= -1.0
        by_pose = np.empty((len(photo), 2, 6))
        by_pose[:, :, :3] = -by_point
        for axis in range(3):
            moved = self.seen.turned(world, d_turn[axis])
            by_pose[:, :, 3 + axis] = np.einsum("nij,nj->ni", by_camera, moved)
        r2 = (ideal**2).sum(axis=1, keepdims=True)
        return by_pose, by_point, np.stack([focal * flat, focal * ideal * r2], axis=2)

    def _ideal(self, state: State, turn: Array) -> tuple[Array, Array, Array]:
        """Vectors north, east, down from camera to point [n, 3], depths [n], ideal image points [n, 2]."""
        photo = self.seen.photo
        offset = state.point[self.seen.track] - state.pose[photo, :3]
        world = np.column_stack([offset[:, 1], offset[:, 0], -offset[:, 2]])
        camera = self.seen.turned(world, turn)
        depth = np.maximum(camera[:, 2], _LEAST_DEPTH * np.abs(state.pose[photo, 2]) + 1e-3)
        return world, depth, camera[:, :2] / depth[:, None]

    def _lens(self, state: State) -> tuple[Array, Array]:
        """Distortion [n, 5] and focal length [n, 1] of each observation's camera."""
        kind = self.camera[self.seen.photo]
        lens = state.shared[: self.lens_columns].reshape(-1, LENS)
        k = self.lenses.distortion.copy()
        k[:, 0] += lens[:, 1]
        return k[kind], (self.lenses.focal * np.exp(lens[:, 0]))[kind][:, None]

    def told_off(self, state: State) -> Array:
        """[N, 6] pose less told less slow error (metres, radians; yaw within half a turn)."""
        slow = state.shared[self.lens_columns : self.node_column]
        off = state.pose - self.told - np.asarray(self.slow.rows @ slow).reshape(-1, 6)
        off[:, 3] = (off[:, 3] + np.pi) % (2 * np.pi) - np.pi
        return np.asarray(off)

    def heights_off(self, state: State) -> Array:
        """[P] height of each point above the surface, metres."""
        rows = self.lattice.weights_at(state.point[:, :2])
        return np.asarray(state.point[:, 2] - rows @ state.shared[self.node_column :])

    @cached_property
    def watched(self) -> NDArray[np.bool_]:
        """[P] whether anything sees it."""
        return np.bincount(self.seen.track, minlength=self.seen.tracks) > 0

    def shared_information(self, white: Array) -> Array:
        """[width, width] priors of the shared unknowns (mean 0)."""
        matrix = np.zeros((self.width, self.width))
        for number, error in enumerate(self.lenses.focal_error):
            place = LENS * number
            matrix[place, place], matrix[place + 1, place + 1] = 1 / error**2, 1 / self.k1_error**2
        slow = slice(self.lens_columns, self.node_column)
        matrix[slow, slow] = self.slow.information(white)
        matrix[self.node_column :, self.node_column :] = self.lattice.information
        return matrix

    def told_weight(self, weights: Weights) -> Array:
        """[N, 6] 1 / variance of the white error of each told number."""
        return np.asarray(weights.told / (self.told_error**2 * weights.white[GROUP_OF]))

    def cost(self, state: State, off: Array, weights: Weights, priors: Array) -> float:
        """Weighted sum of squares that a step has to lower; `off`: `pixels_off` of the state."""
        pixels = np.einsum("ni,ni->n", off, off) * weights.seen / weights.pixel**2
        told = self.told_off(state) ** 2 * self.told_weight(weights)
        flat = (self.heights_off(state) / weights.scatter_m) ** 2 * weights.flat
        known = (state.point - self.known) ** 2 * self.known_information
        own = state.shared @ priors @ state.shared
        return float(pixels.sum() + told.sum() + flat.sum() + known.sum() + own)

    def linearise(self, state: State, off: Array, weights: Weights, priors: Array) -> Linear:
        """Solve for the Gauss-Newton step at `state`; `off`: its `pixels_off`.

        A point is tied to the surface by its height alone: the surface is taken to move with its block.
        With its slope it would hold the block in place like a map that nobody has.
        """
        solved, half, border, corner, corner_right = self._equations(state, off, weights)
        corner_right = corner_right - priors @ state.shared
        arrow = Arrow(solved.matrix(), self.chain.bounds, border, corner + priors)
        pose, shared = arrow.solve(solved.right, corner_right)
        point = solved.points(pose, np.asarray(half @ shared))
        return Linear(arrow, solved.whiten, pose.reshape(-1, 6), point, shared)

    def _equations(
        self, state: State, off: Array, weights: Weights
    ) -> tuple[Eliminated, Sparse, Array, Array, Array]:
        """Photos' equations, shared against whitened points, border, corner and its right side."""
        scale = np.sqrt(weights.seen) / weights.pixel
        off = off * scale[:, None]
        by_pose, by_point, by_lens = self._pixel_rows(state, weights, scale)
        flat_weight = weights.flat / weights.scatter_m**2
        flat_right = -self.heights_off(state) * flat_weight
        matrix = np.broadcast_to(np.eye(3) * HOLD, (self.seen.tracks, 3, 3)).copy()
        diagonal = np.arange(3)
        matrix[:, diagonal, diagonal] += self.known_information
        matrix[:, 2, 2] += flat_weight
        right = -(state.point - self.known) * self.known_information
        right[:, 2] += flat_right
        solved = eliminate(self.seen, by_pose, by_point, off, matrix, right)
        told_weight = self.told_weight(weights)
        told_right = -(self.told_off(state) * told_weight).ravel()
        solved = replace(
            solved,
            own=solved.own + (told_weight + HOLD)[:, :, None] * np.eye(6),
            right=solved.right + told_right,
        )
        slow, surface = self._slow_columns(), self._surface_columns(state)
        slow_weighted = csr_array(slow.multiply(told_weight.reshape(-1, 1)))
        surface_weighted = csr_array(surface.multiply(flat_weight[:, None]))
        half = self._whitened(by_point, by_lens, surface_weighted, solved.whiten)
        border = _spread(by_pose, self.seen.photo, self.seen.photos).T @ by_lens
        border = (border - slow_weighted).toarray() - solved.times(half)
        corner = by_lens.T @ by_lens + slow.T @ slow_weighted + surface.T @ surface_weighted - half.T @ half
        corner_right = (
            surface.T @ flat_right
            - by_lens.T @ off.ravel()
            - slow.T @ told_right
            - half.T @ solved.rest.ravel()
        )
        return solved, half, border, corner.toarray(), np.asarray(corner_right)

    def _pixel_rows(self, state: State, weights: Weights, scale: Array) -> tuple[Array, Array, Sparse]:
        """Derivatives by pose [n, 2, 6], point [n, 2, 3], shared [2 n, width], each times its `scale` [n].

        The derivatives are taken where the point would stand on the surface. Taken at the estimates they hang
        together with the residuals, and scale and dome drift to where all heights about the surface are small: the
        bias of errors in variables (measured: a thousand plants shrink a block to a fifth). Not so the tilts,
        which are taken as estimated: with tilts as told, height and focal length drifted from step to step where the
        ties are precise (a flight of 170 photos came out 8 % too large, with tilts as estimated 1 %).
        """
        point = state.point.copy()
        point[:, 2] -= np.where(weights.flat > 0, self.heights_off(state), 0.0)
        still = replace(state, point=point)
        by_pose, by_point, by_lens = self.derivatives(still)
        by_pose *= scale[:, None, None]
        by_point *= scale[:, None, None]
        by_lens *= scale[:, None, None]
        return by_pose, by_point, self._lens_columns(by_lens)

    def _lens_columns(self, by_lens: Array) -> Sparse:
        kind = self.camera[self.seen.photo]
        columns = _spread(by_lens, kind, len(self.lenses.focal))
        columns.resize((2 * len(kind), self.width))
        return columns

    def _surface_columns(self, state: State) -> Sparse:
        """[P, width] height of a point above the surface by the surface's nodes."""
        rows = self.lattice.weights_at(state.point[:, :2])
        left = csr_array((rows.shape[0], self.node_column))
        return csr_array(hstack([left, -rows]))

    def _slow_columns(self) -> Sparse:
        count = self.slow.rows.shape[0]
        left, right = csr_array((count, self.lens_columns)), csr_array((count, self.lattice.nodes))
        return csr_array(hstack([left, self.slow.rows, right]))

    def _whitened(self, by_point: Array, by_lens: Sparse, surface: Sparse, whiten: Array) -> Sparse:
        """[3 P, width] points against the shared unknowns, each point whitened."""
        tracks = self.seen.tracks
        cross = _spread(by_point, self.seen.track, tracks).T @ by_lens
        heights = csr_array(
            (np.ones(tracks), (3 * np.arange(tracks) + 2, np.arange(tracks))), shape=(3 * tracks, tracks)
        )
        return csr_array(_spread(whiten, np.arange(tracks), tracks) @ (cross + heights @ surface))

    def stepped(self, state: State, linear: Linear, share: float = 1.0) -> State:
        """The state after a share of a step."""
        return State(
            state.pose + share * linear.pose,
            state.point + share * linear.point,
            state.shared + share * linear.shared,
        )

    def covariances(self, linear: Linear) -> Covariances:
        """Of poses (metres, radians) and shared unknowns."""
        return linear.arrow.covariances()


def _spread(values: Array, place: Index, count: int) -> Sparse:
    """[n, r, c] blocks, one a line of blocks, at columns of blocks `place`: sparse [r n, c count]."""
    lines, rows, columns = values.shape
    first = (columns * place).astype(np.int32)[:, None, None]
    where = np.broadcast_to(first + np.arange(columns, dtype=np.int32), values.shape)
    ends = np.arange(0, columns * rows * lines + 1, columns, dtype=np.int32)
    return csr_array((values.ravel(), where.ravel(), ends), shape=(rows * lines, columns * count))
