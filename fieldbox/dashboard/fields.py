"""The page of a field: its map, its numbers, its hotspots."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import quality, tiles, words
from fieldbox.dashboard.dates import flights_flown, flown_on
from fieldbox.dashboard.deeds import fields as deeds
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.language import in_words, number, say
from fieldbox.dashboard.layers import LAYERS, Layer, ticks
from fieldbox.dashboard.pictures import GRID, MOSAIC, raster
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.stage import map_words, tiles_of
from fieldbox.domain import Field, Survey, WeedBasis
from fieldbox.errors import Misconfigured, Rejected

fields = Blueprint("fields", __name__)
Page = str | Response
WEED_ZOOM = 20


@fields.get("/fields/<int:field_id>")
def show(field_id: int) -> Page:
    """A field: its map, its numbers, its hotspots. `?survey=` chooses the date."""
    store = box().store
    found = field_or_404(field_id)
    surveys = store.surveys(field_id=field_id)
    wanted = request.args.get("survey")
    survey = (
        next((each for each in surveys if each.id == wanted), None)
        if wanted
        else (surveys[0] if surveys else None)
    )
    if wanted and survey is None:
        abort(404)
    layers = layers_of(survey) if survey else []
    flown = flights_flown(field_id)
    of_flights = Counter(each.flight_id for each in surveys)
    return render_template(
        "field.html",
        field=found,
        surveys=surveys,
        survey=survey,
        layers=layers,
        dates={each.id: flown_on(each, flown) for each in surveys},
        twice={flight_id for flight_id, many in of_flights.items() if many > 1},
        map=_map(found, survey, layers) if survey else None,
        judgement=quality.judge(survey) if survey else None,
        decides=box().beyond.decisions is not None,
        dates_flown=len(of_flights),
    )


@fields.post("/fields/<int:field_id>/name")
def rename(field_id: int) -> Page:
    """Give a field another name."""
    before = field_or_404(field_id)
    try:
        found = deeds.rename(current_user.name, field_id, request.form.get("name", ""))
    except Rejected as error:
        flash(in_words(error.sentence), "error")
    else:
        if found != before:
            flash(say("The field is now called %(name)s.", name=found.name))
    return redirect(url_for("fields.show", field_id=field_id))


@fields.post("/fields/<int:field_id>/crop")
def name_crop(field_id: int) -> Page:
    """Say what grows on a field; nothing: it is not known."""
    before = field_or_404(field_id)
    found = deeds.name_crop(current_user.name, field_id, request.form.get("crop"))
    if found != before:
        crop = found.crop
        flash(say("The crop is now %(crop)s.", crop=crop) if crop else say("The crop is not named now."))
    return redirect(url_for("fields.show", field_id=field_id))


def layers_of(survey: Survey) -> list[dict[str, Any]]:
    """The layers of which this survey knows something, in reading order."""
    return [
        {
            "key": layer.key,
            "title": say(layer.title),
            "unit": say(layer.unit),
            "note": say(layer.note),
            "ticks": [say(end) for end in layer.ends] if layer.ends else ticks(layer, number),
            **(_between_rows() if layer.key == "weed-cover" and survey.weed_basis is WeedBasis.ROWS else {}),
        }
        for layer in LAYERS.values()
        if _is_known(layer, survey)
    ]


def _between_rows() -> dict[str, str]:
    """What the weed layer shows where weeds are called from the rows alone."""
    return {
        "unit": say("% of the ground between the rows"),
        "note": say("Plants between the crop rows. What grows in the rows is not judged."),
    }


def _is_known(layer: Layer, survey: Survey) -> bool:
    needs: dict[str, object] = {
        "weed-cover": survey.weed_cover_pct,
        "weed-density": survey.weed_count,
        "crop-cover": survey.crop_cover_pct,
        "health": survey.health_index,
        "unsure": survey.unsure_pct,
        "ndvi": survey.indices.get("ndvi"),
        "ndre": survey.indices.get("ndre"),
    }
    return needs.get(layer.key, True) is not None


def _map(field_: Field, survey: Survey, layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What map.js needs; None if the pictures of the survey are gone."""
    try:
        extent = tiles.extent(raster(survey.id, MOSAIC))
        grid = tiles.extent(raster(survey.id, GRID))
    except Misconfigured:
        return None
    south_west, north_east = extent.bounds[1::-1], extent.bounds[:1:-1]
    return {
        "bounds": [south_west, north_east],
        "zoom": {
            "photo": extent.native_zoom,
            "grid": min(tiles.MAX_ZOOM, grid.native_zoom + 3),
            "weeds": WEED_ZOOM,
        },
        "tiles": tiles_of(survey),
        "layers": [layer["key"] for layer in layers],
        "boundary": [(lat, lon) for lon, lat in field_.boundary],
        "overlays": {
            "weeds": url_for("api.weeds", survey_id=survey.id) if survey.weed_count is not None else None,
            "poor": url_for("api.poor", survey_id=survey.id) if words.crop_health(survey) else None,
            "gaps": url_for("api.gaps", survey_id=survey.id) if survey.crop_missing else None,
        },
        "look": url_for("evidence.look", survey_id=survey.id, digest="DIGEST"),
        "hotspots": [
            {
                "rank": spot.rank,
                "at": (spot.lat, spot.lon),
                "url": url_for("evidence.hotspot", survey_id=survey.id, rank=spot.rank),
                "title": say("Spot %(rank)s", rank=spot.rank),
            }
            for spot in survey.hotspots
        ],
        "words": {
            "missing": say("Plants missing here: about %(num)s", num="NUM"),
            "zoomIn": say("Zoom in to see single plants."),
            "more": say("Only a part of the plants is drawn here: there are too many. Zoom in further."),
            **map_words(),
        },
    }
