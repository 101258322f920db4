"""The surface that a flight sees: ground or canopy from above, as a smooth function of east and north.

A cubic B-spline on a coarse square lattice. A plane or a quadratic cannot follow a field's relief (a
metre of it is 0.6 m on the ground at the edge of a wide photo); a bilinear lattice of the same step is
off by (pi step / wavelength)^2 / 2 of the amplitude, a cubic spline by a fifth of that squared or less.
A prior on its bend spans places without tie points. What plants stand above or below it is scatter: white,
estimated, and part of every stated error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from fieldbox.georef.arrow import Array, Index, Sparse

LEVEL_ERROR_M = 0.3
"""Of the field's mean level against the plane z = 0 that the photos' heights start from."""
SLOPE_ERROR = 0.05
"""Of the field as a whole, each way."""
BEND_ERROR = 0.3
"""Standard deviation of the curvature, 1/m: far more than any field has (a wave of 0.5 m amplitude and 60 m length has
0.0055 at most, one of 24 m 0.034), so that it only spans places without ties.

What it asks for is a smaller block: one shrunk by a hundredth bends a hundredth less, and all nodes ask for it together.
With 0.01 fourteen flights of 12 to 540 photos over waves of some 24 m came out 7 % too small on average (one 27 %), with
0.3 half a percent."""
MAX_NODES = 18
"""Along a side. More would cost more than the rest of the adjustment."""
LEAST_STEP_M = 8.0
"""Between nodes. Finer, plants would be taken for relief: of forty of 0 to 0.4 m a centimetre is left."""
_STEPS_PER_HEIGHT = 0.5


@dataclass(frozen=True)
class Lattice:
    """Nodes of the spline; the field lies between their second and their last but one."""

    west: float
    south: float
    step: float
    columns: int
    rows: int

    @classmethod
    def over(cls, places: Array, height_m: float) -> Lattice:
        """A lattice over places [N, 2] seen from `height_m`.

        Half of that a step, but at least LEAST_STEP_M, and at most MAX_NODES a side.
        """
        low, high = places.min(axis=0), places.max(axis=0)
        step = max(_STEPS_PER_HEIGHT * height_m, LEAST_STEP_M, float((high - low).max()) / (MAX_NODES - 3))
        count = np.maximum(np.ceil((high - low) / step - 1e-9).astype(int), 1)
        first = (low + high) / 2 - count * step / 2 - step
        return cls(float(first[0]), float(first[1]), step, int(count[0]) + 3, int(count[1]) + 3)

    @property
    def nodes(self) -> int:
        """How many coefficients the surface has."""
        return self.columns * self.rows

    def weights_at(self, places: Array) -> Sparse:
        """[N, nodes] sparse weights of the nodes in the surface's height at places [N, 2].

        Beyond the lattice the edge's values go on.
        """
        column, across = self._along(places[:, 0] - self.west, self.columns)
        row, up = self._along(places[:, 1] - self.south, self.rows)
        nodes = row[:, :, None] * self.columns + column[:, None, :]
        weights = up[:, :, None] * across[:, None, :]
        count = len(places)
        return csr_array(
            (weights.reshape(-1), nodes.reshape(-1), np.arange(0, 16 * count + 1, 16)),
            shape=(count, self.nodes),
        )

    @cached_property
    def information(self) -> Array:
        """[nodes, nodes] of the prior: bend, slope and level, each independent with mean 0."""
        lattice = np.arange(self.nodes).reshape(self.rows, self.columns)
        bends = np.concatenate(
            [
                _differences(lattice[:, :-2], lattice[:, 1:-1], lattice[:, 2:], self.nodes),
                _differences(lattice[:-2], lattice[1:-1], lattice[2:], self.nodes),
                _twists(lattice, self.nodes),
            ]
        )
        y, x = np.divmod(np.arange(self.nodes), self.columns)
        level = np.outer(_share(self.rows), _share(self.columns)).ravel()
        arms = [axis - level @ axis for axis in (x, y)]
        slopes = [level * arm / (level @ arm**2) / self.step for arm in arms]
        rows = np.vstack(
            [
                bends / (BEND_ERROR * self.step**2),
                np.array(slopes) / SLOPE_ERROR,
                level / LEVEL_ERROR_M,
            ]
        )
        return np.asarray(rows.T @ rows)

    def _along(self, distance: Array, count: int) -> tuple[Index, Array]:
        """[N, 4] nodes each and their weights (uniform cubic B-spline)."""
        place = np.clip(distance / self.step, 1.0, count - 2.0)
        first = np.minimum(place.astype(np.intp), count - 3)
        t = place - first
        s = 1 - t
        weight = np.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], axis=1) / 6
        return first[:, None] - 1 + np.arange(4), weight


def _share(count: int) -> Array:
    """[count] of the mean of a cubic spline between its second node and its last but one, by its nodes.

    Of the mean of all nodes little could be said: those outside are held by hardly any point, and could make up for
    whatever level the field has. A cell's integral is shared by four nodes: 1, 11, 11, 1 twenty-fourths.
    """
    share = np.zeros(count)
    for node, part in enumerate((1.0, 11.0, 11.0, 1.0)):
        share[node : count - 3 + node] += part
    return np.asarray(share / share.sum())


def _differences(a: Index, b: Index, c: Index, nodes: int) -> Array:
    rows = np.zeros((a.size, nodes))
    number = np.arange(a.size)
    rows[number, a.ravel()], rows[number, b.ravel()], rows[number, c.ravel()] = 1.0, -2.0, 1.0
    return rows


def _twists(lattice: Index, nodes: int) -> Array:
    """Mixed second differences."""
    rows = np.zeros(((lattice.shape[0] - 1) * (lattice.shape[1] - 1), nodes))
    number = np.arange(len(rows))
    for corner, sign in (
        (lattice[1:, 1:], 1.0),
        (lattice[:-1, :-1], 1.0),
        (lattice[1:, :-1], -1.0),
        (lattice[:-1, 1:], -1.0),
    ):
        rows[number, corner.ravel()] = sign
    return rows


@dataclass(frozen=True)
class Surface:
    """Heights in metres above the plane z = 0 of the photos' heights."""

    lattice: Lattice
    nodes: Array
    """[K] coefficients."""
    node_covariance: Array
    """[K, K] m2: the surface itself."""
    scatter_m: float
    """Standard deviation of what is seen (plants, stones) about the surface."""

    def height(self, places: Array) -> Array:
        """[N] height of the surface at places [N, 2] east, north."""
        return np.asarray(self.lattice.weights_at(places) @ self.nodes)


def intersect(
    centres: Array,
    heights: Array,
    tangents: Array,
    surface: tuple[Lattice, NDArray[np.float64]],
    steps: int = 8,
) -> tuple[Array, Array]:
    """Where rays meet a surface: ([N, 2] east north, [N] height).

    `centres` [N, 2], `heights` [N] of the cameras, `tangents` [N, 2] metres east and north for a metre
    down. Fixed-point iteration: its error shrinks by slope x tangent each step (a few hundredths).
    """
    lattice, nodes = surface
    level = np.zeros(len(centres))
    for _step in range(steps):
        places = centres + (heights - level)[:, None] * tangents
        level = np.asarray(lattice.weights_at(places) @ nodes)
    return centres + (heights - level)[:, None] * tangents, level
