"""How to fly a field so that a weed of some size can be seen: height, lines, photos, minutes, batteries.

Lines run along the rows, or along the longer side of the field. Photos are taken every (1 - forward overlap) of what one shows
ahead, lines lie (1 - side overlap) of its width apart; the first and last ones outside the field's edge by no more than half
of that. Speed is what keeps a photo's blur below a share of a pixel, its interval above what the camera can, and the drone's
own limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_HEIGHT_M = 5.0
"""Lower, trees, wires and the drone's own wind are in the way."""
TURN_S = 6.0
"""From the end of one line to the beginning of the next, beside the way between them."""
CLIMB_MPS = 3.0
_SPARE = 0.25
"""Of a battery, that is not flown empty."""


@dataclass(frozen=True, slots=True)
class Drone:
    """What flies: its camera, in pixels, and its limits."""

    name: str
    width: int
    height: int
    """Pixels: across the way flown, and along it."""
    focal_px: float
    interval_s: float = 2.0
    """Between two photos, at least."""
    shutter_s: float = 1 / 1000
    speed_mps: float = 10.0
    battery_min: float = 25.0


@dataclass(frozen=True, slots=True)
class Wish:
    """How the field is to be flown."""

    gsd_m: float
    forward: float = 0.75
    side: float = 0.65
    blur_px: float = 0.7
    direction_deg: float | None = None
    """In which lines run, clockwise from grid north; None: along the longer side."""


@dataclass(frozen=True, eq=False, slots=True)
class FlightPlan:
    """A flight over a field."""

    height_m: float
    gsd_m: float
    """At that height: finer than was asked for where the drone may not fly so low."""
    speed_mps: float
    spacing_m: float
    """Between lines."""
    trigger_m: float
    """Between photos."""
    lines: tuple[tuple[tuple[float, float], tuple[float, float]], ...]
    """Begin and end (east, north) of each, in the order in which they are flown."""
    photos: int
    minutes: float
    batteries: int
    direction_deg: float


def plan_flight(ring: Sequence[tuple[float, float]], drone: Drone, wish: Wish) -> FlightPlan:
    """Fly the field with the boundary `ring` (east, north in metres). Raises ValueError for a boundary without an area."""
    field = shapely.Polygon(ring)
    if not field.is_valid:
        field = shapely.make_valid(field)
    if field.area <= 0:
        raise ValueError("the boundary has no area")
    height = max(LEAST_HEIGHT_M, wish.gsd_m * drone.focal_px)
    gsd = height / drone.focal_px
    across, ahead = drone.width * gsd, drone.height * gsd
    spacing, trigger = (1 - wish.side) * across, (1 - wish.forward) * ahead
    speed = min(drone.speed_mps, wish.blur_px * gsd / drone.shutter_s, trigger / drone.interval_s)
    direction = _along(field) if wish.direction_deg is None else wish.direction_deg % 180
    lines = tuple(_lines(field, direction, spacing, across, trigger))
    photos = sum(1 + math.ceil(_length(line) / trigger - 1e-9) for line in lines)
    minutes = _seconds(lines, speed, height, drone.speed_mps) / 60
    batteries = math.ceil(minutes / (drone.battery_min * (1 - _SPARE)))
    return FlightPlan(height, gsd, speed, spacing, trigger, lines, photos, minutes, batteries, direction)


def _along(field: shapely.Geometry) -> float:
    """Direction of the longer side of the smallest rectangle around a field."""
    corners = np.asarray(shapely.minimum_rotated_rectangle(field).exterior.coords)
    sides = np.diff(corners[:3], axis=0)
    east, north = sides[int(np.argmax(np.hypot(*sides.T)))]
    return math.degrees(math.atan2(east, north)) % 180


def _lines(
    field: shapely.Geometry, direction: float, spacing: float, across: float, trigger: float
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """To and fro: each from one photo before the field to one behind it."""
    turn = math.radians(direction)
    along, aside = np.array([math.sin(turn), math.cos(turn)]), np.array([math.cos(turn), -math.sin(turn)])
    corners = shapely.get_coordinates(shapely.convex_hull(field))
    offsets, reach = corners @ aside, corners @ along
    # The outermost lines may lie so far inside that their photos still show the edge with half of themselves to spare.
    first, last = offsets.min() + across / 4, offsets.max() - across / 4
    count = max(1, math.ceil((last - first) / spacing - 1e-9) + 1)
    middle = (first + last) / 2
    for number in range(count):
        offset = middle + (number - (count - 1) / 2) * spacing
        strip = _strip(aside, along, offset, spacing, (reach.min() - trigger, reach.max() + trigger))
        part = shapely.intersection(field, strip)
        if part.is_empty:
            continue
        inside = shapely.get_coordinates(part) @ along
        ends = [
            aside * offset + along * (inside.min() - trigger),
            aside * offset + along * (inside.max() + trigger),
        ]
        begin, end = (tuple(one.tolist()) for one in (ends if number % 2 == 0 else ends[::-1]))
        yield (begin[0], begin[1]), (end[0], end[1])


def _strip(
    aside: Floats, along: Floats, offset: float, width: float, reach: tuple[float, float]
) -> shapely.Polygon:
    corners = ((-1, reach[0]), (1, reach[0]), (1, reach[1]), (-1, reach[1]))
    return shapely.Polygon([aside * (offset + side * width / 2) + along * at for side, at in corners])


def _length(line: tuple[tuple[float, float], tuple[float, float]]) -> float:
    return math.dist(*line)


def _seconds(
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]],
    speed: float,
    height: float,
    fastest: float,
) -> float:
    flown = sum(_length(line) for line in lines) / speed
    between = sum(math.dist(one[1], other[0]) for one, other in pairwise(lines)) / fastest
    return flown + between + TURN_S * max(0, len(lines) - 1) + 2 * height / CLIMB_MPS
