"""Where a survey's alignment put its photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from fieldbox.domain import NotAligned, Placement, Pose
from fieldbox.storage.schema import captures, placements, surveys

_PLAIN = ("block", "error95_m", "moved_m", "residual_px", "ties")


def add(connection: Connection, survey_number: int, placed: Sequence[Placement]) -> None:
    """Add the placements of a survey, whose captures are there."""
    if not placed:
        return
    numbers = {
        row.digest: row.id
        for one in placed
        for row in connection.execute(
            select(captures.c.id, captures.c.digest).where(captures.c.digest == one.digest)
        )
    }
    rows = [
        {
            **{name: getattr(one, name) for name in _PLAIN},
            "survey_number": survey_number,
            "capture_id": numbers[one.digest],
            "pose": asdict(one.pose),
            "doubts": list(one.doubts),
            "footprint": [list(point) for point in one.footprint],
            "why": one.why.value if one.why else None,
        }
        for one in placed
    ]
    connection.execute(insert(placements), rows)


def in_survey(connection: Connection, survey_id: str) -> list[Placement]:
    """The placements of a survey, in the order in which its photos came to the box."""
    query = (
        select(placements, captures.c.digest)
        .join(captures, captures.c.id == placements.c.capture_id)
        .join(surveys, surveys.c.number == placements.c.survey_number)
        .where(surveys.c.id == survey_id)
        .order_by(placements.c.capture_id)
    )
    return [
        Placement(
            digest=row.digest,
            pose=Pose(**row.pose),
            doubts=tuple(row.doubts),
            footprint=tuple((lon, lat) for lon, lat in row.footprint),
            why=NotAligned(row.why) if row.why else None,
            **{name: getattr(row, name) for name in _PLAIN},
        )
        for row in connection.execute(query)
    ]
