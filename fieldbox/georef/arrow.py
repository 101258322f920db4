"""Normal equations of a block of photos: an arrow of a chain of small dense matrices and a few shared unknowns.

Photos see only their neighbours. Put in levels (each linked with itself, the one before and the one
after), the matrix of all photos is block tridiagonal, and what all photos share (lens, slow errors of the
GPS, the ground's surface) is a border of some hundred columns. Dense LAPACK on such blocks is faster
than a general sparse factor, needs no library beside SciPy, and its inverse is to be had block by block:
time grows with photos x (photos in a level)^2, memory with photos x photos in a level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse import bsr_array, csr_array

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Sparse = Any
"""A SciPy sparse array (SciPy has no types of its own)."""

_DIRECTIONS = 8
_PHOTOS = 256
"""Photos multiplied at a time."""
_MIN_LEVEL = 12
"""Photos; smaller levels are joined, since tiny matrices cost more calls than work."""


@dataclass(frozen=True)
class Chain:
    """`order` [N]: photos as they stand in the matrix; level l is order[bounds[l]:bounds[l + 1]]."""

    order: Index
    bounds: Index


def chain_of(links: Sparse, places: Array) -> Chain:
    """Levels of photos such that links [N, N] join only equal or next levels; `places` [N, 2] in metres.

    Breadth-first search from one side of the field; of eight sides that which gives the least work.
    """
    best, least = np.zeros(len(places), np.intp), math.inf
    heads, tails = links.nonzero()
    for turn in range(_DIRECTIONS):
        angle = math.pi * turn / _DIRECTIONS
        along = places @ np.array([math.cos(angle), math.sin(angle)])
        reach = np.abs(along[heads] - along[tails])
        band = 0.5 * float(np.percentile(reach, 90)) if reach.size else 0.0
        levels = _search(links, along, band)
        work = float((np.bincount(levels).astype(float) ** 3).sum())
        if work < least:
            best, least = levels, work
    joined = _join(np.bincount(best))
    levels = joined[best]
    return Chain(np.argsort(levels, kind="stable"), np.concatenate([[0], np.bincount(levels).cumsum()]))


def _search(links: Sparse, along: Array, band: float) -> Index:
    levels = np.full(len(along), -1, np.intp)
    level = 0
    while (free := levels < 0).any():
        front = free & (along <= along[free].min() + band)
        while front.any():
            levels[front] = level
            front = (links @ front.astype(float) > 0) & (levels < 0)
            level += 1
    return levels


def _join(sizes: Index) -> Index:
    """New number of each level after joining small ones with the next."""
    numbers, number, held = np.zeros(len(sizes), np.intp), 0, 0
    for level, size in enumerate(sizes):
        if held and held + size > _MIN_LEVEL:
            number, held = number + 1, 0
        numbers[level], held = number, held + size
    return numbers


@dataclass(frozen=True)
class Incidence:
    """Which photo saw which point: observations [n] sorted by photo, with sums over photos and points."""

    photo: Index
    track: Index
    photos: int
    tracks: int

    @property
    def starts(self) -> Index:
        """[photos + 1] first observation of each photo."""
        return np.searchsorted(self.photo, np.arange(self.photos + 1))

    def over_photos(self, left: Array, right: Array) -> Array:
        """Sum of left^T right, [n, k, a] and [n, k, b] to [photos, a, b]."""
        out = np.empty((self.photos, left.shape[2], right.shape[2]))
        for photo, mine in enumerate(self._parts()):
            lines = left[mine].shape[0] * left.shape[1]
            out[photo] = left[mine].reshape(lines, -1).T @ right[mine].reshape(lines, -1)
        return out

    def turned(self, vectors: Array, matrices: Array) -> Array:
        """Row vectors [n, ..., 3] each times its photo's matrix [photos, 3, 3]."""
        out = np.empty_like(vectors)
        for matrix, mine in zip(matrices, self._parts(), strict=True):
            np.matmul(vectors[mine], matrix, out=out[mine])
        return out

    def _parts(self) -> Iterator[slice]:
        """The observations of each photo: one after another, a multiplication each, as BLAS likes it."""
        return (slice(first, last) for first, last in pairwise(self.starts.tolist()))

    def over_tracks(self, left: Array, right: Array) -> Array:
        """Sum of left^T right, [n, k, a] and [n, k, b] to [tracks, a, b]."""
        out = np.empty((self.tracks, left.shape[2], right.shape[2]))
        for a, b in np.ndindex(out.shape[1:]):
            out[:, a, b] = self.count_tracks(np.einsum("nk,nk->n", left[:, :, a], right[:, :, b]))
        return out

    def count_tracks(self, values: Array) -> Array:
        """[n] to their sums [tracks]."""
        return np.asarray(np.bincount(self.track, values, self.tracks), float)

    def links(self, seen: NDArray[np.bool_] | None = None) -> Sparse:
        """[photos, photos] number of points seen in both, of the observations marked in `seen`."""
        ones = np.ones(len(self.photo)) if seen is None else seen.astype(float)
        table = csr_array((ones, (self.photo, self.track)), shape=(self.photos, self.tracks))
        table.data = np.minimum(table.data, 1.0)
        table.eliminate_zeros()
        return csr_array(table @ table.T)


