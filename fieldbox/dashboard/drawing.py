"""The page on which somebody draws the outline of a field, and tells in which direction its rows run."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import stage, units
from fieldbox.dashboard.deeds import drawing as deeds
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.language import in_words, number, say
from fieldbox.dashboard.mapagain import Outlook, outlook
from fieldbox.dashboard.outlines import MOST_CORNERS, Ring, corners_in, outline_in, written
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.quality import area_m2
from fieldbox.domain import SQUARE_METRES, Field, Survey
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

drawing = Blueprint("drawing", __name__)
Page = str | Response
HECTARE_M2 = 1e4
DRAWN = {"boundary", "rows", "control"}
"""What a map depends on that is told here."""
AROUND = 0.0006
"""Degrees around a field without a mosaic that its map shows, some 60 m."""
_LATER = N_("It counts from the next flight on, or when you map a flight again.")


@drawing.get("/fields/<int:field_id>/draw")
def show(field_id: int) -> Page:
    """The outline, the direction of the rows, and the way to the control points."""
    found = field_or_404(field_id)
    return _page(found, written(found.boundary))


@drawing.post("/fields/<int:field_id>/boundary")
def keep_boundary(field_id: int) -> Page:
    """Keep an outline: from typed or drawn `corners`, from a `file`, or (`follow`) that of the photos."""
    found, typed = field_or_404(field_id), request.form.get("corners", "")
    try:
        kept = (
            deeds.follow_photos(current_user.name, field_id)
            if "follow" in request.form
            else deeds.outline(current_user.name, field_id, _told(typed))
        )
    except Rejected as error:
        flash(in_words(error.sentence), "error")
        return Response(_page(found, typed or written(found.boundary)), 422)
    if kept == found:
        flash(say("Nothing was changed."))
    else:
        area = units.area(area_m2(kept.boundary) / HECTARE_M2)
        flash(say("The outline is kept: %(area)s.", area=area) + " " + say(_LATER))
    return redirect(url_for("drawing.show", field_id=field_id), 303)


@drawing.post("/fields/<int:field_id>/rows")
def tell_rows(field_id: int) -> Page:
    """Say in which direction the rows run; `degrees` empty, or `found`: as they are found."""
    before = field_or_404(field_id)
    text = "" if "found" in request.form else request.form.get("degrees", "").strip().replace(",", ".")
    try:
        found = deeds.tell_rows(current_user.name, field_id, float(text) if text else None)
    except ValueError:
        flash(say("A direction is a number of degrees from 0 to 180: 0 is north, 90 is east."), "error")
        return redirect(url_for("drawing.show", field_id=field_id), 303)
    except Rejected as error:
        flash(in_words(error.sentence), "error")
        return redirect(url_for("drawing.show", field_id=field_id), 303)
    if found == before:
        flash(say("Nothing was changed."))
    else:
        said = (
            say("The rows run at %(degrees)s°.", degrees=number(found.row_deg, 1))
            if found.row_deg is not None
            else say("The direction of the rows is found from the photos.")
        )
        flash(said + " " + say(_LATER))
    return redirect(url_for("drawing.show", field_id=field_id), 303)


def _told(typed: str) -> Ring:
    """The outline that a form holds: that of a file goes before typed corners."""
    given = request.files.get("file")
    return outline_in(given.read()) if given and given.filename else corners_in(typed)


def _page(field: Field, corners: str) -> str:
    surveys = box().store.surveys(field_id=field.id)
    survey = surveys[0] if surveys else None
    photos = deeds.shown_by_photos(field.id)
    return render_template(
        "drawing.html",
        field=field,
        survey=survey,
        corners=corners,
        most_corners=MOST_CORNERS,
        area=area_m2(field.boundary) / HECTARE_M2,
        photos=written(photos),
        found_deg=survey.stand.direction_deg if survey and survey.stand else None,
        map=_map(field, survey, photos),
        again=_again(field.id),
        points_url=url_for("marking.show", field_id=field.id),
    )


def _map(field: Field, survey: Survey | None, photos: Ring) -> dict[str, Any]:
    """What drawing.js needs."""
    lons, lats = zip(*field.boundary, *photos, strict=True)
    zoom = stage.native_zoom(survey) if survey else None
    wide = AROUND if zoom is None else AROUND / 10
    return {
        "bounds": [(min(lats) - wide, min(lons) - wide), (max(lats) + wide, max(lons) + wide)],
        "zoom": {"photo": zoom},
        "tiles": stage.tiles_of(survey) if survey else "",
        "boundary": [(lat, lon) for lon, lat in field.boundary],
        "photos": [(lat, lon) for lon, lat in photos],
        "rows": {
            "told": field.row_deg,
            "found": survey.stand.direction_deg if survey and survey.stand else None,
        },
        "most": MOST_CORNERS,
        "points": [
            {"at": (one.lat, one.lon), "name": one.name} for one in box().store.control_points(field.id)
        ],
        "area": {"m2": SQUARE_METRES[units.choose()], "name": say(units.SHORT[units.choose()])},
        "words": stage.map_words(),
    }


def _again(field_id: int) -> tuple[str, Outlook] | None:
    """The newest flight of the field that was mapped before something on this page changed, or that is in work."""
    for row in box().store.flights(field_id=field_id):
        found = outlook(row.id)
        if found and (found.live or DRAWN & set(found.changed)):
            return row.id, found
    return None
