"""What the hub is told of a survey: its summary, and an alert where there is a reason for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
import structlog

from fieldbox.config import Config
from fieldbox.deciding import Known, prescribe
from fieldbox.domain import (
    Cover,
    Detection,
    Field,
    FieldMap,
    Flight,
    FlightCheck,
    MessageKind,
    Outgoing,
    Prescription,
    Spraying,
    Survey,
)
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.inference.weeds import NATIVE_GSD_MM
from fieldbox.mapping.comparable import Side, refusal
from fieldbox.storage.rows import FlightRow
from fieldbox.storage.store import Store
from fieldbox.summary.alert import Earlier, alert_of, withdrawal
from fieldbox.summary.v1 import Allowed, Beside, summarise

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Weed:
    """A weed as prescribing wants it (`weedground.Plant`), before it is stored."""

    score: float
    lat: float
    lon: float
    area_cm2: float


@dataclass(frozen=True, eq=False, slots=True)
class Fresh:
    """A survey that was just made, and what it was made of."""

    survey: Survey
    field: Field
    flight: Flight
    grid: FieldMap
    detections: Sequence[Detection]
    plane: GroundPlane


def told_of(config: Config, store: Store, fresh: Fresh) -> list[Outgoing]:
    """The summary, then the alert; without a reason for one, what withdraws an alert of an earlier analysis."""
    survey, field, flight = fresh.survey, fresh.field, fresh.flight
    found = _prescribed(store, fresh)
    allowed = Allowed(config.summary.share_name, config.summary.share_position)
    check = store.checks([flight.id]).get(flight.id)
    body = summarise(survey, field, flight, allowed, Beside(found, check.verdict if check else None))
    alert = alert_of(survey, field, flight, earlier_of(store, survey, flight), found)
    return [
        Outgoing(
            MessageKind.SUMMARY, body, survey.id, subject=f"survey {survey.flight_id} {survey.field_id}"
        ),
        alert or withdrawal(survey, field, flight),
    ]


def _prescribed(store: Store, fresh: Fresh) -> Prescription | None:
    """What is to be sprayed, where somebody told how; None too where it cannot be worked out."""
    how = store.spraying(fresh.field.id)
    if how == Spraying():
        return None
    try:
        return prescribe(Known(fresh.survey, fresh.field, fresh.grid, _weeds(fresh), how))
    except (Rejected, shapely.errors.GEOSException) as error:  # a hard outline must not cost the survey
        log.info("no prescription in the summary", survey=fresh.survey.id, reason=str(error))
        return None


def _weeds(fresh: Fresh) -> list[_Weed]:
    weeds = [one for one in fresh.detections if one.cover is Cover.WEED]
    east, north = np.array([(one.east, one.north) for one in weeds], float).reshape(-1, 2).T
    lat, lon = fresh.plane.to_geographic(east, north)
    return [
        _Weed(one.score, float(lat[number]), float(lon[number]), 1e4 * one.area_m2)
        for number, one in enumerate(weeds)
    ]


def earlier_of(store: Store, survey: Survey, flight: Flight) -> Earlier | None:
    """The survey that counts of the last flight over the same field before this one that it may be compared with."""
    flights = {one.id: one for one in store.flights(survey.field_id)}
    checks = store.checks([*flights, flight.id])
    now = _side(survey, flight, checks)
    sides = [
        _side(one, flights[one.flight_id], checks)
        for one in _that_count(store.surveys(survey.field_id))
        if one.flight_id in flights and one.flight_id != flight.id
    ]
    before = [one for one in sides if _is_before(one, now) and refusal(one, now) is None]
    last = max(before, key=lambda one: one.flown_at or one.survey.made_at.replace(tzinfo=None), default=None)
    return Earlier(last.survey, last.flown_at) if last else None


def _that_count(newest_first: Sequence[Survey]) -> Sequence[Survey]:
    """Of each flight the first."""
    found: dict[str, Survey] = {}
    for one in newest_first:
        found.setdefault(one.flight_id, one)
    return list(found.values())


def _is_before(one: Side, now: Side) -> bool:
    """By the cameras' clocks; where one of them tells none, by when the surveys were made."""
    if one.flown_at and now.flown_at:
        return one.flown_at < now.flown_at
    return one.survey.made_at < now.survey.made_at


def _side(survey: Survey, flight: Flight | FlightRow, checks: Mapping[str, FlightCheck]) -> Side:
    check = checks.get(flight.id)
    return Side(
        survey=survey,
        flown_at=flight.started_at,
        looked_mm=max(10 * survey.gsd_cm, NATIVE_GSD_MM),
        simulated=flight.simulated,
        badly_exposed=check.badly_exposed / check.photos if check and check.photos else None,
    )
