"""Surveyed points as the adjustment takes them: metres in its own frame, marks by the numbers of its photos.

Their heights are not used. The adjustment counts heights from the mean ground under the told heights of the photos; a
list counts them from an ellipsoid or a geoid, tens to hundreds of metres lower, by a shift that nobody states. Only
differences of height between points mean anything, and they are not worth a second adjustment: places on the map
hardly gain from them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fieldbox.domain import TO_RADIUS95
from fieldbox.georef import ties
from fieldbox.georef.arrow import Array
from fieldbox.georef.control import Control, ControlPoint
from fieldbox.georef.ties import Frame

HORIZONTAL_M = 0.02
"""Standard error of a surveyed point on each axis, where its list does not state it: RTK or a total station."""
MARKED_PX = 1.0
"""What a mark set by hand is good to, on each axis."""


def control_in_frame(control: Control, order: Sequence[str], frame: Frame) -> ties.Control:
    """The points of a list, in its order, as the adjustment takes them.

    `order` are the names that the marks give to the photos (their digests, from `fieldbox.given`), in the order of
    the adjustment; marks in others are left out.
    """
    numbers = {image: number for number, image in enumerate(order)}
    rows = {point.name: row for row, point in enumerate(control.points)}
    marks = [mark for mark in control.marks if mark.image in numbers and mark.point in rows]
    known, sigma = _known(control.points, frame)
    return ties.Control(
        known,
        sigma,
        np.array([numbers[mark.image] for mark in marks], np.intp),
        np.array([rows[mark.point] for mark in marks], np.intp),
        np.array([(mark.x, mark.y) for mark in marks], float).reshape(-1, 2),
        MARKED_PX,
    )


def _known(points: Sequence[ControlPoint], frame: Frame) -> tuple[Array, Array]:
    """[G, 3] places in the frame and their standard errors; heights are not known, their errors infinite."""
    east, north = frame.plane.to_ground([one.lat for one in points], [one.lon for one in points])
    local = frame.to_local(np.column_stack([east, north])).reshape(-1, 2)
    known = np.column_stack([local, np.full(len(points), np.nan)])
    sigma = np.array([_horizontal(one) for one in points], float)
    return known, np.column_stack([sigma, sigma, np.full(len(points), np.inf)])


def _horizontal(point: ControlPoint) -> float:
    """The points of one list share what its datum adds, so for each of them it is an error in full."""
    own = HORIZONTAL_M if point.error95_m is None else point.error95_m / TO_RADIUS95
    return math.hypot(own, point.shift_error_m)
