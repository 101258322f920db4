"""What to do about a field: what is sprayed where, what that takes, and the files for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import decidewords, doses, sprayform, stage
from fieldbox.dashboard.dates import flights_flown, flown_on
from fieldbox.dashboard.deeds import fields as deeds
from fieldbox.dashboard.found import field_or_404, survey_or_404
from fieldbox.dashboard.language import current, in_words, say
from fieldbox.dashboard.ports import Decisions, OfferedFile, box
from fieldbox.dashboard.turns import Busy
from fieldbox.domain import Strategy, Survey, Vigour, Zone
from fieldbox.errors import FieldboxError, Rejected
from fieldbox.i18n import N_

deciding = Blueprint("deciding", __name__)
ZONES_SHOWN = 12
_YEAR_S = 365 * 24 * 3600
WAYS: Mapping[Strategy, str] = {
    Strategy.SPOTS: N_("a spot around each weed"),
    Strategy.PATCHES: N_("patches where weeds are dense"),
    Strategy.SWATHS: N_("pieces of the sprayer's swath"),
}
GROUPS: Mapping[str, str] = {
    "print": N_("To print"),
    "walk": N_("To take along"),
    "sprayer": N_("For the sprayer"),
    "map": N_("For a map program"),
}
FOR_PEOPLE = ("print", "walk")
KEPT = N_("Kept. What is sprayed where is worked out with it.")
TITLES: Mapping[str, str] = {
    "dji": N_("DJI spray drone"),
    "isoxml": N_("Tractor terminal (ISOXML)"),
    "shapefile": N_("Shapefile with rates"),
    "qgroundcontrol": N_("QGroundControl plan"),
    "ardupilot": N_("ArduPilot mission"),
    "rates": N_("Picture of rates (GeoTIFF)"),
    "report": N_("Report, 2 pages"),
    "sheet": N_("Sheet for the knapsack crew"),
    "walk-picture": N_("Picture of the walk"),
    "walk-gpx": N_("Walk for a GPS app (GPX)"),
    "walk-kml": N_("Walk for Google Earth (KML)"),
    "zones": N_("Zones (GeoJSON)"),
    "weeds": N_("Single weeds (GeoPackage)"),
}
"""Of files that can be made, by their keys."""


@deciding.get("/surveys/<survey_id>/decide")
def decide(survey_id: str) -> str:
    """What is sprayed where, by this survey."""
    survey, decisions = survey_or_404(survey_id), decisions_or_404()
    store = box().store
    field = store.field(survey.field_id)
    if field is None:
        abort(404)
    how, measures = store.spraying(field.id), doses.chosen()
    found, problem = None, ""
    zones: Sequence[Zone] = ()
    try:
        zones = decisions.vigour(survey_id)
        found = decisions.prescription(survey_id)
    except Busy:
        raise
    except FieldboxError as error:
        problem = in_words(error.sentence)
    return render_template(
        "decide.html",
        survey=survey,
        field=field,
        date=flown_on(survey, flights_flown(field.id)),
        problem=problem,
        found=found,
        map=_map(survey, field.boundary, sprayed=found is not None) if found or zones else None,
        poor=[decidewords.stand(one) for one in zones if one.vigour is Vigour.POOR],
        judged=bool(zones),
        lead=decidewords.lead(found) if found else "",
        notes=decidewords.notes(found, survey) if found else [],
        figures=decidewords.figures(found) if found else [],
        zones=decidewords.lines(found)[:ZONES_SHOWN] if found else [],
        more=max(0, len(decidewords.lines(found)) - ZONES_SHOWN) if found else 0,
        groups=_groups(decisions.files()),
        mixing=decidewords.mixing(found) if found else [],
        form=sprayform.shown(how, measures),
        measures=measures,
        dose_ways=doses.dose_ways(),
        water_ways=doses.water_ways(),
        ways={one.value: say(words_of) for one, words_of in WAYS.items()},
        kept_off=how.keep_off,
    )


@deciding.get("/surveys/<survey_id>/files/<key>")
def file(survey_id: str, key: str) -> Response:
    """A file made of a survey, to be kept."""
    return made_file(survey_id, key)


@deciding.post("/fields/<int:field_id>/spraying")
def spray(field_id: int) -> AnyResponse:
    """Keep how a field is treated."""
    field = field_or_404(field_id)
    before = box().store.spraying(field.id)
    measures = doses.chosen(request.form)
    try:
        how = sprayform.told_in(request.form, before, measures)
    except ValueError:
        flash(say("That cannot be sprayed so: look at the numbers again. Nothing was changed."), "error")
    else:
        deeds.treat(current_user.name, field_id, how)
        flash(say(KEPT))
    answer = _back(field_id)
    for name, value in (("dose_by", measures.dose), ("water_by", measures.water)):
        answer.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="Lax")
    return answer


@deciding.post("/fields/<int:field_id>/keep-off")
def keep_off(field_id: int) -> AnyResponse:
    """Keep the ground in a map file off, beside what is kept off already."""
    sent = request.files.get("file")
    data, name = (sent.read(), sent.filename or "") if sent else (b"", "")
    try:
        deeds.keep_off(current_user.name, field_id, data, name, request.form.get("strip_m", ""))
        flash(say(KEPT))
    except Rejected as error:
        flash(in_words(error.sentence), "error")
    return _back(field_id)


@deciding.post("/fields/<int:field_id>/keep-off/none")
def give_free(field_id: int) -> AnyResponse:
    """Keep no ground off any more."""
    deeds.give_free(current_user.name, field_id)
    flash(say(KEPT))
    return _back(field_id)


def _back(field_id: int) -> AnyResponse:
    back = request.form.get("survey", "")
    if any(one.id == back for one in box().store.surveys(field_id=field_id)):
        return redirect(url_for("deciding.decide", survey_id=back))
    return redirect(url_for("fields.show", field_id=field_id))


# -- the map, the files, the form ------------------------------------------------------------------


def _map(survey: Survey, boundary: tuple[tuple[float, float], ...], *, sprayed: bool) -> dict[str, Any]:
    """What decide.js needs."""
    lons, lats = zip(*boundary, strict=True)
    return {
        "bounds": [(min(lats), min(lons)), (max(lats), max(lons))],
        "zoom": {"photo": stage.native_zoom(survey)},
        "tiles": stage.tiles_of(survey),
        "boundary": [(lat, lon) for lon, lat in boundary],
        "zones": url_for("api.prescription", survey_id=survey.id),
        "sprayed": sprayed,
        "vigour": url_for("api.vigour", survey_id=survey.id),
        "words": {"keptOff": say("Kept off: %(name)s", name="NAME"), **stage.map_words()},
    }


def _groups(files: Sequence[OfferedFile]) -> list[tuple[str, list[tuple[str, str]], bool]]:
    """Titles of groups, in each the files' keys and titles, and whether people read them."""
    found = [
        (
            say(title),
            [(one.key, say(TITLES[one.key])) for one in files if one.group == group],
            group in FOR_PEOPLE,
        )
        for group, title in GROUPS.items()
    ]
    return [one for one in found if one[1]]


def made_file(survey_id: str, key: str) -> Response:
    """A file made of a survey as a download, in the reader's language."""
    survey, decisions = survey_or_404(survey_id), decisions_or_404()
    offered = next((one for one in decisions.files() if one.key == key), None)
    if offered is None:
        abort(404)
    data = decisions.make(survey.id, key, current().language)
    field = box().store.field(survey.field_id)
    name = f"{field.code if field else 'field'}-{survey.id[:6]}-{key}{offered.suffix}"
    answer = Response(data, mimetype="application/octet-stream")
    if offered.suffix == ".pdf":
        answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def decisions_or_404() -> Decisions:
    """What tells it what is to be done, if the box has that."""
    found = box().beyond.decisions
    if found is None:
        abort(404)
    return found
