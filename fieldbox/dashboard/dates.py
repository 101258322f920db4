"""When fields were flown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fieldbox.dashboard.ports import box
from fieldbox.domain import Survey


def flights_flown(field_id: int) -> dict[str, datetime | None]:
    """When the flights of a field were flown, by the cameras' clocks; None: the photos do not tell."""
    return {row.id: row.started_at for row in box().store.flights(field_id=field_id)}


def flown_on(survey: Survey, flown: Mapping[str, datetime | None]) -> datetime:
    """When the field was flown (the camera's clock); if that is not known, when the survey was made."""
    return flown.get(survey.flight_id) or survey.made_at
