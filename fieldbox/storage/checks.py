"""How good flights were when they came in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Finding, FlightCheck, Verdict
from fieldbox.i18n import Sentence
from fieldbox.storage.schema import flight_checks
from fieldbox.storage.surveys import ring_of


def save(connection: Connection, flight_id: str, check: FlightCheck, now: datetime) -> None:
    """Keep what was found of a flight, in place of what was found before."""
    values = {"made_at": now, "told": _row(check)}
    row = upsert(flight_checks).values(flight_id=flight_id, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["flight_id"], set_=values))


def of_flights(connection: Connection, flight_ids: Iterable[str]) -> dict[str, FlightCheck]:
    """What was found of these flights, of those that were checked."""
    query = select(flight_checks).where(flight_checks.c.flight_id.in_(list(flight_ids)))
    return {row.flight_id: _check(row.told) for row in connection.execute(query)}


def _row(check: FlightCheck) -> dict[str, Any]:
    started = check.started_at.isoformat() if check.started_at else None
    return asdict(check) | {"started_at": started, "findings": [_finding_row(one) for one in check.findings]}


def _finding_row(one: Finding) -> dict[str, Any]:
    sentences = {"sentence": one.sentence, "because": one.because}
    told = {name: json.loads(each.to_json()) if each else None for name, each in sentences.items()}
    return {"kind": one.kind, "verdict": one.verdict.value, **told}


def _check(told: dict[str, Any]) -> FlightCheck:
    started = datetime.fromisoformat(told["started_at"]) if told["started_at"] else None
    patches = {name: tuple(tuple(map(ring_of, patch)) for patch in told[name]) for name in ("holes", "thin")}
    findings = tuple(_finding(one) for one in told["findings"])
    return FlightCheck(**{**told, **patches, "started_at": started, "findings": findings})


def _finding(told: dict[str, Any]) -> Finding:
    because = _sentence(told["because"]) if told["because"] else None
    return Finding(told["kind"], Verdict(told["verdict"]), _sentence(told["sentence"]), because)


def _sentence(told: dict[str, Any]) -> Sentence:
    return Sentence.from_json(json.dumps(told))
