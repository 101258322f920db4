"""Patches of ground (rings of longitude and latitude) as polygons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from fieldbox.domain import Hotspot, KeepOff, Patch, Zone
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


def mended(shapes: Sequence[shapely.Geometry]) -> NDArray[np.object_]:
    """Without rings that cross themselves, as somebody may draw them and as rounding makes them of very narrow ground."""
    return np.asarray(shapely.make_valid(np.array(shapes, object), method="structure", keep_collapsed=False))


def with_spots(zones: Sequence[Zone], hotspots: Sequence[Hotspot]) -> tuple[Zone, ...]:
    """Zones with the ranks of the hotspots whose places lie in them."""
    if not zones or not hotspots:
        return tuple(zones)
    places = shapely.points([(one.lon, one.lat) for one in hotspots])
    ranks = np.array([one.rank for one in hotspots])
    return tuple(
        replace(zone, spots=tuple(sorted(ranks[shapely.covers(shape, places)].tolist())))
        for zone, shape in zip(zones, mended([polygon(one.patch) for one in zones]), strict=True)
    )


def on_plane(plane: LocalPlane, shape: shapely.Geometry) -> shapely.Geometry:
    """A shape in degrees as one in metres."""
    return shapely.transform(shape, plane.to_ground)


def kept_off(plane: LocalPlane, keep_off: Iterable[KeepOff]) -> shapely.Geometry:
    """Ground that is never to be treated, with its strips, in metres."""
    told = list(keep_off)
    grounds = mended([on_plane(plane, polygon(one.patch)) for one in told])
    return shapely.union_all(shapely.buffer(grounds, [one.strip_m for one in told]))
