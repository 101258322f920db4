"""The page of a flight: what came in, what did not, how far the work is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import quality, words
from fieldbox.dashboard.checks import checked
from fieldbox.dashboard.deeds import flights as deeds
from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import box

flights = Blueprint("flights", __name__)
Page = str | Response


@flights.get("/flights/<flight_id>")
def show(flight_id: str) -> Page:
    """What came in with a flight, what did not, and how far the work is."""
    return render_template("flight.html", **_flight_view(flight_id))


@flights.get("/flights/<flight_id>/now")
def part(flight_id: str) -> Page:
    """The moving part of a flight's page."""
    return render_template("parts/flight.html", **_flight_view(flight_id))


@flights.post("/flights/<flight_id>/pin")
def pin(flight_id: str) -> Page:
    """Keep the photos of a flight, or let them go when room is needed."""
    pinned = request.form.get("pinned") == "1"
    deeds.pin(current_user.name, flight_id, pinned)
    flash(
        say("The photos of this flight are kept.")
        if pinned
        else say("The photos of this flight may make room now.")
    )
    return redirect(url_for("flights.show", flight_id=flight_id))


def _flight_view(flight_id: str) -> dict[str, Any]:
    store = box().store
    found = store.flight(flight_id)
    if found is None:
        abort(404)
    field = store.field(found.field_id) if found.field_id is not None else None
    surveys = store.surveys(flight_id=flight_id)
    # A list may have placed what the photo's own tags do not.
    known = {one.digest for one in store.placements(surveys[0].id)} if surveys else set()
    missing = [one for one in found.captures if one.pose is None and one.digest not in known]
    refused = store.refused_lists(flight_id)
    told = {(one.name, str(one.reason)) for one in refused}
    rejected = [
        one for one in store.rejections(flight_id=flight_id) if (one.name, str(one.reason)) not in told
    ]
    return {
        "flight": found,
        "placed": len(found.captures) - len(missing),
        "job": store.job_for_flight(flight_id),
        "field": field,
        "surveys": surveys,
        "kept": store.kept(flight_id),
        "check": checked(check) if (check := store.checks([flight_id]).get(flight_id)) else None,
        "judgements": {each.id: quality.judge(each) for each in surveys},
        "refused": words.not_used(refused),
        "rejected": words.by_reason(rejected),
        "unplaced": words.unplaced(missing),
    }
