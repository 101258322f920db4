"""What the box holds, counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Table, func, select

from fieldbox.storage.rows import Census, Contents, JobState, Released, Tally
from fieldbox.storage.schema import captures, fields, files, flights, jobs, metadata, surveys
from fieldbox.storage.surveys import NEWEST_FIRST

LATELY: Final = timedelta(days=30)
_SOONEST: Final = timedelta(days=1)


def take(connection: Connection, now: datetime) -> Census:
    """Count what there is."""
    newest = select(surveys.c.release).order_by(*NEWEST_FIRST).limit(1)
    return Census(
        surveys=connection.execute(select(func.count()).select_from(surveys)).scalar_one(),
        photos=connection.execute(select(func.count()).select_from(captures)).scalar_one(),
        release=connection.scalars(newest).first(),
        bytes_a_day=_bytes_a_day(connection, now),
        failed=_failed(connection),
        last_failure=connection.scalars(
            select(jobs.c.reason)
            .where(jobs.c.state == JobState.FAILED.value)
            .order_by(jobs.c.id.desc())
            .limit(1)
        ).first(),
    )


def contents(connection: Connection) -> Contents:
    """The revision of the schema, and how many rows each table has."""
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    rows = {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in sorted(metadata.tables.items())
    }
    return Contents(str(revision), rows)


def releases(connection: Connection) -> list[Released]:
    """What surveys were made with, the release used last first."""
    first, last = func.min(surveys.c.made_at), func.max(surveys.c.made_at)
    query = select(surveys.c.release, func.count(), first, last).group_by(surveys.c.release)
    return [Released(*row) for row in connection.execute(query.order_by(last.desc()))]


def tally(connection: Connection) -> Tally:
    """Count what there is, without a look at any row of the large tables but their keys."""
    newest = select(func.max(jobs.c.id)).group_by(jobs.c.flight_id)
    by_state = select(jobs.c.state, func.count()).where(jobs.c.id.in_(newest)).group_by(jobs.c.state)
    found = dict.fromkeys((state.value for state in JobState), 0)
    found.update((state, count) for state, count in connection.execute(by_state))
    found["none"] = _count(connection, flights) - sum(found.values())
    return Tally(
        flights=found,
        photos=_count(connection, captures),
        surveys=_count(connection, surveys),
        fields=_count(connection, fields),
    )


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _failed(connection: Connection) -> int:
    """Flights whose newest job failed for good."""
    newest = select(func.max(jobs.c.id)).group_by(jobs.c.flight_id)
    failed = select(func.count()).where(jobs.c.id.in_(newest), jobs.c.state == JobState.FAILED.value)
    return connection.execute(failed).scalar_one()


def _bytes_a_day(connection: Connection, now: datetime) -> float | None:
    """Of files that were copied lately, whether or not they were removed since; None: there were none."""
    lately = select(func.sum(files.c.size), func.min(files.c.copied_at)).where(
        files.c.copied_at > now - LATELY, files.c.copied_at <= now
    )
    size, first = connection.execute(lately).one()
    return None if size is None else size / (max(now - first, _SOONEST) / timedelta(days=1))
