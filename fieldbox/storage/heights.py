"""Heights of flights whose photos do not state them."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import FlightHeight
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import HeightRow
from fieldbox.storage.schema import flight_heights


def save(connection: Connection, flight_id: str, key: str, told: FlightHeight | Sentence) -> None:
    """Keep what was found of a flight, in place of what was found before."""
    refused = told if isinstance(told, Sentence) else None
    values = {"key": key, "found": None if isinstance(told, Sentence) else asdict(told), "refused": refused}
    row = upsert(flight_heights).values(flight_id=flight_id, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["flight_id"], set_=values))


def of_flight(connection: Connection, flight_id: str) -> HeightRow | None:
    """What was found of a flight; None: it was not looked for."""
    query = select(flight_heights).where(flight_heights.c.flight_id == flight_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return HeightRow(row.key, FlightHeight(**row.found) if row.found else row.refused)
