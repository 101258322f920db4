"""Surveys and their hotspots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, type_coerce, update

from fieldbox.domain import CropStand, Hotspot, Interval, Ladder, LayerLabel, Quality, Survey, WeedBasis
from fieldbox.i18n import Sentence
from fieldbox.storage.portions import portions
from fieldbox.storage.schema import hotspots, surveys
from fieldbox.storage.types import Json

_COUNTS = func.coalesce(surveys.c.counts_from, surveys.c.made_at)
NEWEST_FIRST = _COUNTS.desc(), surveys.c.number.desc()
"""Order of surveys: the first of a flight is the one that counts."""
_SUFFIX = "_interval95"
_INTERVALS = tuple(each.name for each in fields(Survey) if each.name.endswith(_SUFFIX))
_PLAIN = tuple(each.name for each in fields(Survey) if each.name in surveys.c and each.name != "warnings")


_WITHOUT_OUTLINES = type_coerce(
    func.json_set(surveys.c.quality, "$.holes", func.json("[]"), "$.thin", func.json("[]")), Json()
)


def is_saved(connection: Connection, survey: Survey, plan_key: str, release_sha: str) -> bool:
    """Whether this survey, or one made of the same flight, plan and release, is there."""
    same = or_(surveys.c.id == survey.id, _made_of(survey.flight_id, plan_key, release_sha))
    return connection.execute(select(surveys.c.number).where(same)).first() is not None


def add(connection: Connection, survey: Survey, plan_key: str, release_sha: str) -> int:
    """Add a survey with its hotspots; its number."""
    row = {name: getattr(survey, name) for name in _PLAIN}
    row["layer_label"] = survey.layer_label.value
    row["weed_basis"] = survey.weed_basis.value if survey.weed_basis else None
    row["ladder"] = asdict(survey.ladder) if survey.ladder else None
    row["stand"] = asdict(survey.stand) if survey.stand else None
    row["indices"] = dict(survey.indices) or None
    row["quality"] = asdict(survey.quality) if survey.quality else None
    row["warnings"] = [json.loads(warning.to_json()) for warning in survey.warnings]
    row["intervals"] = {
        name.removesuffix(_SUFFIX): list(map(float, interval))
        for name in _INTERVALS
        if (interval := getattr(survey, name)) is not None
    }
    made = insert(surveys).values(**row, plan_key=plan_key, release_sha=release_sha)
    number = connection.execute(made.returning(surveys.c.number)).scalar_one()
    rows = [{"survey_number": number, **asdict(each)} for each in survey.hotspots]
    if rows:
        connection.execute(insert(hotspots), rows)
    return number


def add_warnings(connection: Connection, survey_id: str, found: Sequence[Sentence]) -> None:
    """Add what a survey does not say yet, before all that it says."""
    known = connection.execute(
        select(surveys.c.warnings).where(surveys.c.id == survey_id)
    ).scalar_one_or_none()
    fresh = [told for one in found if (told := json.loads(one.to_json())) not in (known or [])]
    if known is not None and fresh:
        connection.execute(update(surveys).where(surveys.c.id == survey_id).values(warnings=[*fresh, *known]))


def count_again(connection: Connection, survey_id: str, now: datetime) -> bool:
    """Make a survey the one that counts of its flight; False: it is."""
    survey = by_id(connection, survey_id)
    if survey is None or listed(connection, None, survey.flight_id)[0].id == survey_id:
        return False
    newest = select(func.max(_COUNTS)).where(surveys.c.flight_id == survey.flight_id)
    latest = connection.execute(newest).scalar_one() or survey.made_at
    # The clock of a box without a link may have been ahead, and was put right.
    since = max(now, latest + timedelta(milliseconds=1))
    connection.execute(update(surveys).where(surveys.c.id == survey_id).values(counts_from=since))
    return True


def by_id(connection: Connection, survey_id: str) -> Survey | None:
    """One survey."""
    return next(iter(_read(connection, surveys.c.id == survey_id)), None)


def number_of(connection: Connection, survey_id: str) -> int:
    """The number of a survey; 0: there is none."""
    query = select(surveys.c.number).where(surveys.c.id == survey_id)
    return connection.execute(query).scalar_one_or_none() or 0


def made_of(connection: Connection, flight_id: str, plan_key: str, release_sha: str) -> Survey | None:
    """The survey of this flight, plan and release."""
    return next(iter(_read(connection, _made_of(flight_id, plan_key, release_sha))), None)


def listed(connection: Connection, field_id: int | None, flight_id: str | None) -> list[Survey]:
    """Surveys of a field, of a flight, or all; of each flight the one that counts before the others, newest first."""
    conditions = []
    if field_id is not None:
        conditions.append(surveys.c.field_id == field_id)
    if flight_id is not None:
        conditions.append(surveys.c.flight_id == flight_id)
    return _read(connection, *conditions)


def ids(connection: Connection) -> set[str]:
    """Of all surveys."""
    return set(connection.scalars(select(surveys.c.id)))


def alignments(connection: Connection) -> set[str]:
    """Keys of those that surveys were made with."""
    key = func.json_extract(surveys.c.quality, "$.alignment")
    return set(connection.scalars(select(key).where(surveys.c.quality.is_not(None))))


def counting(connection: Connection, flight_ids: Sequence[str]) -> dict[str, Survey]:
    """Of each of these flights the survey that counts, without the outlines of missed ground: these are most of what is read."""
    found: dict[str, Survey] = {}
    for portion in portions(list(flight_ids)):
        for one in _read(connection, surveys.c.flight_id.in_(portion), outlines=False):
            found.setdefault(one.flight_id, one)
    return found


def _made_of(flight_id: str, plan_key: str, release_sha: str) -> ColumnElement[bool]:
    return (
        (surveys.c.flight_id == flight_id)
        & (surveys.c.plan_key == plan_key)
        & (surveys.c.release_sha == release_sha)
    )


def _read(connection: Connection, *conditions: ColumnElement[bool], outlines: bool = True) -> list[Survey]:
    columns = [one for one in surveys.c if outlines or one.name != "quality"]
    bare = [] if outlines else [_WITHOUT_OUTLINES.label("quality")]
    rows = connection.execute(select(*columns, *bare).where(*conditions).order_by(*NEWEST_FIRST)).all()
    spots: dict[int, list[Hotspot]] = {row.number: [] for row in rows}
    ranked = select(hotspots).order_by(hotspots.c.rank)
    if conditions:
        ranked = ranked.where(hotspots.c.survey_number.in_(select(surveys.c.number).where(*conditions)))
    for number, *values in connection.execute(ranked):
        spots[number].append(Hotspot(*values))
    return [_survey(row, spots[row.number]) for row in rows]


def _survey(row: Row[*tuple[Any, ...]], spots: Sequence[Hotspot]) -> Survey:
    values = {name: getattr(row, name) for name in _PLAIN}
    for name in _INTERVALS:
        bounds = row.intervals.get(name.removesuffix(_SUFFIX))
        values[name] = None if bounds is None else Interval(*bounds)
    values["layer_label"] = LayerLabel(row.layer_label)
    values["weed_basis"] = WeedBasis(row.weed_basis) if row.weed_basis else None
    values["ladder"] = Ladder(**row.ladder) if row.ladder else None
    values["quality"] = _quality(row.quality) if row.quality else None
    values["stand"] = _stand(row.stand) if row.stand else None
    values["indices"] = row.indices or {}
    values["warnings"] = tuple(Sentence(each["t"], each["p"]) for each in row.warnings)
    return Survey(**values, hotspots=tuple(spots))


def _stand(told: dict[str, Any]) -> CropStand:
    bounds = told["per_ha_interval95"]
    return CropStand(**{**told, "per_ha_interval95": Interval(*bounds) if bounds else None})


def _quality(told: dict[str, Any]) -> Quality:
    # An earlier release had only the outer ring of each hole.
    holes = tuple(tuple(ring_of(ring) for ring in (one if _rings(one) else [one])) for one in told["holes"])
    if "bare_pct" not in told:  # an earlier release counted ground that was never to be flown
        return Quality(**{**told, "holes": (), "thin_pct": None})
    thin = tuple(tuple(ring_of(one) for one in patch) for patch in told["thin"])
    return Quality(**{**told, "holes": holes, "thin": thin})


def _rings(patch: Sequence[Any]) -> bool:
    """Whether this is a list of rings, and not one of points."""
    return bool(patch) and isinstance(patch[0][0], list)


def ring_of(points: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    """A ring of (lon, lat) as it was kept."""
    return tuple((lon, lat) for lon, lat in points)
