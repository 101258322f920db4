"""The page of a field: its map, its numbers, its hotspots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.routing import BuildError
from werkzeug.wrappers import Response

from fieldbox.dashboard import quality, struck
from fieldbox.dashboard.beginning import beginning
from fieldbox.dashboard.dates import by_date, flights_flown, flown_on
from fieldbox.dashboard.deeds import fields as deeds
from fieldbox.dashboard.fieldmap import map_of
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.layerwords import layers_of
from fieldbox.dashboard.ports import box
from fieldbox.domain import Field, Survey
from fieldbox.errors import Rejected

fields = Blueprint("fields", __name__)
Page = str | Response
OTHER_PAGES: Final = ("drawing.show", "walking.show")


@fields.get("/fields/<int:field_id>")
def show(field_id: int) -> Page:
    """A field: its map, its numbers, its hotspots. `?survey=` chooses the date, `?layer=` what the map is coloured by, `?at=` a
    place (latitude, longitude) to look at; with `?part` only what changes with the date."""
    found = field_or_404(field_id)
    flown = flights_flown(field_id)
    surveys = by_date(box().store.surveys(field_id=field_id), flown)
    survey = _chosen(surveys)
    layers = layers_of(survey) if survey else []
    wanted = request.args.get("layer", "")
    of_flights = Counter(each.flight_id for each in surveys)
    return render_template(
        "parts/field.html" if "part" in request.args else "field.html",
        field=found,
        surveys=surveys,
        survey=survey,
        layers=layers,
        layer=next((one for one in layers if one["key"] == wanted), None),
        dates={each.id: flown_on(each, flown) for each in surveys},
        twice={flight_id for flight_id, many in of_flights.items() if many > 1},
        map=map_of(found, survey, layers) if survey else None,
        at=_place(),
        struck=struck.said(survey.id) if survey else "",
        judgement=quality.judge(survey) if survey else None,
        decides=box().beyond.decisions is not None,
        dates_flown=len(of_flights),
        others=_others(found, survey),
        begin=beginning(),
    )


def _chosen(surveys: Sequence[Survey]) -> Survey | None:
    """The survey that is asked for, else the first. Aborts with 404 for one of another field."""
    wanted = request.args.get("survey")
    if not wanted:
        return surveys[0] if surveys else None
    found = next((each for each in surveys if each.id == wanted), None)
    return found or abort(404)


def _place() -> tuple[float, float] | None:
    """The place that is to be looked at; None where none is told, or none that is one."""
    try:
        lat, lon = (float(part) for part in request.args.get("at", "").split(","))
    except ValueError:
        return None
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _others(field: Field, survey: Survey | None) -> dict[str, str]:
    """Addresses of this field's other pages by their endpoints, of those that this box has."""
    found: dict[str, str] = {}
    for endpoint in OTHER_PAGES:
        if endpoint in current_app.view_functions:
            with suppress(BuildError):
                survey_id = survey.id if survey else None
                found[endpoint] = url_for(endpoint, field_id=field.id, survey_id=survey_id)
    return found


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
