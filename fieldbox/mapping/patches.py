"""Patches of ground (rings of longitude and latitude) as polygons."""

from __future__ import annotations

from collections.abc import Iterable

import shapely
from pyproj import Geod

from fieldbox.domain import KeepOff, Patch
from fieldbox.mapping.export import oriented
from fieldbox.mapping.geo import LocalPlane

_GEOD = Geod(ellps="WGS84")


def polygon(patch: Patch) -> shapely.Polygon:
    """In degrees, as a patch lies on the globe."""
    return oriented(patch[0], patch[1:])


def area_m2(shape: shapely.Geometry) -> float:
    """Geodesic, on the ellipsoid of WGS 84."""
    return abs(float(_GEOD.geometry_area_perimeter(shape)[0]))


def plane_of(field: shapely.Geometry) -> LocalPlane:
    """With its origin in the middle of a field."""
    west, south, east, north = field.bounds
    return LocalPlane((west + east) / 2, (south + north) / 2)


def on_plane(plane: LocalPlane, shape: shapely.Geometry) -> shapely.Geometry:
    """A shape in degrees as one in metres."""
    return shapely.transform(shape, plane.to_ground)


def kept_off(plane: LocalPlane, keep_off: Iterable[KeepOff]) -> shapely.Geometry:
    """Ground that is never to be treated, with its strips, in metres."""
    grounds = [shapely.buffer(on_plane(plane, polygon(one.patch)), one.strip_m) for one in keep_off]
    return shapely.union_all(grounds)
