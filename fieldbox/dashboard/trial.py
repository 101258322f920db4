"""The test flight: asked for, watched and deleted with one tap each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard.deeds import starting
from fieldbox.dashboard.doing import done
from fieldbox.dashboard.language import current, say
from fieldbox.dashboard.ports import box

trial = Blueprint("trial", __name__, url_prefix="/start/flight")


@trial.post("/fly")
def fly() -> Response:
    """Ask for a test flight."""
    done(lambda: starting.test_flight(current_user.name, current().language))
    return redirect(url_for("start.step", slug="flight"))


@trial.post("/forget")
def forget() -> Response:
    """Delete the test flight."""
    done(lambda: starting.forget_flight(current_user.name), say("The test flight is deleted."))
    return redirect(url_for("start.step", slug="flight"))


@trial.get("/now")
def now() -> str:
    """The moving part of the page of the test flight."""
    return render_template("parts/testflight.html", **flight_shown())


def flight_shown() -> Mapping[str, Any]:
    """How far the test flight is, and what comes in meanwhile."""
    flights, intake = box().beyond.test_flights, box().beyond.intake
    found = flights.now() if flights else None
    flight_id = found.flight_id if found else None
    surveys = box().store.surveys(flight_id=flight_id) if flight_id else ()
    return {
        "can_fly": flights is not None,
        "test": found,
        "job": box().store.job_for_flight(flight_id) if flight_id else None,
        "survey": surveys[0] if surveys else None,
        "incoming": intake.status() if intake else None,
    }
