"""The queue of flights to be looked at.

A job is waiting → running → done or failed. Two things end its patience, and they are counted apart:

- `attempts`: errors that the work reported. The third is final.
- `deaths`: claims since the work last got further than ever before. A power cut costs one, and any
  progress sets it back to 0, so a job outlives every number of power cuts; a photo that kills the
  process each time stops it at the fifth claim in a row that led nowhere.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, not_, or_, select, update

from fieldbox.i18n import N_, Sentence
from fieldbox.storage.rows import Job, JobState
from fieldbox.storage.schema import jobs

MAX_ATTEMPTS: Final = 3
MAX_DEATHS: Final = 5
LONGEST_WAIT: Final = timedelta(days=1)
"""No retry is further off. A due time beyond it comes from a clock that was wrong, and is ignored."""

_PAUSES_S: Final = (0, 0, 10, 60, 300)
"""How long a job rests after its nth claim in a row without progress."""
_LIVE: Final = (JobState.WAITING, JobState.RUNNING)
_COLUMNS = (
    jobs.c.id,
    jobs.c.flight_id,
    jobs.c.release_sha,
    jobs.c.state,
    jobs.c.attempts,
    jobs.c.deaths,
    jobs.c.step,
    jobs.c.done,
    jobs.c.total,
    jobs.c.reason,
    jobs.c.due_at,
    jobs.c.created_at,
    jobs.c.finished_at,
)


def enqueue(connection: Connection, flight_id: str, release_sha: str, now: datetime) -> int:
    """The id of the live job of this flight and release, made if there is none.

    Whoever asks again has mended what was wrong: a job that rests is due at once, with all its tries.
    """
    live = update(jobs).where(_is_live(flight_id, release_sha))
    fresh = live.values(due_at=now, attempts=0, deaths=0).returning(jobs.c.id)
    found = connection.execute(fresh).scalar_one_or_none()
    if found is not None:
        return found
    row = {"flight_id": flight_id, "release_sha": release_sha, "state": JobState.WAITING.value}
    made = insert(jobs).values(**row, due_at=now, created_at=now).returning(jobs.c.id)
    return connection.execute(made).scalar_one()


def claim(connection: Connection, now: datetime) -> Job | None:
    """Take the waiting job that has been due for longest."""
    _give_up(connection, now)
    due = or_(jobs.c.due_at <= now, jobs.c.due_at > now + LONGEST_WAIT)
    first = (
        select(jobs.c.id, jobs.c.deaths)
        .where(jobs.c.state == JobState.WAITING, due)
        .order_by(jobs.c.due_at, jobs.c.id)
        .limit(1)
    )
    found = connection.execute(first).one_or_none()
    if found is None:
        return None
    # The death is counted and the next try put off before the work, so that poison cannot loop.
    pause = timedelta(seconds=_PAUSES_S[min(found.deaths, len(_PAUSES_S) - 1)])
    taken = update(jobs).where(jobs.c.id == found.id, jobs.c.state == JobState.WAITING)
    values = {"state": JobState.RUNNING.value, "deaths": found.deaths + 1, "due_at": now + pause}
    return _job(connection.execute(taken.values(**values).returning(*_COLUMNS)).one())


def _give_up(connection: Connection, now: datetime) -> None:
    hopeless = update(jobs).where(jobs.c.state == JobState.WAITING, jobs.c.deaths >= MAX_DEATHS)
    reason = Sentence(
        N_(
            "The work on this flight broke off {count} times at the same place; take out the photo that it"
            " was at, or report this, then start it again."
        ),
        {"count": MAX_DEATHS},
    )
    connection.execute(hopeless.values(state=JobState.FAILED.value, reason=reason, finished_at=now))


def release_claims(connection: Connection) -> int:
    """Put what a dead worker had taken back into the queue; how many jobs that were."""
    back = update(jobs).where(jobs.c.state == JobState.RUNNING).values(state=JobState.WAITING.value)
    return connection.execute(back).rowcount


def progress(connection: Connection, job_id: int, step: str, done: int, total: int) -> None:
    """Note how far the work is; forget deaths if it never got as far before."""
    reached = connection.execute(select(jobs.c.reached).where(jobs.c.id == job_id)).scalar_one()
    values: dict[str, Any] = {"step": step, "done": done, "total": total}
    if done > reached.get(step, -1):
        values |= {"reached": {**reached, step: done}, "deaths": 0}
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def finish(connection: Connection, job_id: int, now: datetime) -> None:
    """The work is done."""
    _settle(connection, jobs.c.id == job_id, now)


def finish_live(connection: Connection, flight_id: str, release_sha: str, now: datetime) -> None:
    """The work of the live job of this flight and release is done, if there is one."""
    _settle(connection, _is_live(flight_id, release_sha), now)


def fail(
    connection: Connection, job_id: int, reason: Sentence, retry_at: datetime | None, now: datetime
) -> JobState:
    """Count an error; the state that follows."""
    attempts = connection.execute(select(jobs.c.attempts).where(jobs.c.id == job_id)).scalar_one() + 1
    values: dict[str, Any] = {"attempts": attempts, "deaths": 0, "reason": reason}
    if retry_at is None or attempts >= MAX_ATTEMPTS:
        state = JobState.FAILED
        values["finished_at"] = now
    else:
        state = JobState.WAITING
        values["due_at"] = min(retry_at, now + LONGEST_WAIT)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(state=state.value, **values))
    return state


def listed(connection: Connection, states: Collection[JobState] | None) -> list[Job]:
    """Jobs in these states (None: all), newest first."""
    query = select(*_COLUMNS).order_by(jobs.c.id.desc())
    if states is not None:
        query = query.where(jobs.c.state.in_([state.value for state in states]))
    return [_job(row) for row in connection.execute(query)]


def of_flight(connection: Connection, flight_id: str) -> Job | None:
    """The newest job of a flight."""
    query = select(*_COLUMNS).where(jobs.c.flight_id == flight_id).order_by(jobs.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _job(row)


def newest_by_flight(connection: Connection) -> dict[str, Job]:
    """The newest job of each flight that has one."""
    newest = select(func.max(jobs.c.id)).group_by(jobs.c.flight_id)
    rows = connection.execute(select(*_COLUMNS).where(jobs.c.id.in_(newest)))
    return {job.flight_id: job for job in map(_job, rows)}


def _is_live(flight_id: str, release_sha: str) -> Any:
    states = [state.value for state in _LIVE]
    return (jobs.c.flight_id == flight_id) & (jobs.c.release_sha == release_sha) & jobs.c.state.in_(states)


def _settle(connection: Connection, which: Any, now: datetime) -> None:
    done = update(jobs).where(which, not_(jobs.c.state == JobState.DONE.value))
    connection.execute(done.values(state=JobState.DONE.value, reason=None, finished_at=now))


def _job(row: Row[*tuple[Any, ...]]) -> Job:
    return Job(**{**row._mapping, "state": JobState(row.state)})