@dataclass(frozen=True)
class Eliminated:
    """Equations of photos (q unknowns each) after their points (d unknowns each) were solved for.

    S = blockdiag(own) - half half^T, right side `right` [photos q]; `whiten` [tracks, d, d] is the
    inverse Cholesky factor of each point's own matrix and `rest` [tracks, d] its whitened right side.
    """

    own: Array
    half: Sparse
    right: Array
    whiten: Array
    rest: Array

    def matrix(self) -> Sparse:
        """S, [photos q, photos q], in blocks of q."""
        count, size = self.own.shape[:2]
        diagonal = bsr_array(
            (self.own, np.arange(count), np.arange(count + 1)), shape=(count * size, count * size)
        )
        return diagonal - self.half @ self.half.T

    def times(self, points: Sparse) -> Array:
        """half [photos q, tracks d] times points [tracks d, k]; some photos at a time."""
        half, count, size = self.half, *self.own.shape[:2]
        out = np.empty((count * size, points.shape[1]))
        for start in range(0, count, _PHOTOS):
            end = min(start + _PHOTOS, count)
            place = slice(half.indptr[start], half.indptr[end])
            part = bsr_array(
                (half.data[place], half.indices[place], half.indptr[start : end + 1] - half.indptr[start]),
                shape=((end - start) * size, half.shape[1]),
            )
            out[start * size : end * size] = (part.tocsr() @ points).toarray()
        return out

    def points(self, photos: Array, shared: Array | None = None) -> Array:
        """[tracks, d] change of the points for that of the photos [photos q]; `shared`: whitened rest."""
        left = self.rest - (self.half.T @ photos).reshape(self.rest.shape)
        if shared is not None:
            left = left - shared.reshape(self.rest.shape)
        return np.asarray((self.whiten.transpose(0, 2, 1) @ left[:, :, None])[:, :, 0])


def eliminate(
    seen: Incidence, by_photo: Array, by_point: Array, off: Array, point_matrix: Array, point_right: Array
) -> Eliminated:
    """Solve for the points of min |off + by_photo dp + by_point dx|^2 + their own priors.

    `by_photo` [n, k, q], `by_point` [n, k, d] and `off` [n, k] are weighted already (divided by sigma);
    `point_matrix` [tracks, d, d] and `point_right` [tracks, d] are normal equations of the priors.
    """
    matrix = point_matrix + seen.over_tracks(by_point, by_point)
    right = point_right - seen.over_tracks(by_point, off[:, :, None])[:, :, 0]
    whiten = np.linalg.inv(np.linalg.cholesky(matrix))
    rest = (whiten @ right[:, :, None])[:, :, 0]
    half_data = by_photo.transpose(0, 2, 1) @ by_point @ whiten[seen.track].transpose(0, 2, 1)
    size, depth = half_data.shape[1:]
    half = bsr_array((half_data, seen.track, seen.starts), shape=(seen.photos * size, seen.tracks * depth))
    own = seen.over_photos(by_photo, by_photo)
    photo_right = -seen.over_photos(by_photo, off[:, :, None]).ravel()
    return Eliminated(own, half, photo_right - half @ rest.ravel(), whiten, rest)


@dataclass(frozen=True)
class Covariances:
    """Parts of the inverse: of each photo, of the shared unknowns, and between them."""

    own: Array
    """[N, q, q]"""
    shared: Array
    """[b, b]"""
    cross: Array
    """[N, q, b]"""


