"""What is behind a place on the map: the photos that show it, what the model says, what the layers say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, abort, render_template, request, url_for

from fieldbox.dashboard import cells, photos, plantwords
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import in_words
from fieldbox.dashboard.pictures import GRID, errors_at_hand, raster
from fieldbox.dashboard.ports import DetectionLike, box
from fieldbox.dashboard.turns import Busy
from fieldbox.dashboard.words import Figure
from fieldbox.domain import SeenFrom, Survey
from fieldbox.errors import FieldboxError

evidence = Blueprint("evidence", __name__)
SPANS: Final = (180, 360, 720, 1440, 2880, 5760)
"""How much of a photo can be looked at: sides of the square in its pixels. All of it is one more step."""
SHOWN_PX: Final = 720
REACH_M: Final = 0.3
"""A tap this near to the edge of a plant means the plant."""
_SEARCH_M: Final = 3.0
_DEGREE_M: Final = 111_320.0


@dataclass(frozen=True, slots=True)
class Shot:
    """Where a photo shows a place, and how much of it is looked at."""

    digest: str
    x: float
    y: float
    span: int
    width: int
    height: int
    """Of the whole photo; 0: not known."""

    @property
    def closer(self) -> int | None:
        """The next smaller span."""
        return max((one for one in SPANS if one < self.span), default=None)

    @property
    def wider(self) -> int | None:
        """The next larger span."""
        return min((one for one in SPANS if one > self.span), default=None)


@dataclass(frozen=True, slots=True)
class Views:
    """The photos that show a place, as far as they are on the box."""

    there: Sequence[SeenFrom]
    gone: int
    """Photos that show it, too, but were removed."""
    problem: str
    """Why they are not known; empty: they are."""


@evidence.get("/surveys/<survey_id>/hotspots/<int:rank>")
def hotspot(survey_id: str, rank: int) -> str:
    """A hotspot."""
    survey = survey_or_404(survey_id)
    spot = next((each for each in survey.hotspots if each.rank == rank), None)
    if spot is None:
        abort(404)
    shot = _shot(spot.digest, spot.pixel_x, spot.pixel_y)
    return _evidence(survey, at=(spot.lat, spot.lon), shot=shot, spot=spot)


@evidence.get("/surveys/<survey_id>/look/<digest>")
def look(survey_id: str, digest: str) -> str:
    """A photo at pixel `x`, `y`; with `lat` and `lon` the other photos of that place, too."""
    survey = survey_or_404(survey_id)
    x, y = (round(_asked(name)) for name in ("x", "y"))
    at = _place() if "lat" in request.args else None
    told = {name: request.args.get(name) for name in ("certainty", "health")}
    plant = _plant_at(survey, *at) if at else None
    return _evidence(survey, at=at, shot=_shot(digest, x, y), plant=plant, **told)


@evidence.get("/surveys/<survey_id>/here")
def here(survey_id: str) -> str:
    """What is at `lat`, `lon`: the plant that stands there, or the ground."""
    survey = survey_or_404(survey_id)
    at = _place()
    plant = _plant_at(survey, *at)
    shot = _shot(plant.digest, plant.pixel_x, plant.pixel_y) if plant else None
    return _evidence(survey, at=at, shot=shot, plant=plant)


@evidence.get("/surveys/<survey_id>/views")
def views(survey_id: str) -> str:
    """The photos that show `lat`, `lon`, as a part of a page. `digest`: the one that is looked at already."""
    survey = survey_or_404(survey_id)
    lat, lon = _place()
    shown = request.args.get("digest")
    found = _views(survey, lat, lon)
    first = found.there[0] if found.there and not shown else None
    return render_template(
        "parts/views.html",
        survey=survey,
        part=True,
        at=(lat, lon),
        views=found,
        looked_at=first.digest if first else shown,
        shot=_shot(first.digest, first.x, first.y) if first else None,
        shown_px=SHOWN_PX,
        spans=SPANS,
    )


def _evidence(survey: Survey, *, at: tuple[float, float] | None, shot: Shot | None, **shown: Any) -> str:
    part = "part" in request.args
    # A page that opens over the map asks for the other photos by itself: where they lie is worked out by another process.
    found = _views(survey, *at) if at and not part and box().beyond.views else None
    if shot is None and found and found.there:
        first = found.there[0]
        shot = _shot(first.digest, first.x, first.y)
    plant: DetectionLike | None = shown.pop("plant", None)
    return render_template(
        "parts/evidence.html" if part else "evidence.html",
        survey=survey,
        part=part,
        at=at,
        shot=shot,
        plant=plant,
        told=plantwords.figures(plant) if plant else [],
        removed=photos.removed(box().store.gone_at(shot.digest)) if shot else None,
        cells=_cells(survey, *at) if at else [],
        views=found,
        views_url=url_for("evidence.views", survey_id=survey.id, lat=at[0], lon=at[1]) if at else None,
        can_view=box().beyond.views is not None,
        shown_px=SHOWN_PX,
        spans=SPANS,
        looked_at=shot.digest if shot else None,
        **{"spot": None, "certainty": None, "health": None, **shown},
    )


def _cells(survey: Survey, lat: float, lon: float) -> list[Figure]:
    try:
        return cells.figures_at(survey, raster(survey.id, GRID), (lat, lon), errors_at_hand(survey.id))
    except FieldboxError:
        return []  # The pictures of the map are gone; the photos may be there.


def _views(survey: Survey, lat: float, lon: float) -> Views:
    ask = box().beyond.views
    if ask is None:
        return Views((), 0, "")
    try:
        found = ask(survey.id, lat, lon)
    except Busy:
        raise
    except FieldboxError as error:
        return Views((), 0, in_words(error.sentence))
    there = [one for one in found if photos.is_there(box().root, one.digest)]
    return Views(there, len(found) - len(there), "")


def _shot(digest: str, x: float, y: float) -> Shot:
    span = request.args.get("span", SHOWN_PX, type=int)
    width, height = photos.size_of(box().root, digest)
    return Shot(digest, x, y, max(SPANS[0], min(SPANS[-1], span)), width, height)


def _plant_at(survey: Survey, lat: float, lon: float) -> DetectionLike | None:
    """The plant that stands at a place, or so near that a finger meant it."""
    across = _SEARCH_M / (_DEGREE_M * max(0.01, math.cos(math.radians(lat))))
    along = _SEARCH_M / _DEGREE_M
    box_of = (max(-180, lon - across), max(-90, lat - along), min(180, lon + across), min(90, lat + along))
    found = box().store.detections(survey.id, bbox=box_of)

    def beyond(one: DetectionLike) -> float:
        east = (one.lon - lon) * _DEGREE_M * math.cos(math.radians(lat))
        north = (one.lat - lat) * _DEGREE_M
        return math.hypot(east, north) - math.sqrt(one.area_cm2 / 1e4 / math.pi)

    best = min(found, key=beyond, default=None)
    return best if best is not None and beyond(best) <= REACH_M else None


def _place() -> tuple[float, float]:
    """`lat` and `lon` of the address. Aborts with 400 for no place on the earth."""
    lat, lon = _asked("lat"), _asked("lon")
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        abort(400)
    return lat, lon


def _asked(name: str) -> float:
    try:
        value = float(request.args[name])
    except (KeyError, ValueError):
        abort(400)
    if not abs(value) < 1e6:  # also false for NaN
        abort(400)
    return value
