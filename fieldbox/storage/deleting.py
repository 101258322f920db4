"""A flight goes for good: its rows in one transaction, which notes its originals as gone; the files are removed after that.

Photos that another flight shows, or the survey of another flight, stay. What was sent stays as history, without its survey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, union, update
from sqlalchemy.sql.elements import ColumnElement

from fieldbox.domain import FileKind, FileState, MessageState, TextState
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.storage import accounts, audits
from fieldbox.storage.portions import portions
from fieldbox.storage.rows import Going, JobState
from fieldbox.storage.schema import (
    capture_files,
    captures,
    control_marks,
    detection_places,
    detections,
    files,
    flight_checks,
    flight_heights,
    flights,
    gaps,
    given_files,
    glances,
    hotspots,
    ingests,
    jobs,
    labels,
    memberships,
    messages,
    placements,
    refused_lists,
    refused_photos,
    side_files,
    side_photos,
    survey_verdicts,
    surveys,
    texts,
    views,
)

SWEEP = "files.sweep"
"""The setting that tells the worker that there are files to remove: when the last flight was deleted."""
ACTION = "flight deleted"
WITHDRAWN = N_("Its flight was deleted before it was sent.")
MAPPED_NOW = N_("This flight is being mapped: stop that first.")
COPIED_NOW = N_("Photos of this flight are being copied: wait until they are on the box.")
_OF_SURVEYS: Sequence[Table] = (labels, survey_verdicts, hotspots, gaps, placements, detections)
_OF_CAPTURES: Sequence[Table] = (glances, side_photos, refused_photos, control_marks, capture_files)
_ELSEWHERE: Sequence[Table] = (detections, placements, labels)
"""Rows of other flights' surveys that show a capture keep it."""


@dataclass(frozen=True, slots=True)
class _Mine:
    """What belongs to one flight alone."""

    captures: list[int]
    surveys: list[int]
    files: list[int]
    shared: int
    """Captures that stay."""


def what_goes(connection: Connection, flight_id: str) -> Going | None:
    """What deleting a flight would remove, and what stays; None: there is no such flight."""
    if connection.execute(select(flights.c.id).where(flights.c.id == flight_id)).first() is None:
        return None
    mine = _mine(connection, flight_id)
    digests = [
        one
        for portion in portions(mine.captures)
        for one in connection.scalars(select(captures.c.digest).where(captures.c.id.in_(portion)))
    ]
    there = files.c.gone_at.is_(None)
    sizes = [
        one
        for portion in portions(mine.files)
        for one in connection.scalars(select(files.c.size).where(files.c.id.in_(portion), there))
    ]
    return Going(
        flight_id=flight_id,
        captures=tuple(digests),
        shared=mine.shared,
        originals=len(sizes),
        bytes=sum(sizes),
        surveys=tuple(
            connection.scalars(
                select(surveys.c.id).where(surveys.c.number.in_(mine.surveys)).order_by(surveys.c.number)
            )
        ),
        plants=_count(connection, detections, detections.c.survey_number, mine.surveys),
        labels=_count(connection, labels, labels.c.survey_number, mine.surveys, labels.c.undone_at.is_(None)),
        verdicts=_count(connection, survey_verdicts, survey_verdicts.c.survey_number, mine.surveys),
        marks=_count(connection, control_marks, control_marks.c.capture_id, mine.captures),
        rows=_rows(connection, mine, flight_id),
        waiting=tuple(connection.scalars(select(messages.c.id).where(_waits(mine.surveys)))),
        sent=_count(
            connection, messages, messages.c.survey_number, mine.surveys, messages.c.sent_at.is_not(None)
        ),
        held=_held(connection, flight_id),
    )


