"""Where the photos of a flight were taken, on a map: what became of each, and what ground was missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from flask import Response, jsonify, url_for

from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.stage import map_words, native_zoom, tiles_of
from fieldbox.domain import Capture, Flight, FlightCheck, Placement, Survey
from fieldbox.i18n import N_, Sentence

Ring = Sequence[tuple[float, float]]


class Became(StrEnum):
    """What became of a photo that has a position."""

    USED = "used"
    """It is on the map, fitted to the others."""
    LOOSE = "loose"
    """It is on the map where its tags put it: it fits no other photo."""
    PLACED = "placed"
    """It has a place, and no map of it was made yet."""
    UNPLACED = "unplaced"
    """It has a position and no place on the map: its height or direction is not known, or it cannot be read."""


BECAME: Mapping[Became, str] = {
    Became.USED: N_("on the map"),
    Became.LOOSE: N_("fits no other photo"),
    Became.PLACED: N_("has a place"),
    Became.UNPLACED: N_("not on the map"),
}


def setup(flight: Flight, survey: Survey | None, check: FlightCheck | None) -> dict[str, Any] | None:
    """What flight.js needs; None: no photo tells where it was taken."""
    positions = _positions(flight.captures)
    spots = [(lat, lon) for _, lat, lon in positions]
    if not spots:
        return None
    store = box().store
    field = store.field(flight.field_id) if flight.field_id is not None else None
    boundary = field.boundary if field else ()
    lats, lons = zip(*spots, *((lat, lon) for lon, lat in boundary), strict=True)
    placed = _placed(survey)
    kinds = {_became(one, placed) for one, _lat, _lon in positions}
    return {
        "bounds": [(min(lats), min(lons)), (max(lats), max(lons))],
        "zoom": {"photo": native_zoom(survey) if survey else None},
        "tiles": tiles_of(survey) if survey else "",
        "boundary": [(lat, lon) for lon, lat in boundary],
        "photos": url_for("flights.photos", flight_id=flight.id),
        "photo": url_for("pictures.photo", digest="DIGEST", v=1),
        "kinds": [(one.value, say(BECAME[one])) for one in Became if one in kinds],
        "words": {
            "hole": say("On no photo"),
            "thin": say("On one or two photos only"),
            "look": say("Look at the photo"),
            **{one.value: say(told) for one, told in BECAME.items()},
            **map_words(),
        },
        "bare": bool(check and check.holes),
        "thin": bool(check and check.thin),
    }


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo that tells where it was taken, and what became of it."""

    digest: str
    name: str
    lat: float
    lon: float
    became: Became
    why: Sentence | None
    """Why it has no place."""


def shot(flight: Flight) -> list[Shot]:
    """The photos of a flight that tell where they were taken."""
    survey = next(iter(box().store.surveys(flight_id=flight.id)), None)
    placed = _placed(survey)
    return [_shot(one, lat, lon, placed) for one, lat, lon in _positions(flight.captures)]


def features(flight_id: str) -> Response | None:
    """The photos as points, `became` what became of each; ground on no photo (`ground` bare) or few (thin) as polygons."""
    store = box().store
    flight = store.flight(flight_id)
    if flight is None:
        return None
    check = store.checks([flight_id]).get(flight_id)
    found = [_point(one) for one in shot(flight)]
    for name, patches in (("thin", check.thin), ("bare", check.holes)) if check else ():
        found += [_polygon(rings, name) for rings in patches]
    return jsonify(type="FeatureCollection", features=found)


def bytes_of(survey_id: str) -> int:
    """What the pictures of a survey take on the disk."""
    return _sizes((box().root / "rasters" / survey_id).glob("*"))


def bytes_made(digests: Iterable[str]) -> int:
    """What the pictures take that were made of photos."""
    made = box().root / "made"
    endings = (".jpg", ".bands", ".json", ".png")
    return _sizes(made / digest[:2] / f"{digest}{ending}" for digest in digests for ending in endings)


def _sizes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _placed(survey: Survey | None) -> dict[str, Placement] | None:
    """None: there is no map, or none that tells."""
    if survey is None:
        return None
    return {one.digest: one for one in box().store.placements(survey.id)} or None


def _positions(captures: Iterable[Capture]) -> list[tuple[Capture, float, float]]:
    """Those that tell where they were taken, with latitude and longitude."""
    return [(one, one.lat, one.lon) for one in captures if one.lat is not None and one.lon is not None]


def _became(one: Capture, placed: Mapping[str, Placement] | None) -> Became:
    if placed is None:
        return Became.PLACED if one.pose else Became.UNPLACED
    there = placed.get(one.digest)
    if there is None:
        return Became.UNPLACED
    return Became.USED if there.block is not None else Became.LOOSE


def _shot(one: Capture, lat: float, lon: float, placed: Mapping[str, Placement] | None) -> Shot:
    if one.pose:
        lat, lon = one.pose.lat, one.pose.lon
    return Shot(one.digest, one.name, lat, lon, _became(one, placed), one.unplaced)


def _point(one: Shot) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [one.lon, one.lat]},
        "properties": {
            "photo": one.digest,
            "file": one.name,
            "became": one.became.value,
            "why": in_words(one.why) if one.why else None,
        },
    }


def _polygon(rings: Sequence[Ring], ground: str) -> dict[str, Any]:
    closed = [[*map(list, ring), list(ring[0])] for ring in rings if ring]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": closed},
        "properties": {"ground": ground},
    }
