"""Areas in a GeoJSON file that somebody gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.mapping.geo import easting_northing
from fieldbox.mapping.patches import mended


def read_areas(path: Path) -> shapely.Geometry:
    """All polygons of a GeoJSON file as one geometry, in longitude and latitude, without those that a prescription leaves.

    Raises Rejected where there are none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        shapes = [shapely.geometry.shape(one) for one in _geometries(document)]
        areas = mended([one for one in shapes if one.geom_type in {"Polygon", "MultiPolygon"}])
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        shapely.errors.ShapelyError,
    ):
        raise _unread(path) from None
    whole = shapely.union_all(areas)
    if whole.is_empty or not _on_earth(whole):
        raise _unread(path)
    return whole


def in_zone(areas: shapely.Geometry, epsg: int) -> shapely.Geometry:
    """The same in the metres of a zone."""
    return shapely.transform(areas, lambda degrees: easting_northing(epsg, degrees))


def _geometries(document: Any) -> Iterator[Any]:
    kind = document["type"]
    if kind == "FeatureCollection":
        for one in document["features"]:
            yield from _geometries(one)
    elif kind == "Feature":
        # Of a prescription that was exported, zones that are left have a `treat` of 0.
        left = (document.get("properties") or {}).get("treat") == 0
        if document["geometry"] is not None and not left:
            yield from _geometries(document["geometry"])
    elif kind == "GeometryCollection":
        for one in document["geometries"]:
            yield from _geometries(one)
    else:
        yield document


def _on_earth(areas: shapely.Geometry) -> bool:
    degrees = shapely.get_coordinates(areas)
    return bool(
        np.isfinite(degrees).all()
        and (np.abs(degrees[:, 0]) <= 180).all()
        and (np.abs(degrees[:, 1]) <= 84).all()
    )


def _unread(path: Path) -> Rejected:
    return Rejected(N_("{file} cannot be read as a GeoJSON with an area."), file=str(path))
