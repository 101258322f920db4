"""The queue of flights to be looked at.

A job is waiting → running → done or failed. Two things end its patience, and they are counted apart:

- `attempts`: errors that the work reported. The third is final.
- `deaths`: claims since the work last got further than ever before. A power cut costs one, and any
  progress sets it back to 0, so a job outlives every number of power cuts; a photo that kills the
  process each time stops it at the fifth claim in a row that led nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, not_, or_, select, update

from fieldbox.i18n import N_, Sentence
from fieldbox.storage import conditions
from fieldbox.storage.rows import Anew, Job, JobState
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
    jobs.c.started_at,
    jobs.c.spent,
    jobs.c.worked,
    jobs.c.anew,
    jobs.c.stop_by,
)
STOPPED: Final = N_("{name} stopped the work on this flight. What was looked at is kept.")


def enqueue(
    connection: Connection, flight_id: str, release_sha: str, now: datetime, *, anew: bool = False
) -> int:
    """The id of the live job of this flight and release, made if there is none.

    Whoever asks again has mended what was wrong: a job that rests is due at once, with all its tries, and goes on though
    somebody wanted it to stop. `anew`: what is kept of earlier looks does not count; of a job that is live already it does.
    """
    live = update(jobs).where(_is_live(flight_id, release_sha))
    fresh = live.values(due_at=now, attempts=0, deaths=0, stop_by=None).returning(jobs.c.id)
    found = connection.execute(fresh).scalar_one_or_none()
    if found is not None:
        return found
    row: dict[str, Any] = {
        "flight_id": flight_id,
        "release_sha": release_sha,
        "state": JobState.WAITING.value,
        "anew": Anew.WANTED.value if anew else None,
    }
    made = insert(jobs).values(**row, due_at=now, created_at=now).returning(jobs.c.id)
    return connection.execute(made).scalar_one()


def claim(connection: Connection, now: datetime) -> Job | None:
    """Take the waiting job that has been due for longest."""
    _give_up(connection, now)
    due = or_(jobs.c.due_at <= now, jobs.c.due_at > now + LONGEST_WAIT)
    first = (
        select(jobs.c.id, jobs.c.flight_id, jobs.c.deaths)
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
    values = {
        "state": JobState.RUNNING.value,
        "deaths": found.deaths + 1,
        "due_at": now + pause,
        "started_at": now,
        "conditions": conditions.of_flight(connection, found.flight_id),
    }
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


def release_claims(connection: Connection, now: datetime) -> int:
    """Put what a dead worker had taken back into the queue, but for what was to stop; how many jobs that were."""
    _stop(connection, jobs.c.state == JobState.RUNNING, now)
    back = update(jobs).where(jobs.c.state == JobState.RUNNING).values(state=JobState.WAITING.value)
    return connection.execute(back).rowcount


def ask_to_stop(connection: Connection, flight_id: str, name: str, now: datetime) -> bool:
    """`name` wants the work on a flight to stop: at once where it waits, else when the worker next looks; False: none is live."""
    live = (jobs.c.flight_id == flight_id) & jobs.c.state.in_([state.value for state in _LIVE])
    asked = connection.execute(update(jobs).where(live).values(stop_by=name)).rowcount
    _stop(connection, live & (jobs.c.state == JobState.WAITING), now)
    return asked > 0


def wanted_to_stop(connection: Connection, job_id: int) -> bool:
    """Whether somebody wants a job to stop."""
    query = select(jobs.c.stop_by).where(jobs.c.id == job_id)
    return connection.execute(query).scalar_one_or_none() is not None


def stop(connection: Connection, job_id: int, now: datetime) -> bool:
    """End a job that somebody wants to stop; False: nobody does."""
    return _stop(connection, jobs.c.id == job_id, now) > 0


def _stop(connection: Connection, which: Any, now: datetime) -> int:
    asked = select(jobs.c.id, jobs.c.stop_by).where(which, jobs.c.stop_by.is_not(None))
    rows = connection.execute(asked).all()
    for row in rows:
        values = {"state": JobState.FAILED.value, "reason": Sentence(STOPPED, {"name": row.stop_by})}
        connection.execute(update(jobs).where(jobs.c.id == row.id).values(**values, finished_at=now))
    return len(rows)


def begin_anew(connection: Connection, job_id: int) -> None:
    """What was kept is dropped: what is looked at from now on counts."""
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(anew=Anew.BEGUN.value))


def progress(
    connection: Connection,
    job_id: int,
    step: str,
    done: int,
    total: int,
    spent: Mapping[str, float],
    worked: Mapping[str, int],
) -> None:
    """Note how far the work is, and the seconds and parts of steps since this was last noted; forget deaths if it never got
    as far before."""
    query = select(jobs.c.reached, jobs.c.spent, jobs.c.worked).where(jobs.c.id == job_id)
    row = connection.execute(query).one()
    reached = row.reached
    values: dict[str, Any] = {"step": step, "done": done, "total": total}
    if spent:
        values["spent"] = _added(row.spent, {name: round(seconds, 3) for name, seconds in spent.items()})
        values["worked"] = _added(row.worked, worked)
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


def newest_by_flight(connection: Connection, flight_ids: Sequence[str] | None = None) -> dict[str, Job]:
    """The newest job of each flight (of these) that has one."""
    newest = select(func.max(jobs.c.id)).group_by(jobs.c.flight_id)
    if flight_ids is not None:
        newest = newest.where(jobs.c.flight_id.in_(flight_ids))
    rows = connection.execute(select(*_COLUMNS).where(jobs.c.id.in_(newest)))
    return {job.flight_id: job for job in map(_job, rows)}


def _added(kept: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    kept = kept or {}
    return {**kept, **{name: kept.get(name, 0) + value for name, value in more.items()}}


def _is_live(flight_id: str, release_sha: str) -> Any:
    states = [state.value for state in _LIVE]
    return (jobs.c.flight_id == flight_id) & (jobs.c.release_sha == release_sha) & jobs.c.state.in_(states)


def _settle(connection: Connection, which: Any, now: datetime) -> None:
    done = update(jobs).where(which, not_(jobs.c.state == JobState.DONE.value))
    connection.execute(done.values(state=JobState.DONE.value, reason=None, finished_at=now))


def _job(row: Row[*tuple[Any, ...]]) -> Job:
    anew = Anew(row.anew) if row.anew else None
    return Job(**{**row._mapping, "state": JobState(row.state), "anew": anew})
