"""When fields were flown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from fieldbox.dashboard.ports import box
from fieldbox.domain import Survey


def flights_flown(field_id: int) -> dict[str, datetime | None]:
    """When the flights of a field were flown, by the cameras' clocks; None: the photos do not tell."""
    return {row.id: row.started_at for row in box().store.flights(field_id=field_id)}


def flown_on(survey: Survey, flown: Mapping[str, datetime | None]) -> datetime:
    """When the field was flown (the camera's clock); if that is not known, when the survey was made."""
    return flown.get(survey.flight_id) or survey.made_at


def by_date(surveys: Iterable[Survey], flown: Mapping[str, datetime | None]) -> list[Survey]:
    """The date that was flown last first, whenever it was mapped; of one flight the map that was made last."""
    # A camera's clock has no zone, and is held against others of its kind as it reads.
    return sorted(
        surveys, key=lambda each: (flown_on(each, flown).replace(tzinfo=None), each.made_at), reverse=True
    )
