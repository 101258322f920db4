"""Outlines of fields as people tell them: typed corners, or a file of a map program. And whether they can be one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np
import shapely

from fieldbox.dashboard.quality import area_m2
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

Ring = tuple[tuple[float, float], ...]
"""Corners (lon, lat), open: the last is not the first once more."""
LARGEST: Final = 1 << 20
"""Of a file, bytes."""
MOST_CORNERS: Final = 500
LEAST_M2, MOST_M2 = 25.0, 1e7
FAR_M: Final = 5000.0
"""A corner farther than this from every photo of the field is a slip of the pen."""
_DEGREE_M: Final = 111_320.0
_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_ODD: Final = N_("The outline crosses itself: move its corners so that no two sides meet.")


def corners_in(text: str) -> Ring:
    """Corners from lines of latitude and longitude. Raises Rejected, with the number of the first line that is none."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return opened([_corner(number, line) for number, line in lines])


def written(ring: Sequence[tuple[float, float]]) -> str:
    """Corners as somebody could have typed them, to a centimetre."""
    return "\n".join(f"{lat:.7f}, {lon:.7f}" for lon, lat in ring)


def outline_in(data: bytes) -> Ring:
    """The largest outline in a GeoJSON or KML file. Raises Rejected for what is neither, or holds none."""
    text = data.decode("utf-8-sig", errors="replace").strip()
    told = _of_kml(text) if text.startswith("<") else _of_geojson(text)
    found = [ring for ring in map(opened, told) if len(ring) >= 3]
    if not found:
        raise Rejected(N_("There is no area in this file: draw one around the field and save it anew."))
    return max(found, key=area_m2)


def require_outline(ring: Ring, photos: Sequence[tuple[float, float]]) -> Ring:
    """The ring, if it can be a field's. `photos`: (lon, lat) of those that show the field. Raises Rejected."""
    if len(ring) < 3:
        raise Rejected(N_("An outline needs three corners or more."))
    if len(ring) > MOST_CORNERS:
        raise Rejected(N_("An outline has at most {most} corners: leave some out."), most=MOST_CORNERS)
    if not shapely.Polygon(_flat(ring)).is_valid:
        raise Rejected(_ODD)
    area = area_m2(ring)
    if area < LEAST_M2:
        raise Rejected(N_("This outline holds less than {least} m²: a field is larger."), least=int(LEAST_M2))
    if area > MOST_M2:
        raise Rejected(
            N_("This outline holds more than {most} ha: draw a smaller one."), most=int(MOST_M2 / 1e4)
        )
    require_near(ring, photos)
    return ring


def around(points: Sequence[tuple[float, float]]) -> Ring:
    """The convex outline of (lon, lat) points; empty where these span no area."""
    hull = shapely.MultiPoint(points).convex_hull
    return tuple(hull.exterior.coords[:-1]) if isinstance(hull, shapely.Polygon) and points else ()


def _corner(number: int, line: str) -> tuple[float, float]:
    # A comma between digits parts decimals only where something else parts the two numbers.
    parts = line.split(";") if ";" in line else re.split(r",\s*|\s+", line.strip())
    parts = [part.strip() for part in parts if part.strip()]
    if len(parts) != 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise Rejected(
            N_("Line {line} is no corner: write latitude and longitude, such as 18.52345, 73.85678."),
            line=number,
        )
    lat, lon = (float(part.replace(",", ".")) for part in parts)
    if abs(lat) > 90 or abs(lon) > 180:
        raise Rejected(
            N_("Line {line} lies nowhere on Earth: latitude goes to 90, longitude to 180."), line=number
        )
    return lon, lat


def opened(ring: Sequence[tuple[float, float]]) -> Ring:
    """Without corners that only say again where the last one was."""
    kept = [corner for number, corner in enumerate(ring) if number == 0 or corner != ring[number - 1]]
    return tuple(kept[:-1] if len(kept) > 1 and kept[0] == kept[-1] else kept)


def _flat(ring: Ring) -> list[tuple[float, float]]:
    lon, lat = ring[0]
    across = _DEGREE_M * math.cos(math.radians(lat))
    return [((x - lon) * across, (y - lat) * _DEGREE_M) for x, y in ring]


def require_near(ring: Ring, photos: Sequence[tuple[float, float]]) -> None:
    """Raise Rejected where a corner lies far from all photos; without photos nothing is far."""
    if not photos:
        return
    scale = np.array([math.cos(math.radians(ring[0][1])), 1.0]) * _DEGREE_M
    apart = (np.array(ring)[:, None, :] - np.array(photos)[None, :, :]) * scale
    far = float(np.hypot(apart[..., 0], apart[..., 1]).min(axis=1).max())
    if not far <= FAR_M:
        raise Rejected(
            N_("This lies {away} km from the photos of the field: look at latitude and longitude."),
            away=round(far / 1000),
        )


# -- files of map programs ---------------------------------------------------------------------------


def _of_geojson(text: str) -> Iterator[list[tuple[float, float]]]:
    try:
        told = json.loads(text)
        yield from [_points(ring) for ring in _rings(told, 0)]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise Rejected(
            N_("This file cannot be read: give a GeoJSON or KML file with the outline of the field.")
        ) from error


def _rings(told: Any, depth: int) -> Iterator[Any]:
    """The outer rings of all areas in it."""
    if not isinstance(told, dict) or depth > 8:
        return
    kind = told.get("type")
    if kind == "Polygon":
        yield told["coordinates"][0]
    elif kind == "MultiPolygon":
        yield from (one[0] for one in told["coordinates"])
    elif kind == "LineString":
        yield told["coordinates"]
    parts = told.get("features") or told.get("geometries") or [told.get("geometry")]
    for part in parts:
        yield from _rings(part, depth + 1)


def _points(ring: Any) -> list[tuple[float, float]]:
    """Raises ValueError for a place that is none."""
    found = [(float(one[0]), float(one[1])) for one in ring]
    if not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in found):
        raise ValueError("not in degrees")
    return found


def _of_kml(text: str) -> Iterator[list[tuple[float, float]]]:
    unread = N_("This file cannot be read: give a GeoJSON or KML file with the outline of the field.")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Rejected(unread)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  without entities it can grow no larger than it is
        outer = [one for one in root.iter() if one.tag.endswith("outerBoundaryIs")] or [root]
        lists = [each.text or "" for one in outer for each in one.iter() if each.tag.endswith("coordinates")]
        yield from [_points([place.split(",") for place in each.split()]) for each in lists]
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Rejected(unread) from error
