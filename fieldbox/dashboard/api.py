"""The JSON API that the pages use. What is not known is null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from fieldbox.dashboard import quality, words
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.ports import DetectionLike, FlightRowLike, GapLike, box
from fieldbox.dashboard.quality import Hole
from fieldbox.domain import Cover, Hotspot, Placement

api = Blueprint("api", __name__, url_prefix="/api")
MOST_WEEDS = 2000
"""Plants, or gaps, in one answer."""
_HOUR = 3600


@api.get("/flights")
def flights() -> Response:
    """All flights, newest first, with the state of their work."""
    return jsonify(flights=[_flight(row) for row in box().store.flights()])


@api.get("/fields")
def fields() -> Response:
    """All fields with the ids of their surveys, newest first."""
    store = box().store
    return jsonify(
        fields=[
            {
                "id": field.id,
                "code": field.code,
                "name": field.name,
                "boundary": field.boundary,
                "drawn": field.drawn,
                "surveys": [survey.id for survey in store.surveys(field_id=field.id)],
            }
            for field in store.fields()
        ]
    )


@api.get("/surveys/<survey_id>")
def survey(survey_id: str) -> Response:
    """The numbers of a survey with their 95 % intervals."""
    found = survey_or_404(survey_id)
    numbers = {
        name: value
        for name, value in asdict(found).items()
        if name not in ("warnings", "hotspots", "made_at")
    }
    return jsonify(
        {
            **numbers,
            "crop_missing_interval95": words.missing_interval(found),
            "made_at": found.made_at.isoformat(),
            "warnings": words.warnings(found),
            "crop_health": words.crop_health(found),
        }
    )


@api.get("/surveys/<survey_id>/hotspots")
def hotspots(survey_id: str) -> Response:
    """The hotspots of a survey as GeoJSON points, worst first."""
    return jsonify(
        type="FeatureCollection", features=[_spot(spot) for spot in survey_or_404(survey_id).hotspots]
    )


@api.get("/surveys/<survey_id>/weeds")
def weeds(survey_id: str) -> Response:
    """Single weeds as GeoJSON polygons, best score first.

    `bbox` is west,south,east,north in degrees, `limit` at most 2000; `truncated` tells of more.
    """
    return _plants(survey_id, Cover.WEED, poor=False)


@api.get("/surveys/<survey_id>/poor")
def poor(survey_id: str) -> Response:
    """Crop plants called stunted or yellowing beside their neighbours (relative), as `weeds` gives weeds."""
    return _plants(survey_id, Cover.CROP, poor=True)


@api.get("/surveys/<survey_id>/gaps")
def gaps(survey_id: str) -> Response:
    """Stretches of crop rows where plants are missing as GeoJSON lines, cut as `weeds` is.

    Empty too where that is not known (`crop_missing` null).
    """
    survey_or_404(survey_id)
    limit, bbox = _limit(), _bbox()
    found = [one for one in box().store.gaps(survey_id) if bbox is None or _meets(one, bbox)]
    return _collection([_gap(one) for one in found[:limit]], len(found) > limit)


@api.get("/surveys/<survey_id>/footprints")
def footprints(survey_id: str) -> Response:
    """The ground that each photo shows as GeoJSON polygons; empty where the photos were never aligned.

    `error_m` is the 95 % radius of a place in the middle of the photo, `aligned` false where it stands as its tags
    tell, for the reason `why`; `doubts` is what of its tags turned out wrong.
    """
    found = survey_or_404(survey_id)
    flight = box().store.flight(found.flight_id)
    names = {one.digest: one.name for one in flight.captures} if flight else {}
    placed = [one for one in box().store.placements(survey_id) if len(one.footprint) >= 3]
    return _collection([_footprint(one, names.get(one.digest)) for one in placed], truncated=False)


@api.get("/surveys/<survey_id>/holes")
def holes(survey_id: str) -> Response:
    """Ground of the field that no photo shows as GeoJSON polygons, the largest first."""
    told = survey_or_404(survey_id).quality
    return _collection([_hole(one) for one in quality.holes(told)] if told else [], truncated=False)


@api.get("/surveys/<survey_id>/thin")
def thin(survey_id: str) -> Response:
    """Ground of the field that only one or two photos show as GeoJSON polygons, the largest first."""
    told = survey_or_404(survey_id).quality
    patches = told.thin if told else ()
    shapes = [{"type": "Feature", "geometry": _polygon(*rings), "properties": {}} for rings in patches]
    return _collection(shapes, truncated=False)


def _plants(survey_id: str, cover: Cover, *, poor: bool) -> Response:
    survey_or_404(survey_id)
    limit = _limit()
    found = box().store.detections(survey_id, bbox=_bbox(), cover=cover, poor=poor, limit=limit + 1)
    return _collection([_plant(each) for each in found[:limit]], len(found) > limit)


def _limit() -> int:
    return min(MOST_WEEDS, max(1, request.args.get("limit", MOST_WEEDS, type=int)))


def _collection(features: list[dict[str, Any]], truncated: bool) -> Response:
    answer = jsonify(type="FeatureCollection", features=features, truncated=truncated)
    answer.headers["Cache-Control"] = f"private, max-age={_HOUR}"
    return answer


def _bbox() -> tuple[float, float, float, float] | None:
    text = request.args.get("bbox")
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        abort(400)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        abort(400)
    return west, south, east, north


def _flight(row: FlightRowLike) -> dict[str, Any]:
    job = row.job
    return {
        "id": row.id,
        "field": row.field_id,
        "name": words.flight_name(row),
        "started_at": row.started_at.isoformat() if row.started_at else None,
        "captures": row.captures,
        "placed": row.placed,
        "simulated": row.simulated,
        "state": job.state if job else None,
        "state_words": words.job_state(job),
        "reason": words.job_reason(job) or None,
        "step": job.step if job else None,
        "done": job.done if job else None,
        "total": job.total if job else None,
    }


def _spot(spot: Hotspot) -> dict[str, Any]:
    numbers = {
        "rank": spot.rank,
        "area_m2": spot.area_m2,
        "weed_cover": spot.weed_cover,
        "weed_count": spot.weed_count,
    }
    seen = {"photo": spot.digest, "x": spot.pixel_x, "y": spot.pixel_y}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [spot.lon, spot.lat]},
        "properties": {**numbers, **seen},
    }


def _meets(gap: GapLike, bbox: tuple[float, float, float, float]) -> bool:
    """Whether the rectangle around a gap meets the box; gaps are short, so that is near enough."""
    west, south, east, north = bbox
    (lon, lat), (other_lon, other_lat) = gap.start, gap.end
    return (
        min(lon, other_lon) <= east
        and max(lon, other_lon) >= west
        and min(lat, other_lat) <= north
        and max(lat, other_lat) >= south
    )


def _gap(gap: GapLike) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [gap.start, gap.end]},
        "properties": {"class": "gap", "missing": gap.missing},
    }


def _footprint(one: Placement, name: str | None) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": _polygon(one.footprint),
        "properties": {
            "photo": one.digest,
            "file": name,
            "aligned": one.block is not None,
            "block": one.block,
            "error_m": round(one.error95_m, 3),
            "moved_m": round(one.moved_m, 3) if one.block is not None else None,
            "residual_px": round(one.residual_px, 2) if one.residual_px is not None else None,
            "ties": one.ties,
            "doubts": one.doubts,
            "why": one.why.value if one.why else None,
        },
    }


def _hole(hole: Hole) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": _polygon(*hole.rings),
        "properties": {"area_m2": round(hole.area_m2, 1)},
    }


def _polygon(
    outer: Sequence[tuple[float, float]], *openings: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """As GeoJSON (RFC 7946) wants it, to a centimetre: closed, counter-clockwise, openings clockwise."""
    rings = [_turning(outer, 1), *(_turning(one, -1) for one in openings)]
    return {"type": "Polygon", "coordinates": rings}


def _turning(ring: Sequence[tuple[float, float]], sense: int) -> list[list[float]]:
    places = [[round(lon, 7), round(lat, 7)] for lon, lat in ring]
    crossed = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(places, places[1:] + places[:1], strict=True))
    ordered = places if sense * crossed > 0 else places[::-1]
    return [*ordered, ordered[0]]


def _plant(plant: DetectionLike) -> dict[str, Any]:
    judged = {"health": plant.health.value if plant.health else None} if plant.cover is Cover.CROP else {}
    # 8 decimals of a degree are about a millimetre: outlines of small weeds keep their shape.
    ring = [[round(float(lon), 8), round(float(lat), 8)] for lon, lat in plant.outline]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]] if ring else []},
        "properties": {
            "class": str(plant.cover),
            "score": round(plant.score, 3),
            "certainty": "sure" if plant.sure else "unsure",
            "area_cm2": round(plant.area_cm2, 1),
            "position_error_m": round(plant.position_error_m, 2),
            "photo": plant.digest,
            "x": round(plant.pixel_x),
            "y": round(plant.pixel_y),
            **judged,
        },
    }
