"""The page that tells how well a flight was flown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, url_for

from fieldbox.dashboard import quality, words
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.stage import map_words, native_zoom, tiles_of
from fieldbox.domain import Field, Placement, Survey

flown = Blueprint("flown", __name__)


@flown.get("/surveys/<survey_id>/quality")
def show(survey_id: str) -> str:
    """How well the flight behind a survey was flown, and how well its photos fit together."""
    store, survey = box().store, survey_or_404(survey_id)
    field, flight = store.field(survey.field_id), store.flight(survey.flight_id)
    told, placed = survey.quality, store.placements(survey_id)
    names = {one.digest: one.name for one in flight.captures} if flight else {}
    shown: dict[str, Any] = {}
    if told is not None:
        shown = {
            "holes": quality.holes(told),
            "coverage": quality.coverage(survey, told),
            "fit": quality.fit(survey, told, placed),
            "position": quality.position(told),
            "doubtful": quality.doubtful(placed, names),
            "kept": quality.kept(placed, names),
            "kept_words": quality.kept_in_words(placed),
            "rules": quality.rules(),
            "errors": quality.error_legend(),
            "map": _flown_map(field, survey, placed),
        }
    return render_template(
        "quality.html",
        survey=survey,
        field=field,
        flight=flight,
        judgement=quality.judge(survey),
        refused=words.not_used(store.refused_lists(survey.flight_id)),
        **shown,
    )


def _flown_map(field_: Field | None, survey: Survey, placed: Sequence[Placement]) -> dict[str, Any] | None:
    """What quality.js needs; None if no photo shows any ground."""
    boundary = field_.boundary if field_ else ()
    points = [*boundary, *(point for one in placed for point in one.footprint)]
    if not placed or not points:
        return None
    lons, lats = zip(*points, strict=True)
    return {
        "bounds": [(min(lats), min(lons)), (max(lats), max(lons))],
        "zoom": {"photo": native_zoom(survey)},
        "tiles": tiles_of(survey),
        "boundary": [(lat, lon) for lon, lat in boundary],
        "footprints": url_for("api.footprints", survey_id=survey.id),
        "holes": url_for("api.holes", survey_id=survey.id),
        "thin": url_for("api.thin", survey_id=survey.id),
        "photo": url_for("pictures.photo", digest="DIGEST", v=1),
        "errors": {"ends": quality.ERROR_CLASSES, "colours": quality.ERROR_COLOURS},
        "words": {
            "place": say("Its place is right to ± %(error)s m.", error="NUM"),
            "moved": say("It was moved by %(moved)s m.", moved="NUM"),
            "loose": say("It fits no other photo: it stands where the drone or a list put it."),
            "hole": say("%(area)s m² on no photo", area="NUM"),
            "thin": say("On one or two photos only"),
            "look": say("Look at the photo"),
            "doubts": quality.all_doubts(),
            "why": quality.all_reasons(),
            **map_words(),
        },
    }
