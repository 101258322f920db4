"""The few numbers of surveys that lists and cards show: one query for all fields, however many surveys there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from fieldbox.domain import Interval, LayerLabel, WeedBasis
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import SurveyBrief
from fieldbox.storage.schema import flights, hotspots, surveys
from fieldbox.storage.surveys import NEWEST_FIRST

_SHOWN = (
    "id",
    "flight_id",
    "field_id",
    "release",
    "made_at",
    "gsd_cm",
    "weed_cover_pct",
    "weed_count",
    "weed_basis",
    "layer_label",
    "intervals",
    "warnings",
)


def by_field(connection: Connection, depth: int) -> dict[int, list[SurveyBrief]]:
    """Of each field its last `depth` dates, the newest first: of each flight the survey that counts."""
    place = func.row_number().over(partition_by=surveys.c.flight_id, order_by=NEWEST_FIRST)
    counting = select(surveys.c.number, place.label("place")).subquery()
    flown = func.coalesce(flights.c.started_at, surveys.c.made_at)
    date = func.row_number().over(
        partition_by=surveys.c.field_id, order_by=(flown.desc(), surveys.c.number.desc())
    )
    dated = (
        select(surveys.c.number, date.label("date"))
        .join(counting, counting.c.number == surveys.c.number)
        .join(flights, flights.c.id == surveys.c.flight_id)
        .where(counting.c.place == 1)
        .subquery()
    )
    spots = select(func.count()).where(hotspots.c.survey_number == surveys.c.number).scalar_subquery()
    columns = [surveys.c[name] for name in _SHOWN]
    query = (
        select(*columns, flights.c.started_at, flights.c.simulated, spots.label("spots"))
        .join(dated, dated.c.number == surveys.c.number)
        .join(flights, flights.c.id == surveys.c.flight_id)
        .where(dated.c.date <= depth)
        .order_by(surveys.c.field_id, dated.c.date)
    )
    found: dict[int, list[SurveyBrief]] = {}
    for row in connection.execute(query):
        found.setdefault(row.field_id, []).append(_brief(row))
    return found


def _brief(row: Row[*tuple[Any, ...]]) -> SurveyBrief:
    told = row.warnings[0] if row.warnings else None
    return SurveyBrief(
        id=row.id,
        flight_id=row.flight_id,
        field_id=row.field_id,
        release=row.release,
        made_at=row.made_at,
        flown_at=row.started_at,
        simulated=row.simulated,
        gsd_cm=row.gsd_cm,
        weed_cover_pct=row.weed_cover_pct,
        weed_cover_pct_interval95=_interval(row, "weed_cover_pct"),
        weed_count=row.weed_count,
        weed_count_interval95=_interval(row, "weed_count"),
        weed_basis=WeedBasis(row.weed_basis) if row.weed_basis else None,
        layer_label=LayerLabel(row.layer_label),
        spots=row.spots,
        warning=Sentence(told["t"], told["p"]) if told else None,
    )


def _interval(row: Row[*tuple[Any, ...]], name: str) -> Interval | None:
    bounds = row.intervals.get(name)
    return Interval(*bounds) if bounds else None
