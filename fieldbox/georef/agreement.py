"""Whether positions that a person gave fit what the photos say of themselves.

A list may name the wrong zone, or latitude where longitude belongs: in India both orders give a place on land,
and no reader of the list alone can tell. The photos' own GPS can, coarse as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median

from fieldbox.georef.control import ControlPoint
from fieldbox.georef.positions import StatedPosition
from fieldbox.i18n import N_, Sentence

Place = tuple[float, float]
"""Latitude, longitude in degrees."""
MAX_APART_M = 100.0
"""A list may well be tens of metres off a plain GPS (height system, datum), not more."""
MAX_CONTROL_AWAY_M = 1_000.0
"""No photo of a field shows a point this far from where the camera was."""
FAR_M = 10_000.0
"""From here on a distance is told in kilometres."""
_METRES_PER_DEGREE = 111_320.0


def list_disagrees(stated: Iterable[StatedPosition], own: Mapping[str, Place]) -> Sentence | None:
    """What is wrong if the list as a whole lies far from the photos' `own` positions (by name); else None."""
    apart = [_metres((one.lat, one.lon), own[one.image]) for one in stated if one.image in own]
    distance = median(apart) if apart else 0.0
    if distance <= MAX_APART_M:
        return None
    if distance > FAR_M:
        template = N_(
            "The list puts the photos {km} km from where their own GPS does: check its projection and the"
            " order of its columns."
        )
        return Sentence(template, {"km": round(distance / 1000)})
    template = N_(
        "The list puts the photos {distance} m from where their own GPS does: check its projection and the"
        " order of its columns."
    )
    return Sentence(template, {"distance": round(distance)})


def control_disagrees(points: Iterable[ControlPoint], own: Iterable[Place]) -> Sentence | None:
    """What is wrong if no control point lies near any of the photos' `own` positions; else None."""
    places = list(own)
    away = [_metres((point.lat, point.lon), place) for point in points for place in places]
    nearest = min(away, default=0.0)
    if nearest <= MAX_CONTROL_AWAY_M:
        return None
    if nearest > FAR_M:
        template = N_(
            "The nearest control point lies {km} km from the photos: check the list's projection and the"
            " order of its columns."
        )
        return Sentence(template, {"km": round(nearest / 1000)})
    template = N_(
        "The nearest control point lies {distance} m from the photos: check the list's projection and the"
        " order of its columns."
    )
    return Sentence(template, {"distance": round(nearest)})


def _metres(a: Place, b: Place) -> float:
    """On a sphere (haversine): good to 0.5 %, at any distance."""
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    across = math.sin(math.radians(a[1] - b[1]) / 2) ** 2 * math.cos(lat_a) * math.cos(lat_b)
    half = math.sqrt(min(1.0, math.sin((lat_a - lat_b) / 2) ** 2 + across))
    return 2 * math.degrees(math.asin(half)) * _METRES_PER_DEGREE
