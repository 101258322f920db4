"""Which known field a flight belongs to, and the outline of a flight over no known field."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import shapely
from shapely.geometry import MultiPoint, Polygon

from fieldbox.domain import Field

Ring = tuple[tuple[float, float], ...]
"""(lon, lat) in degrees; open."""
MIN_INSIDE = 0.20
"""Share of the flight's outline that must lie within a field for the flight to be of this field."""
_METRES_PER_DEGREE = 111_320.0


def unwrapped(points: Iterable[tuple[float, float]], about: float | None = None) -> list[tuple[float, float]]:
    """(lon, lat) points with longitudes within 180 degrees of `about` (None: of the first): no step at the date line."""
    given = list(points)
    middle = given[0][0] if about is None and given else about or 0.0
    return [(lon - 360.0 * round((lon - middle) / 360.0), lat) for lon, lat in given]


def hull(points: Iterable[tuple[float, float]], *, margin_m: float = 0.0) -> Ring:
    """The convex outline of (lon, lat) points, widened by `margin_m`; empty without points.

    Points that span no area (a single photo, one flight line without footprints) are widened by at
    least 10 m, so that there always is a piece of land.
    """
    given = unwrapped(points)
    if not given:
        return ()
    scale = math.cos(math.radians(given[0][1]))
    flat = MultiPoint([(lon * scale, lat) for lon, lat in given]).convex_hull
    if flat.area <= 0:
        margin_m = max(margin_m, 10.0)
    widened = flat.buffer(margin_m / _METRES_PER_DEGREE, quad_segs=2) if margin_m else flat
    return tuple((x / scale, y) for x, y in widened.exterior.coords[:-1])


def field_for(outline: Sequence[tuple[float, float]], fields: Iterable[Field]) -> Field | None:
    """The field that covers most of `outline` (a ring of lon, lat), if it covers at least a fifth of it."""
    outline = unwrapped(outline)
    flight = _polygon(outline)
    if flight is None:
        return None
    best, most = None, MIN_INSIDE * flight.area
    for field in fields:
        land = _polygon(unwrapped(field.boundary, outline[0][0]))
        inside = 0.0 if land is None else flight.intersection(land).area
        if inside >= most and inside > 0:
            best, most = field, inside
    return best


def _polygon(ring: Sequence[tuple[float, float]]) -> Any:
    """A valid shape with an area, or None. Shares of areas need no projection at a field's size."""
    if len(ring) < 3:
        return None
    shape = shapely.make_valid(Polygon(ring))
    return shape if shape.area > 0 else None
