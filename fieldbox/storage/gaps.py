"""Stretches of crop rows where plants are missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, insert, select

from fieldbox.domain import Gap
from fieldbox.storage.detections import ToGeographic
from fieldbox.storage.rows import StoredGap
from fieldbox.storage.schema import gaps, surveys


def add(
    connection: Connection, survey_number: int, found: Sequence[Gap], to_geographic: ToGeographic
) -> None:
    """Add the gaps of a survey."""
    if not found:
        return
    ends = np.array([(*one.start, *one.end) for one in found], float)
    start_lat, start_lon = to_geographic(ends[:, 0], ends[:, 1])
    end_lat, end_lon = to_geographic(ends[:, 2], ends[:, 3])
    rows = [
        {
            "survey_number": survey_number, "number": number, "missing": one.missing,
            "start_lat": float(start_lat[number]), "start_lon": float(start_lon[number]),
            "end_lat": float(end_lat[number]), "end_lon": float(end_lon[number]),
        }
        for number, one in enumerate(found)
    ]  # fmt: skip
    connection.execute(insert(gaps), rows)


def in_survey(connection: Connection, survey_id: str) -> list[StoredGap]:
    """The gaps of a survey in their order."""
    number = select(surveys.c.number).where(surveys.c.id == survey_id).scalar_subquery()
    query = select(gaps).where(gaps.c.survey_number == number).order_by(gaps.c.number)
    return [
        StoredGap((row.start_lon, row.start_lat), (row.end_lon, row.end_lat), row.missing)
        for row in connection.execute(query)
    ]