class Arrow:
    """Cholesky factor of [[chain, border], [border^T, corner]], symmetric and positive definite.

    `chain` is sparse in blocks of a photo's unknowns; `border` is overwritten.
    Raises numpy.linalg.LinAlgError where the matrix is not positive definite.
    """

    def __init__(self, chain: Sparse, bounds: Index, border: Array, corner: Array) -> None:
        self._size = int(chain.blocksize[0])
        self._bounds = bounds
        self._lower: list[Array] = []
        self._next: list[Array] = []
        last = len(bounds) - 2
        for level in range(last + 1):
            here, after = _dense(chain, bounds, level)
            if level:
                here -= self._next[-1].T @ self._next[-1]
            self._lower.append(cholesky(here, lower=True, overwrite_a=True, check_finite=False))
            if level < last:
                self._next.append(self._solved(level, after))
        self._half = self._forward(border)
        self._corner = cholesky(corner - self._half.T @ self._half, lower=True, check_finite=False)

    def solve(self, right: Array, corner_right: Array) -> tuple[Array, Array]:
        """Photos' [n] and shared [b] unknowns."""
        half = self._forward(right[:, None].copy())
        low = solve_triangular(self._corner, corner_right - self._half.T @ half[:, 0], lower=True)
        shared = solve_triangular(self._corner, low, lower=True, trans="T")
        return self._back(half - self._half @ shared[:, None])[:, 0], shared

    def covariances(self) -> Covariances:
        """The selected inverse: exact, by Takahashi's recursion on the levels.

        (Takahashi, Fagan and Chen 1973; block form as in Erisman and Tinney 1975.)
        """
        size = self._size
        inverse = solve_triangular(self._corner, np.eye(len(self._corner)), lower=True)
        shared = inverse.T @ inverse
        cross = self._back(self._half.copy())
        own = np.empty((int(self._bounds[-1]), size, size))
        for level, block in self._inverse_levels():
            first, last = self._bounds[level], self._bounds[level + 1]
            tiles = block.reshape(last - first, size, last - first, size)
            spread = cross[first * size : last * size]
            folded = spread @ shared
            shape = (last - first, size, len(shared))
            own[first:last] = tiles[np.arange(last - first), :, np.arange(last - first), :]
            own[first:last] += folded.reshape(shape) @ spread.reshape(shape).transpose(0, 2, 1)
            cross[first * size : last * size] = -folded
        return Covariances(own, shared, cross.reshape(len(own), size, len(shared)))

    def _inverse_levels(self) -> Iterator[tuple[int, Array]]:
        after: Array | None = None
        for level in reversed(range(len(self._lower))):
            lower = self._lower[level]
            inverse = solve_triangular(lower, np.eye(len(lower)), lower=True, check_finite=False)
            block = inverse.T @ inverse
            if after is not None:
                gain = inverse.T @ self._next[level]
                block += gain @ after @ gain.T
            yield level, block
            after = block

    def _solved(self, level: int, right: Array, transposed: bool = False) -> Array:
        trans = "T" if transposed else "N"
        lower = self._lower[level]
        return np.asarray(solve_triangular(lower, right, lower=True, trans=trans, check_finite=False))

    def _part(self, level: int) -> slice:
        return slice(self._size * int(self._bounds[level]), self._size * int(self._bounds[level + 1]))

    def _forward(self, values: Array) -> Array:
        """Inverse of the factor times values [n, k], in place."""
        for level in range(len(self._lower)):
            part = self._part(level)
            if level:
                values[part] -= self._next[level - 1].T @ values[self._part(level - 1)]
            values[part] = self._solved(level, values[part])
        return values

    def _back(self, values: Array) -> Array:
        """Inverse of the transposed factor times values [n, k], in place."""
        for level in reversed(range(len(self._lower))):
            part = self._part(level)
            if level < len(self._next):
                values[part] -= self._next[level] @ values[self._part(level + 1)]
            values[part] = self._solved(level, values[part], transposed=True)
        return values


def _dense(chain: Sparse, bounds: Index, level: int) -> tuple[Array, Array]:
    """A level's own matrix and that between it and the next (empty for the last)."""
    size = int(chain.blocksize[0])
    first, last = int(bounds[level]), int(bounds[level + 1])
    end = int(bounds[level + 2]) if level + 2 < len(bounds) else last
    place = slice(chain.indptr[first], chain.indptr[last])
    columns = chain.indices[place]
    rows = np.repeat(np.arange(last - first), np.diff(chain.indptr[first : last + 1]))
    mine = columns >= first
    wide = np.zeros((last - first, size, end - first, size))
    wide[rows[mine], :, columns[mine] - first, :] = chain.data[place][mine]
    flat = wide.reshape((last - first) * size, (end - first) * size)
    width = (last - first) * size
    return np.ascontiguousarray(flat[:, :width]), np.ascontiguousarray(flat[:, width:])
