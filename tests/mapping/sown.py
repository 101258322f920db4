"""Fields sown along any lines, with the truth of which plant stands in which row, and where one is missing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.mapping.rows import Rows

Floats = NDArray[np.float64]
HERE = np.array([586_000.0, 2_051_000.0])
"""UTM coordinates are large numbers: rows must not drown in their rounding."""


@dataclass(frozen=True, eq=False)
class Sown:
    """Places [N, 2] of plants, the row [N] of each, and places [M, 2] where none came up."""

    places: Floats
    row: NDArray[np.int64]
    holes: Floats


def sow(
    lines: Sequence[Floats], seed: int, *, in_row: float = 0.35, emergence: float = 0.8, noise: float = 0.02
) -> Sown:
    """Plants along polylines [K, 2]."""
    rng = np.random.default_rng(seed)
    places, rows, holes = [], [], []
    for number, line in enumerate(lines):
        length = np.r_[0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
        at = np.arange(rng.uniform(0, in_row), length[-1], in_row)
        at = at + rng.normal(0, 0.1 * in_row, at.size)
        spots = np.column_stack([np.interp(at, length, line[:, axis]) for axis in (0, 1)])
        spots += rng.normal(0, noise, spots.shape) + HERE
        up = rng.random(at.size) < emergence
        places.append(spots[up])
        holes.append(spots[~up])
        rows.append(np.full(int(up.sum()), number))
    return Sown(np.concatenate(places), np.concatenate(rows), np.concatenate(holes))


def strewn(sown: Sown, share: float, seed: int) -> Floats:
    """[K, 2] weeds anywhere in the field, so many that they are this share of all plants."""
    rng = np.random.default_rng(seed)
    low, high = sown.places.min(axis=0), sown.places.max(axis=0)
    return rng.uniform(low, high, (round(share / (1 - share) * len(sown.places)), 2))


def straight(direction: float, spacing: float, size: tuple[float, float] = (24.0, 16.0)) -> list[Floats]:
    """Parallel lines over a rectangle; `direction` clockwise from north."""
    turn = math.radians(direction)
    along, across = np.array([math.sin(turn), math.cos(turn)]), np.array([math.cos(turn), -math.sin(turn)])
    reach = math.hypot(*size) / 2
    ahead = np.linspace(-reach, reach, 400)[:, None] * along
    every = [ahead + offset * across for offset in np.arange(-reach, reach, spacing)]
    return [part for line in every for part in _within(line, np.array(size) / 2)]


def _within(line: Floats, half: Floats) -> Iterator[Floats]:
    """The pieces of a line in a rectangle around the origin."""
    inside = (np.abs(line) < half).all(axis=1)
    for part in np.split(np.arange(len(line)), np.flatnonzero(np.diff(inside)) + 1):
        if inside[part[0]] and len(part) > 5:
            yield line[part]


def circles(inner: float, outer: float, spacing: float) -> list[Floats]:
    """As under a pivot."""
    turn = np.linspace(0, 2 * math.pi, 3000)
    return [
        radius * np.column_stack([np.cos(turn), np.sin(turn)]) for radius in np.arange(inner, outer, spacing)
    ]


def terraces(seed: int, *, tall: float = 7.5, spacing: float = 0.75, bow: float = 5.0) -> list[Floats]:
    """Strips along the contours of a slope, each sown from its own edge, with bare banks between them."""
    rng = np.random.default_rng(seed)
    half = np.array([30.0, 20.0])
    east = np.linspace(-half[0], half[0], 600)
    contour = bow * np.sin(2 * math.pi * east / 70 + 0.4)
    lines: list[Floats] = []
    for edge in np.arange(-half[1] - 2 * bow, half[1] + 2 * bow, tall):
        first = edge + rng.uniform(0, spacing)
        for number in range(int(tall / spacing) - 1):
            lines += _within(np.column_stack([east, contour + first + number * spacing]), half * 1.001)
    return lines


def with_headlands(spacing: float = 0.75, wide: float = 6.0) -> list[Floats]:
    """Rows east to west, and across them at both ends."""
    inner = straight(90.0, spacing, (60.0 - 2 * wide, 40.0))
    end = straight(0.0, spacing, (wide - 0.5, 40.0))
    return inner + [line + np.array([side * (30.0 - wide / 2), 0.0]) for side in (-1, 1) for line in end]


def agreement(rows: Rows, sown: Sown) -> tuple[float, float]:
    """Shares of the plants that are with most of their own row, and of those that are with most of the found one."""
    found = rows.at(sown.places)
    inside = found.plot >= 0
    label = found.plot[inside] * 1_000_000 + found.row[inside]
    return _alike(sown.row[inside], label) * inside.mean(), _alike(label, sown.row[inside]) * inside.mean()


def _alike(group: NDArray[np.int64], label: NDArray[np.int64]) -> float:
    most = sum(np.unique(label[group == one], return_counts=True)[1].max() for one in np.unique(group))
    return float(most / len(group))
