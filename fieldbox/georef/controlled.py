"""Surveyed points as the adjustment takes them: metres in its own frame, marks by the numbers of its photos.

Heights. The adjustment counts heights from the mean ground under the told heights of the photos; a list counts them
from an ellipsoid or a geoid, tens to hundreds of metres lower, by a shift that nobody states. So only differences of
height between points mean anything, but the adjustment takes each known height by itself, with an error of its own:

- The shift cannot be left free by large errors: n points with errors large enough to hide it say nothing of their
  differences either.
- It cannot be taken out by subtracting the points' mean: that would say that the ground at the points is, on
  average, that of the whole flight, which is wrong by metres on a slope, and the focal length would pay for it.

Hence two steps. The first adjustment uses points on the map alone. In its result each point has a height by the photos;
`height_shift` is what the list's heights differ from these by. With it a second adjustment uses heights as well,
which then say how the ground between the points rises and falls, and nothing of where it is as a whole. A survey takes
the first step alone: places on the map hardly gain from the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fieldbox.georef import ties
from fieldbox.georef.arrow import Array
from fieldbox.georef.control import Control, ControlPoint
from fieldbox.georef.ties import Frame

HORIZONTAL_M = 0.02
"""Standard error of a surveyed point on each axis, which no list states: RTK or a total station."""
VERTICAL_M = 0.05
"""The same of its height: RTK is half as good upwards, and the shift is taken from the points themselves."""
MARKED_PX = 1.0
"""What a mark set by hand is good to, on each axis."""
LEAST_HEIGHTS = 3
"""Fewer points tell no slope."""


def control_in_frame(
    control: Control, order: Sequence[str], frame: Frame, *, shift_m: float | None = None
) -> ties.Control:
    """The points of a list, in its order, as the adjustment takes them.

    `order` are the names that the marks give to the photos (their digests, from `fieldbox.given`), in the order of
    the adjustment; marks in others are left out. `shift_m` is subtracted from the list's heights (see the module);
    None: heights are not used.
    """
    numbers = {image: number for number, image in enumerate(order)}
    rows = {point.name: row for row, point in enumerate(control.points)}
    marks = [mark for mark in control.marks if mark.image in numbers and mark.point in rows]
    known, sigma = _known(control.points, frame, shift_m)
    return ties.Control(
        known,
        sigma,
        np.array([numbers[mark.image] for mark in marks], np.intp),
        np.array([rows[mark.point] for mark in marks], np.intp),
        np.array([(mark.x, mark.y) for mark in marks], float).reshape(-1, 2),
        MARKED_PX,
    )


def height_shift(control: Control, adjusted: Array) -> float | None:
    """What the list's heights lie above the adjustment's, in metres: the median over the points.

    `adjusted` [G, 3] are the points in the order of the list as an adjustment without their heights put them, NaN
    where it could not (`Adjusted.control`). None where too few points have both heights.
    """
    heights = _heights(control.points) - adjusted[:, 2]
    found = heights[np.isfinite(heights)]
    return float(np.median(found)) if len(found) >= LEAST_HEIGHTS else None


def _known(points: Sequence[ControlPoint], frame: Frame, shift_m: float | None) -> tuple[Array, Array]:
    """[G, 3] places in the frame and their standard errors, infinite where not used."""
    east, north = frame.plane.to_ground([one.lat for one in points], [one.lon for one in points])
    heights = np.full(len(points), np.nan) if shift_m is None else _heights(points) - shift_m
    known = np.column_stack([frame.to_local(np.column_stack([east, north])), heights])
    sigma = np.array([_horizontal(one) for one in points], float)
    vertical = np.where(np.isfinite(heights), VERTICAL_M, np.inf)
    return known.reshape(-1, 3), np.column_stack([sigma, sigma, vertical]).reshape(-1, 3)


def _heights(points: Sequence[ControlPoint]) -> Array:
    return np.array([np.nan if one.up_m is None else one.up_m for one in points], float)


def _horizontal(point: ControlPoint) -> float:
    """The points of one list share what its datum adds, so for each of them it is an error in full."""
    return math.hypot(HORIZONTAL_M, point.shift_error_m)
