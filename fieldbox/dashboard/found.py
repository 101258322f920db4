"""What a page is about, or the answer that there is no such thing."""

from __future__ import annotations

from flask import abort

from fieldbox.dashboard.ports import box
from fieldbox.domain import Field, Survey


def survey_or_404(survey_id: str) -> Survey:
    """The survey of that id."""
    found = box().store.survey(survey_id)
    if found is None:
        abort(404)
    return found


def field_or_404(field_id: int) -> Field:
    """The field of that number."""
    found = box().store.field(field_id)
    if found is None:
        abort(404)
    return found
