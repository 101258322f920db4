"""What to do about a field: what is sprayed where, what that takes, and the files for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import decidewords, sprayform, stage
from fieldbox.dashboard.dates import flights_flown, flown_on
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import current, in_words, say
from fieldbox.dashboard.ports import Decisions, OfferedFile, box
from fieldbox.domain import Patch, Strategy, Survey, Vigour, Zone
from fieldbox.errors import FieldboxError
from fieldbox.i18n import N_

deciding = Blueprint("deciding", __name__)
ZONES_SHOWN = 12
WAYS: Mapping[Strategy, str] = {
    Strategy.SPOTS: N_("a spot around each weed"),
    Strategy.PATCHES: N_("patches where weeds are dense"),
    Strategy.SWATHS: N_("pieces of the sprayer's swath"),
}
GROUPS: Mapping[str, str] = {
    "sprayer": N_("For the sprayer"),
    "print": N_("To print"),
    "walk": N_("To take along"),
    "map": N_("For a map program"),
}
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
    how = store.spraying(field.id)
    found, problem = None, ""
    zones: Sequence[Zone] = ()
    try:
        zones = decisions.vigour(survey_id)
        found = decisions.prescription(survey_id)
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
        form=sprayform.shown(how),
        ways={one.value: say(words_of) for one, words_of in WAYS.items()},
        kept_off=how.keep_off,
    )


@deciding.get("/surveys/<survey_id>/files/<key>")
def file(survey_id: str, key: str) -> Response:
    """A file made of a survey, to be kept."""
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


@deciding.get("/api/surveys/<survey_id>/prescription")
def prescription(survey_id: str) -> Response:
    """What is sprayed where as GeoJSON polygons: zones that are treated, zones that are left, ground that is kept off.

    `treat` tells the first two apart, `kept_off` is the name of the third. Litres and savings stand beside `features`.
    """
    survey_or_404(survey_id)
    found = decisions_or_404().prescription(survey_id)
    zones = [(one.zone, one.rate_l_ha) for one in found.treated] + [(one, 0.0) for one in found.left]
    features = [
        feature(zone.patch, {**_told(zone), "treat": rate > 0, "rate_l_ha": rate}) for zone, rate in zones
    ]
    features += [
        feature(one.patch, {"kept_off": one.name, "strip_m": one.strip_m}) for one in found.spraying.keep_off
    ]
    return jsonify(
        type="FeatureCollection",
        features=features,
        field_m2=found.field_m2,
        strategy=found.strategy,
        coverage=found.coverage,
        assured=found.assured,
        threshold=found.threshold,
        never_pays=found.never_pays,
        needs=asdict(found.needs),
        laid=[asdict(one) for one in found.laid],
    )


@deciding.get("/api/surveys/<survey_id>/vigour")
def vigour(survey_id: str) -> Response:
    """Where the crop stands poorer or better than in the rest of the field (relative, no diagnosis), as GeoJSON polygons.

    `checks` is what a person should look at there.
    """
    survey_or_404(survey_id)
    zones = decisions_or_404().vigour(survey_id)
    checks = [[in_words(cause) for cause in one.causes] for one in zones]
    features = [
        feature(one.patch, {**_told(one), "checks": told}) for one, told in zip(zones, checks, strict=True)
    ]
    return jsonify(type="FeatureCollection", features=features)


@deciding.post("/fields/<int:field_id>/spraying")
def spray(field_id: int) -> AnyResponse:
    """Keep how a field is treated."""
    store = box().store
    field = store.field(field_id)
    if field is None:
        abort(404)
    before = store.spraying(field_id)
    try:
        how = sprayform.told_in(request.form, before)
    except ValueError:
        flash(say("That cannot be sprayed so: look at the numbers again. Nothing was changed."), "error")
    else:
        if how != before:
            store.spray(field_id, how)
            store.audit(current_user.name, "spraying", field.code)
        flash(say("Kept. What is sprayed where is worked out with it."))
    back = request.form.get("survey", "")
    if any(one.id == back for one in store.surveys(field_id=field_id)):
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
        "zones": url_for("deciding.prescription", survey_id=survey.id),
        "sprayed": sprayed,
        "vigour": url_for("deciding.vigour", survey_id=survey.id),
        "words": {"keptOff": say("Kept off: %(name)s", name="NAME"), **stage.map_words()},
    }


def _groups(files: Sequence[OfferedFile]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Titles of groups, and in each the files' keys and titles."""
    found = [
        (say(title), [(one.key, say(TITLES[one.key])) for one in files if one.group == group])
        for group, title in GROUPS.items()
    ]
    return [(title, some) for title, some in found if some]


def feature(patch: Patch, properties: dict[str, Any]) -> dict[str, Any]:
    """A GeoJSON polygon."""
    rings = [[*ring, ring[0]] for ring in patch]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": properties,
    }


def _told(zone: Zone) -> dict[str, Any]:
    told = asdict(zone)
    del told["patch"], told["causes"]
    return told


def decisions_or_404() -> Decisions:
    """What tells it what is to be done, if the box has that."""
    found = box().beyond.decisions
    if found is None:
        abort(404)
    return found
