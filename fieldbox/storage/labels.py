"""What people say of single plants, and what is needed to ask them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from fieldbox.domain import (
    Called,
    Camera,
    Cover,
    Label,
    LabelVerdict,
    Opinion,
    PlantSeen,
    Pose,
    Reviewable,
)
from fieldbox.storage.portions import portions
from fieldbox.storage.schema import captures, detections, hotspots, labels, placements, surveys
from fieldbox.storage.surveys import NEWEST_FIRST, number_of

_STANDS = labels.c.undone_at.is_(None)
_IS_WEED = detections.c.cover == Cover.WEED.value
_PART = 2000
_PLAIN = ("pixel_x", "pixel_y", "lat", "lon", "area_cm2", "score", "sure", "release_sha", "by_chance")


def give(
    connection: Connection,
    plant: int,
    verdict: LabelVerdict,
    *,
    who: str,
    act: str,
    by_chance: bool,
    now: datetime,
) -> Label | None:
    """Keep a verdict; None: no such plant is called a weed.

    One that came before by its act stays as it is, undone or not. An earlier one of the same person on the same
    plant is undone.
    """
    known = _one(connection, labels.c.act == act)
    if known is not None:
        return known
    row = connection.execute(_judged(plant)).mappings().one_or_none()
    if row is None:
        return None
    before = (labels.c.detection_id == plant) & (labels.c.who == who) & _STANDS
    connection.execute(update(labels).where(before).values(undone_at=now))
    given = {"verdict": verdict.value, "who": who, "act": act, "by_chance": by_chance, "at": now}
    connection.execute(insert(labels).values(**row, **given))
    return _one(connection, labels.c.act == act)


def undo(connection: Connection, who: str, act: str | None, now: datetime) -> Label | None:
    """Take back a person's own verdict, that of a act or the last one that stands; None: there is none.

    It stays as history. One that is undone already is given back as it is.
    """
    if act is not None:
        found = _one(connection, (labels.c.act == act) & (labels.c.who == who))
    else:
        mine = select(func.max(labels.c.id)).where(labels.c.who == who, _STANDS)
        found = _one(connection, labels.c.id == mine.scalar_subquery())
    if found is None or found.undone_at is not None:
        return found
    connection.execute(update(labels).where(labels.c.id == found.id).values(undone_at=now))
    return _one(connection, labels.c.id == found.id)


def listed(
    connection: Connection,
    *,
    survey_id: str | None = None,
    release_sha: str | None = None,
    since: datetime | None = None,
    who: str | None = None,
    digest: str | None = None,
) -> list[Label]:
    """Verdicts that stand, oldest first, narrowed to a survey, a release, a time, a person, a photo."""
    conditions: list[ColumnElement[bool]] = [_STANDS]
    if survey_id is not None:
        conditions.append(labels.c.survey_number == number_of(connection, survey_id))
    if release_sha is not None:
        conditions.append(labels.c.release_sha == release_sha)
    if since is not None:
        conditions.append(labels.c.at >= since)
    if who is not None:
        conditions.append(labels.c.who == who)
    if digest is not None:
        photo = select(captures.c.id).where(captures.c.digest == digest)
        conditions.append(labels.c.capture_id == photo.scalar_subquery())
    return _labels(connection, *conditions)


def of_plants(connection: Connection, plants: Sequence[int]) -> list[Label]:
    """Verdicts on these plants that stand, oldest first."""
    found = [
        one
        for some in portions(plants)
        for one in _labels(connection, _STANDS, labels.c.detection_id.in_(some))
    ]
    return sorted(found, key=lambda one: one.id)


def opinions(connection: Connection, survey_id: str) -> list[Opinion]:
    """All standing verdicts of a survey. Its index holds all that is asked for."""
    return _opinions(connection, labels.c.survey_number == number_of(connection, survey_id))


def opinions_of(connection: Connection, plants: Sequence[int]) -> list[Opinion]:
    """All standing verdicts on these plants."""
    return [
        one for some in portions(plants) for one in _opinions(connection, labels.c.detection_id.in_(some))
    ]


def _opinions(connection: Connection, those: ColumnElement[bool]) -> list[Opinion]:
    of, verdicts = labels.c, {one.value: one for one in LabelVerdict}
    query = select(of.detection_id, of.who, of.verdict, of.sure, of.by_chance).where(those, _STANDS)
    return [
        Opinion(plant, who, verdicts[verdict], sure, by_chance)
        for plant, who, verdict, sure, by_chance in connection.execute(query)
    ]


def reviewable(
    connection: Connection, field_id: int | None = None, flight_id: str | None = None
) -> list[Reviewable]:
    """Surveys with single weeds that count, of a field, a flight or all, newest first."""
    checked = select(func.count(labels.c.detection_id.distinct())).where(
        labels.c.survey_number == surveys.c.number, _STANDS
    )
    of = surveys.c
    query = select(
        of.id, of.field_id, of.flight_id, of.release, of.release_sha, of.weed_count, checked.scalar_subquery()
    ).order_by(*NEWEST_FIRST)
    if field_id is not None:
        query = query.where(of.field_id == field_id)
    if flight_id is not None:
        query = query.where(of.flight_id == flight_id)
    counting: dict[tuple[str, int], Row[*tuple[Any, ...]]] = {}
    for row in connection.execute(query):
        counting.setdefault((row.flight_id, row.field_id), row)
    return [
        Reviewable(row.id, row.field_id, row.flight_id, row.release, row.release_sha, row[-1])
        for row in counting.values()
        if row.weed_count
    ]


def population(connection: Connection, survey_id: str) -> tuple[int, int]:
    """How many plants of a survey the model calls weeds: sure ones, unsure ones."""
    query = select(detections.c.sure, func.count()).where(
        detections.c.survey_number == number_of(connection, survey_id), _IS_WEED
    )
    counts = {bool(sure): count for sure, count in connection.execute(query.group_by(detections.c.sure))}
    return counts.get(True, 0), counts.get(False, 0)


def called(connection: Connection, survey_id: str) -> Called:
    """All plants of a survey that the model calls weeds."""
    number, of = number_of(connection, survey_id), detections.c
    query = select(of.id, of.sure, of.score, of.area_cm2, of.lat, of.lon, of.capture_id)
    rows = connection.execute(query.where(of.survey_number == number, _IS_WEED).order_by(of.id))
    # In parts: a hundred thousand rows as Python's objects are many times as large.
    parts = [np.array([tuple(row) for row in part], np.float64) for part in rows.partitions(_PART)]
    told = np.concatenate([np.zeros((0, 7)), *parts])
    numbers, photo = np.unique(told[:, 6].astype(np.int64), return_inverse=True)
    spots = select(hotspots.c.lat, hotspots.c.lon).where(hotspots.c.survey_number == number)
    return Called(
        plants=told[:, 0].astype(np.int64),
        sure=told[:, 1] > 0,
        score=told[:, 2],
        area_cm2=told[:, 3],
        lat=told[:, 4],
        lon=told[:, 5],
        photo=photo,
        digests=_digests(connection, numbers.tolist()),
        hotspots=np.array([tuple(row) for row in connection.execute(spots)], np.float64).reshape(-1, 2),
    )


def seen(connection: Connection, plants: Sequence[int]) -> list[PlantSeen]:
    """These plants with what is needed to show them, in the order asked for; such as are no weeds are left out."""
    pose = (placements.c.survey_number == detections.c.survey_number) & (
        placements.c.capture_id == detections.c.capture_id
    )
    query = (
        select(
            detections,
            surveys.c.id.label("survey_id"),
            surveys.c.field_id,
            surveys.c.gsd_cm,
            captures.c.digest,
            captures.c.camera,
            func.coalesce(placements.c.pose, captures.c.pose, type_=captures.c.pose.type).label("pose"),
        )
        .join(surveys, surveys.c.number == detections.c.survey_number)
        .join(captures, captures.c.id == detections.c.capture_id)
        .join(placements, pose, isouter=True)
    )
    found = {
        row.id: _seen(row)
        for some in portions(plants)
        for row in connection.execute(query.where(detections.c.id.in_(some), _IS_WEED))
    }
    return [found[plant] for plant in plants if plant in found]


def _judged(plant: int) -> Any:
    """The columns of a label that its plant tells."""
    of = detections.c
    return (
        select(
            of.id.label("detection_id"),
            *(of.survey_number, of.capture_id, of.pixel_x, of.pixel_y, of.lat, of.lon),
            *(of.area_cm2, of.cover, of.score, of.sure, surveys.c.release_sha),
        )
        .join(surveys, surveys.c.number == of.survey_number)
        .where(of.id == plant, _IS_WEED)
    )


def _digests(connection: Connection, ids: Sequence[int]) -> tuple[str, ...]:
    query = select(captures.c.id, captures.c.digest)
    found = {
        row.id: row.digest
        for some in portions(ids)
        for row in connection.execute(query.where(captures.c.id.in_(some)))
    }
    return tuple(found[one] for one in ids)


def _one(connection: Connection, *conditions: ColumnElement[bool]) -> Label | None:
    return next(iter(_labels(connection, *conditions)), None)


def _labels(connection: Connection, *conditions: ColumnElement[bool]) -> list[Label]:
    query = (
        select(labels, surveys.c.id.label("survey_id"), captures.c.digest)
        .join(surveys, surveys.c.number == labels.c.survey_number)
        .join(captures, captures.c.id == labels.c.capture_id)
        .where(*conditions)
        .order_by(labels.c.id)
    )
    return [_label(row) for row in connection.execute(query)]


def _label(row: Row[*tuple[Any, ...]]) -> Label:
    return Label(
        id=row.id,
        plant=row.detection_id,
        survey_id=row.survey_id,
        digest=row.digest,
        cover=Cover(row.cover),
        verdict=LabelVerdict(row.verdict),
        who=row.who,
        at=row.at,
        undone_at=row.undone_at,
        **{name: getattr(row, name) for name in _PLAIN},
    )


def _seen(row: Row[*tuple[Any, ...]]) -> PlantSeen:
    offsets = np.frombuffer(row.outline, "<f4").reshape(-1, 2).astype(np.float64)
    camera = row.camera and Camera(**{**row.camera, "distortion": tuple(row.camera["distortion"])})
    plain = ("survey_id", "field_id", "score", "sure", "area_cm2", "lat", "lon", "digest", "pixel_x")
    return PlantSeen(
        plant=row.id,
        outline=offsets + np.array([row.lon, row.lat]),
        camera=camera or None,
        pose=Pose(**row.pose) if row.pose else None,
        **{name: getattr(row, name) for name in (*plain, "pixel_y", "gsd_cm")},
    )
