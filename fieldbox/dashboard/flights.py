"""Flights: the list of them, and the page of each: what came in, what did not, how far the work is, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import flightmap, mapagain, quality, standing, words
from fieldbox.dashboard.beginning import beginning
from fieldbox.dashboard.checks import checked
from fieldbox.dashboard.deeds import flights as deeds
from fieldbox.dashboard.doing import done
from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import box
from fieldbox.domain.messages import KIND_WORDS
from fieldbox.i18n import N_

flights = Blueprint("flights", __name__)
Page = str | Response
PER_PAGE = 20
NO_FIELD = "none"
FILTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "work": (N_("In work or waiting"), ("waiting", "running")),
    "done": (N_("Mapped"), ("done",)),
    "failed": (N_("Stopped"), ("failed",)),
}
"""What the list can be narrowed to: words, and states of jobs."""


@flights.get("/flights")
def all() -> Page:  # noqa: A001  the name of its endpoint
    """All flights, the one flown last first: `?field=` (a number, or none), `?state=` (of FILTERS) and `?page=`."""
    names = {field.id: field.name for field in box().store.fields()}
    field, state = request.args.get("field", ""), request.args.get("state", "")
    if (field and field != NO_FIELD and not _is_known(field, names)) or (state and state not in FILTERS):
        abort(404)
    page = max(1, request.args.get("page", 1, type=int))
    rows, total = box().store.flight_page(
        limit=PER_PAGE,
        offset=(page - 1) * PER_PAGE,
        field_id=int(field) if field.isdecimal() else None,
        placed=False if field == NO_FIELD else None,
        states=FILTERS[state][1] if state else None,
        by_flown=True,
    )
    return render_template(
        "flights.html",
        days=standing.by_day(standing.standings(rows, names)),
        total=total,
        page=page,
        pages=max(1, -(-total // PER_PAGE)),
        names=names,
        field=field,
        state=state,
        filters={key: say(told) for key, (told, _states) in FILTERS.items()},
        begin=beginning(),
    )


@flights.get("/flights/<flight_id>")
def show(flight_id: str) -> Page:
    """What came in with a flight, what did not, and how far the work is."""
    return render_template("flight.html", **_moving(flight_id), **_resting(flight_id))


@flights.get("/flights/<flight_id>/now")
def part(flight_id: str) -> Page:
    """The moving part of a flight's page."""
    return render_template("parts/flight.html", **_moving(flight_id))


@flights.get("/flights/<flight_id>/photos.geojson")
def photos(flight_id: str) -> Response:
    """Where the photos of a flight were taken and what became of each, and the ground that none or few show, as GeoJSON."""
    found = flightmap.features(flight_id)
    if found is None:
        abort(404)
    return found


@flights.post("/flights/<flight_id>/again")
def again(flight_id: str) -> Page:
    """Map a flight once more; `anew`: look at every photo again."""
    anew = request.form.get("anew") == "1"
    return _done(
        flight_id,
        lambda: deeds.again(current_user.name, flight_id, anew=anew),
        N_("The flight is mapped again: it waits for its turn."),
    )


@flights.post("/flights/<flight_id>/stop")
def stop(flight_id: str) -> Page:
    """Stop the work on a flight."""
    return _done(
        flight_id,
        lambda: deeds.stop(current_user.name, flight_id),
        N_("The work on this flight stops, at the latest when the photo in work is done."),
    )


@flights.post("/flights/<flight_id>/pin")
def pin(flight_id: str) -> Page:
    """Keep the photos of a flight, or let them go when room is needed."""
    pinned = request.form.get("pinned") == "1"
    told = (
        N_("The photos of this flight are kept.")
        if pinned
        else N_("The photos of this flight may make room now.")
    )
    return _done(flight_id, lambda: deeds.pin(current_user.name, flight_id, pinned), told)


@flights.get("/flights/<flight_id>/delete")
def ask_delete(flight_id: str) -> Page:
    """What deleting a flight frees, what is lost and what stays."""
    going = box().store.what_goes(flight_id)
    flight = box().store.flight(flight_id)
    if going is None or flight is None:
        abort(404)
    return render_template(
        "delete.html", flight=flight, going=going, kinds=KIND_WORDS, **_of_going(flight_id)
    )


@flights.post("/flights/<flight_id>/delete")
def delete(flight_id: str) -> Page:
    """Delete a flight."""
    here = url_for("flights.ask_delete", flight_id=flight_id)
    if request.form.get("sure") != "1":
        flash(say("Tick the box to say that it may go. Nothing was deleted."), "error")
        return redirect(here)
    told = say("The flight is deleted. Its files go as soon as the box has no flight in work.")
    gone = done(lambda: deeds.delete(current_user.name, flight_id), told)
    return redirect(url_for("flights.all") if gone else here)


def _done(flight_id: str, deed: Callable[[], None], told: str) -> Response:
    """Do it, say so, and go back to the flight."""
    done(deed, say(told))
    return redirect(url_for("flights.show", flight_id=flight_id))


def _is_known(field: str, names: Mapping[int, str]) -> bool:
    return field.isdecimal() and int(field) in names


def _moving(flight_id: str) -> dict[str, Any]:
    """What changes while a flight is worked on."""
    store = box().store
    rows = store.flight_rows([flight_id])
    if not rows:
        abort(404)
    (row,) = rows
    field = store.field(row.field_id) if row.field_id is not None else None
    surveys = store.surveys(flight_id=flight_id)
    return {
        "flight": row,
        "job": row.job,
        "field": field,
        "surveys": surveys,
        "judgements": {each.id: quality.judge(each) for each in surveys},
        "left": standing.times_left().get(flight_id, "") if standing.is_live(row) else "",
        "again": mapagain.outlook(flight_id),
        "can_map": box().beyond.release is not None,
    }


def _resting(flight_id: str) -> dict[str, Any]:
    """What came in, and what did not."""
    store = box().store
    found = store.flight(flight_id)
    if found is None:
        abort(404)
    surveys = store.surveys(flight_id=flight_id)
    # A list may have placed what the photo's own tags do not.
    known = {one.digest for one in store.placements(surveys[0].id)} if surveys else set()
    missing = [one for one in found.captures if one.pose is None and one.digest not in known]
    refused = store.refused_lists(flight_id)
    told = {(one.name, str(one.reason)) for one in refused}
    rejected = [
        one for one in store.rejections(flight_id=flight_id) if (one.name, str(one.reason)) not in told
    ]
    check = store.checks([flight_id]).get(flight_id)
    return {
        "captures": found.captures,
        "placed": len(found.captures) - len(missing),
        "kept": store.kept(flight_id),
        "check": checked(check) if check else None,
        "brought": store.brought(flight_id),
        "refused": words.not_used(refused),
        "rejected": words.by_reason(rejected),
        "unplaced": words.unplaced(missing),
        "map": flightmap.setup(found, surveys[0] if surveys else None, check),
    }


def _of_going(flight_id: str) -> dict[str, Any]:
    store = box().store
    going = store.what_goes(flight_id)
    messages = [store.message(one) for one in going.waiting] if going else []
    return {
        "waiting": [one for one in messages if one],
        "rasters": sum(flightmap.bytes_of(one) for one in going.surveys) if going else 0,
        "made": flightmap.bytes_made(going.captures) if going else 0,
    }
