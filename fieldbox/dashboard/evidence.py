"""The photo behind a spot or a plant."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request

from fieldbox.dashboard import photos
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.ports import box
from fieldbox.domain import Survey

evidence = Blueprint("evidence", __name__)


@evidence.get("/surveys/<survey_id>/hotspots/<int:rank>")
def hotspot(survey_id: str, rank: int) -> str:
    """The photo that shows a hotspot."""
    survey = survey_or_404(survey_id)
    spot = next((each for each in survey.hotspots if each.rank == rank), None)
    if spot is None:
        abort(404)
    return _evidence(survey, digest=spot.digest, x=spot.pixel_x, y=spot.pixel_y, spot=spot)


@evidence.get("/surveys/<survey_id>/look/<digest>")
def look(survey_id: str, digest: str) -> str:
    """The photo that shows a single plant at pixel `x`, `y`."""
    try:
        x, y = (round(float(request.args[name])) for name in ("x", "y"))
    except (KeyError, ValueError, OverflowError):
        abort(400)
    told = {name: request.args.get(name) for name in ("certainty", "health")}
    return _evidence(survey_or_404(survey_id), digest=digest, x=x, y=y, spot=None, **told)


def _evidence(survey: Survey, **shown: Any) -> str:
    template = "parts/evidence.html" if "part" in request.args else "evidence.html"
    removed = photos.removed(box().store.gone_at(shown["digest"]))
    return render_template(template, survey=survey, removed=removed, **shown)
