"""Photos whose heading is told wrong by quarter turns: found without looking at their pixels again.

Points are searched north up as the tags tell it (`imagery.features`), and their descriptors know no turn. A photo told
the wrong way round matches none of its neighbours, and stays where it was told to be. A descriptor is 4 x 4 cells of 8
directions over a square of samples about its point: turned by 90 degrees, cells go to cells and directions to
directions, so the descriptors for the other three headings are permutations of those at hand, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.matching import Pair, Points, match, points_of
from fieldbox.georef.projection import PhotoGeometry

LEAST_PAIRS = 2
"""Neighbours that must agree about a heading: one may be a chance."""
CLEARLY = 3.0
"""Points in common at the heading that is taken, over those at any other."""
_CELLS, _BINS = 4, 8
_QUARTERS = (2, 1, 3)


@dataclass(frozen=True)
class Heading:
    """What a photo was found to have in common with others once it is turned."""

    quarters: int
    """Quarter turns clockwise by which the photo's top is told wrong: 1 to 3."""
    pairs: tuple[Pair, ...]


def turned(descriptors: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    """Descriptors [N, 128] as of the same picture turned clockwise by so many quarters.

    Clockwise, right goes to down: with rows counted downward a cell (row, column) comes from (3 - column, row), and a
    direction (clockwise from right, eighths of a turn) is two further on.
    """
    cells = descriptors.reshape(-1, _CELLS, _CELLS, _BINS)
    moved = np.rot90(cells, -quarters, axes=(1, 2))
    return np.ascontiguousarray(np.roll(moved, 2 * quarters, axis=3)).reshape(-1, _CELLS * _CELLS * _BINS)


def turned_photo(photo: PhotoGeometry, quarters: int) -> PhotoGeometry:
    """The photo with its heading told so many quarters further clockwise."""
    return replace(photo, pose=replace(photo.pose, yaw_deg=(photo.pose.yaw_deg + 90.0 * quarters) % 360.0))


def heading_of(
    number: int,
    photo: PhotoGeometry,
    found: tuple[NDArray[np.float32], NDArray[np.uint8], float],
    others: Sequence[tuple[int, Points]],
) -> Heading | None:
    """The heading, other than told, at which a photo meets others; None if there is none, or more than one.

    `found`: pixels, descriptors and step of the photo's points; `others`: numbers and points of photos around it whose
    own headings are right.
    """
    xy, descriptors, step_px = found
    tried = []
    for quarters in _QUARTERS:
        points = points_of(xy, turned(descriptors, quarters), step_px, turned_photo(photo, quarters))
        pairs = tuple(pair for other in others if (pair := _pair(number, points, *other)))
        tried.append(Heading(quarters, pairs))
    tried.sort(key=_shared, reverse=True)
    best, second = tried[:2]
    if len(best.pairs) < LEAST_PAIRS or _shared(best) < CLEARLY * _shared(second):
        return None
    return best


def _pair(number: int, points: Points, other: int, theirs: Points) -> Pair | None:
    """The lower number first, as everywhere."""
    return match(number, points, other, theirs) if number < other else match(other, theirs, number, points)


def _shared(heading: Heading) -> int:
    return sum(len(pair.of_first) for pair in heading.pairs)
