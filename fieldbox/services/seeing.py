"""Which photos of a flight show a place on the ground, and where in them."""

from __future__ import annotations

import math

import numpy as np

from fieldbox.config import Config
from fieldbox.domain import Flight, SeenFrom, Survey
from fieldbox.errors import Rejected
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_
from fieldbox.services.locating import Found, How, photos_of
from fieldbox.storage.store import Store

MOST = 40
"""Photos in an answer: with much overlap a place is on a few dozen."""


def views_of(config: Config, store: Store, survey: Survey, lat: float, lon: float) -> tuple[SeenFrom, ...]:
    """The photos of the survey's flight that show a place, the one most from above first.

    As the survey's alignment put them, else as their tags tell. Raises Rejected for no place on the earth.
    """
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise Rejected(N_("{lat}, {lon} is no place on the earth."), lat=f"{lat:g}", lon=f"{lon:g}")
    flight = store.flight(survey.flight_id)
    if flight is None:
        return ()
    names = {one.digest: (one.name, one.taken_at) for one in flight.captures}
    found = _placed(config, store, flight, survey)
    seen = []
    for digest, photo in found.photos.items():
        pixel = pixel_of(photo, lat, lon)
        if pixel is None or digest not in names:
            continue
        name, taken_at = names[digest]
        seen.append(
            SeenFrom(
                digest=digest, name=name, taken_at=taken_at, x=pixel[0], y=pixel[1],
                width=photo.camera.width, height=photo.camera.height,
                off_nadir_deg=off_nadir_deg(photo, *pixel),
                error_m=found.error95_m(digest, *pixel), aligned=found.how(digest) is How.ALIGNED,
            )
        )  # fmt: skip
    seen.sort(key=lambda one: (not one.aligned, one.off_nadir_deg, one.name))
    return tuple(seen[:MOST])


def pixel_of(photo: PhotoGeometry, lat: float, lon: float) -> tuple[float, float] | None:
    """The pixel of a photo that shows a place; None: it does not show it."""
    east, north = photo.plane.to_ground(lat, lon)
    x, y = photo.ground_to_pixel([[float(east), float(north)]])[0].tolist()
    inside = -0.5 <= x <= photo.camera.width - 0.5 and -0.5 <= y <= photo.camera.height - 0.5  # false for NaN
    return (x, y) if inside else None


def off_nadir_deg(photo: PhotoGeometry, x: float, y: float) -> float:
    """By how much the line of sight of a pixel leaves the plumb line."""
    ray = np.append(photo.rays([[x, y]])[0], 1.0)
    down = float((photo.axes @ ray)[2] / np.linalg.norm(ray))
    return math.degrees(math.acos(max(-1.0, min(1.0, down))))


def _placed(config: Config, store: Store, flight: Flight, survey: Survey) -> Found:
    """Kept for the next place: a survey's alignment does not change."""
    key = (config.storage.root, survey.id)
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = photos_of(config, store, flight, survey)
    return _LAST[key]


_LAST: dict[tuple[object, str], Found] = {}
"""Of the survey that was asked for last."""
