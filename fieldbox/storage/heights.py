"""What the photos of flights do not state and their pixels were asked for: heights and directions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import FlightHeadings, FlightHeight
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import HeadingsRow, HeightRow
from fieldbox.storage.schema import flight_heights


def save(connection: Connection, flight_id: str, key: str, told: FlightHeight | Sentence) -> None:
    """Keep what was found of a flight's height, in place of what was found before."""
    refused = told if isinstance(told, Sentence) else None
    found = None if isinstance(told, Sentence) else asdict(told)
    _set(connection, flight_id, {"key": key, "found": found, "refused": refused})


def of_flight(connection: Connection, flight_id: str) -> HeightRow | None:
    """What was found of a flight's height; None: it was not looked for."""
    query = select(flight_heights).where(flight_heights.c.flight_id == flight_id)
    row = connection.execute(query).one_or_none()
    if row is None or not row.key:
        return None
    return HeightRow(row.key, FlightHeight(**row.found) if row.found else row.refused)


def save_headings(connection: Connection, flight_id: str, key: str, told: FlightHeadings) -> None:
    """Keep what was found of the directions of a flight's photos, in place of what was found before."""
    why_not = {digest: sentence.to_json() for digest, sentence in told.why_not.items()}
    _set(connection, flight_id, {"headings": {"key": key, "yaws": dict(told.yaws), "why_not": why_not}})


def headings_of(connection: Connection, flight_id: str) -> HeadingsRow | None:
    """What was found of the directions of a flight's photos; None: they were not looked for."""
    query = select(flight_heights.c.headings).where(flight_heights.c.flight_id == flight_id)
    told = connection.execute(query).scalar_one_or_none()
    if told is None:
        return None
    yaws = {digest: (yaw, error) for digest, (yaw, error) in told["yaws"].items()}
    why_not = {digest: Sentence.from_json(text) for digest, text in told["why_not"].items()}
    return HeadingsRow(told["key"], FlightHeadings(yaws, why_not))


def _set(connection: Connection, flight_id: str, values: dict[str, Any]) -> None:
    row = upsert(flight_heights).values(flight_id=flight_id, **{"key": "", **values})
    connection.execute(row.on_conflict_do_update(index_elements=["flight_id"], set_=values))