def remove(connection: Connection, flight_id: str, actor: str, now: datetime) -> Going:
    """Delete a flight; what went.

    Raises Rejected where there is none, or it is being mapped or copied.
    """
    going = what_goes(connection, flight_id)
    if going is None:
        raise Rejected(N_("There is no such flight."))
    if going.held is not None:
        raise Rejected(going.held.template)
    mine = _mine(connection, flight_id)
    _forget_surveys(connection, mine.surveys)
    _forget_views(connection, mine.captures)
    ingest_ids = _ingests(connection, mine.captures)
    lists = _about(connection, side_photos.c.file_id, side_photos.c.capture_id, mine.captures)
    refused = _about(connection, refused_photos.c.list_id, refused_photos.c.capture_id, mine.captures)
    for table in _OF_CAPTURES:
        _delete(connection, table, table.c.capture_id, mine.captures)
    for table in (memberships, flight_heights, flight_checks, jobs):
        connection.execute(delete(table).where(table.c.flight_id == flight_id))
    _delete(connection, captures, captures.c.id, mine.captures)
    connection.execute(delete(flights).where(flights.c.id == flight_id))
    _delete_lists(connection, lists, refused)
    _let_go(connection, [*mine.files, *_texts_of(connection, ingest_ids)], now)
    accounts.set_setting(connection, SWEEP, now.isoformat())
    audits.note(connection, actor, ACTION, f"{flight_id}: {len(going.captures)}", now)
    return going


def _mine(connection: Connection, flight_id: str) -> _Mine:
    numbers = list(connection.scalars(select(surveys.c.number).where(surveys.c.flight_id == flight_id)))
    members = list(
        connection.scalars(select(memberships.c.capture_id).where(memberships.c.flight_id == flight_id))
    )
    kept: set[int] = set()
    for portion in portions(members):
        other = select(memberships.c.capture_id).where(
            memberships.c.capture_id.in_(portion), memberships.c.flight_id != flight_id
        )
        kept.update(connection.scalars(other))
        for table in _ELSEWHERE:
            shown = select(table.c.capture_id).where(
                table.c.capture_id.in_(portion), table.c.survey_number.not_in(numbers)
            )
            kept.update(connection.scalars(shown.distinct()))
    own = [one for one in members if one not in kept]
    return _Mine(own, numbers, _files_of(connection, own), len(members) - len(own))


def _files_of(connection: Connection, own: Sequence[int]) -> list[int]:
    """Files of which nothing but these captures is made."""
    found: set[int] = set()
    for portion in portions(own):
        photos = select(files.c.id).join(captures, captures.c.digest == files.c.digest)
        parts = select(capture_files.c.file_id).where(capture_files.c.capture_id.in_(portion))
        found.update(connection.scalars(union(photos.where(captures.c.id.in_(portion)), parts)))
    mine = set(own)
    needed: set[int] = set()
    for portion in portions(sorted(found)):
        rows = connection.execute(
            select(capture_files.c.file_id, capture_files.c.capture_id).where(
                capture_files.c.file_id.in_(portion)
            )
        )
        needed.update(file_id for file_id, capture_id in rows if capture_id not in mine)
    return sorted(found - needed)


def _held(connection: Connection, flight_id: str) -> Sentence | None:
    """Why it cannot go just now."""
    running = select(jobs.c.id).where(jobs.c.flight_id == flight_id, jobs.c.state == JobState.RUNNING.value)
    if connection.execute(running).first() is not None:
        return Sentence(MAPPED_NOW)
    own = select(files.c.id).join(captures, captures.c.digest == files.c.digest)
    own = own.join(memberships, memberships.c.capture_id == captures.c.id)
    parts = select(capture_files.c.file_id.label("id")).join(
        memberships, memberships.c.capture_id == capture_files.c.capture_id
    )
    members = union(*(one.where(memberships.c.flight_id == flight_id) for one in (own, parts))).subquery()
    coming = (
        select(given_files.c.id)
        .join(ingests, ingests.c.id == given_files.c.ingest_id)
        .where(ingests.c.ended_at.is_(None), given_files.c.file_id.in_(select(members.c.id)))
        .limit(1)
    )
    return Sentence(COPIED_NOW) if connection.execute(coming).first() is not None else None


def _forget_surveys(connection: Connection, numbers: Sequence[int]) -> None:
    withdrawn = {"state": MessageState.REFUSED.value, "why": Sentence(WITHDRAWN), "next_try": None}
    connection.execute(update(messages).where(_waits(numbers)).values(withdrawn))
    told = update(messages).where(messages.c.survey_number.in_(numbers))
    connection.execute(told.values(survey_number=None))
    waits = texts.c.survey_number.in_(numbers) & (texts.c.state == TextState.WAITING.value)
    refused = {"state": TextState.REFUSED.value, "why": Sentence(WITHDRAWN), "next_try": None}
    connection.execute(update(texts).where(waits).values(refused))
    connection.execute(update(texts).where(texts.c.survey_number.in_(numbers)).values(survey_number=None))
    plants = select(detections.c.id).where(detections.c.survey_number.in_(numbers))
    connection.execute(delete(detection_places).where(detection_places.c.id.in_(plants)))
    for table in _OF_SURVEYS:
        connection.execute(delete(table).where(table.c.survey_number.in_(numbers)))
    connection.execute(delete(surveys).where(surveys.c.number.in_(numbers)))


def _forget_views(connection: Connection, own: Sequence[int]) -> None:
    """A plan with a photo that is of no other flight is this flight's: all its results go."""
    for portion in portions(own):
        digests = select(captures.c.digest).where(captures.c.id.in_(portion))
        plans = set(
            connection.scalars(select(views.c.plan_key).where(views.c.digest.in_(digests)).distinct())
        )
        _delete(connection, views, views.c.plan_key, sorted(plans))


def _delete_lists(connection: Connection, lists: Iterable[int], refused: Iterable[int]) -> None:
    """Those that are about no photo any more."""
    for table, link, ids in (
        (side_files, side_photos.c.file_id, lists),
        (refused_lists, refused_photos.c.list_id, refused),
    ):
        for portion in portions(sorted(ids)):
            needed = select(link).where(link.in_(portion))
            connection.execute(delete(table).where(table.c.id.in_(portion), table.c.id.not_in(needed)))


def _let_go(connection: Connection, file_ids: Sequence[int], now: datetime) -> None:
    for portion in portions(file_ids):
        row = update(files).where(files.c.id.in_(portion) & (files.c.state != FileState.GONE.value))
        connection.execute(row.values(state=FileState.GONE.value, gone_at=now))


def _texts_of(connection: Connection, ingest_ids: Iterable[int]) -> list[int]:
    """Lists and subtitles as they came, of ingests that nothing is left of; without those that came again in another one."""
    used = select(captures.c.id).where(captures.c.ingest_id == ingests.c.id).exists()
    standing = select(ingests.c.id).where(used | ingests.c.ended_at.is_(None))
    again = given_files.alias()
    needed = select(again.c.file_id).where(again.c.ingest_id.in_(standing))
    found: set[int] = set()
    for portion in portions(sorted(ingest_ids)):
        given = (
            select(files.c.id)
            .join(given_files, given_files.c.file_id == files.c.id)
            .where(given_files.c.ingest_id.in_(portion), files.c.id.not_in(needed))
            .where(files.c.kind == FileKind.TEXT.value)
        )
        found.update(connection.scalars(given))
    return sorted(found)


def _ingests(connection: Connection, own: Sequence[int]) -> set[int]:
    return _about(connection, captures.c.ingest_id, captures.c.id, own)


def _about(
    connection: Connection, wanted: ColumnElement[Any], column: ColumnElement[Any], ids: Sequence[int]
) -> set[int]:
    return {
        one
        for portion in portions(ids)
        for one in connection.scalars(select(wanted).where(column.in_(portion)).distinct())
    }


def _waits(numbers: Sequence[int]) -> ColumnElement[bool]:
    return messages.c.survey_number.in_(numbers) & (messages.c.state == MessageState.WAITING.value)


def _rows(connection: Connection, mine: _Mine, flight_id: str) -> int:
    """Rows of the database, without those that point from one to another."""
    of_surveys = sum(_count(connection, one, one.c.survey_number, mine.surveys) for one in _OF_SURVEYS)
    of_captures = sum(_count(connection, one, one.c.capture_id, mine.captures) for one in _OF_CAPTURES)
    members = _count(connection, memberships, memberships.c.flight_id, [flight_id])
    work = _count(connection, jobs, jobs.c.flight_id, [flight_id])
    return of_surveys + of_captures + members + work + len(mine.surveys) + len(mine.captures) + 1


def _count(
    connection: Connection,
    table: Table,
    column: ColumnElement[Any],
    values: Sequence[Any],
    *more: ColumnElement[bool],
) -> int:
    return sum(
        connection.execute(
            select(func.count()).select_from(table).where(column.in_(portion), *more)
        ).scalar_one()
        for portion in portions(values)
    )


def _delete(connection: Connection, table: Table, column: ColumnElement[Any], values: Sequence[Any]) -> None:
    for portion in portions(values):
        connection.execute(delete(table).where(column.in_(portion)))
