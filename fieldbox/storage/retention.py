"""What the box keeps beside its results, what may be removed of it, and what was.

A file is noted as gone before it is removed: a power cut leaves at worst a file that is noted and still there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, union, update

from fieldbox.domain import OPEN, CaptureKind, FileKind, FileState, Original
from fieldbox.storage.audits import note
from fieldbox.storage.jobs import newest_by_flight
from fieldbox.storage.portions import portions
from fieldbox.storage.rows import Brought, Hold, Holding, JobState, Kept, Unused
from fieldbox.storage.schema import (
    capture_files,
    captures,
    files,
    flights,
    given_files,
    ingests,
    jobs,
    memberships,
    messages,
    surveys,
)
from fieldbox.storage.surveys import NEWEST_FIRST

ACTOR, REMOVED, REFUSED_REMOVED = "fieldbox", "photos removed", "refused files removed"
"""As the log of who did what has it."""
_AWAITED = (
    select(given_files.c.file_id)
    .join(ingests, ingests.c.id == given_files.c.ingest_id)
    .where(ingests.c.ended_at.is_(None))
)
"""Files that an ingest that has not ended was given."""


def _members(flight_id: str | None = None) -> Any:
    """(flight, capture, file): a photo is its own file, other captures are made of theirs."""
    own = (
        select(memberships.c.flight_id, memberships.c.capture_id, files.c.id.label("file_id"))
        .join(captures, captures.c.id == memberships.c.capture_id)
        .join(files, files.c.digest == captures.c.digest)
    )
    parts = select(memberships.c.flight_id, memberships.c.capture_id, capture_files.c.file_id).join(
        capture_files, capture_files.c.capture_id == memberships.c.capture_id
    )
    if flight_id is not None:
        own, parts = (one.where(memberships.c.flight_id == flight_id) for one in (own, parts))
    return union(own, parts).subquery()


def holdings(connection: Connection) -> list[Holding]:
    """What is kept of each flight that has originals on the box, and why it may not be removed."""
    member = _members()
    query = (
        select(member.c.flight_id, files.c.digest, files.c.size, files.c.copied_at)
        .join(files, files.c.id == member.c.file_id)
        .where(files.c.state != FileState.GONE.value)
        .distinct()
    )
    sizes: dict[str, dict[str, int]] = {}
    since: dict[str, datetime] = {}
    for flight_id, digest, size, copied_at in connection.execute(query):
        sizes.setdefault(flight_id, {})[digest] = size
        since[flight_id] = max(copied_at, since.get(flight_id, copied_at))
    holds, newest, made = _holds(connection), _newest_surveys(connection), _made(connection)
    unplaced = set(connection.scalars(select(flights.c.id).where(flights.c.field_id.is_(None))))
    unsent = _unsent(connection)
    return [
        Holding(
            one,
            since[one],
            sizes[one],
            frozenset({hold for hold, held in holds.items() if one in held}),
            newest.get(one),
            tuple(made.get(one, ())),
            placed=one not in unplaced,
            unsent=one in unsent,
        )
        for one in sorted(sizes)
    ]


def _holds(connection: Connection) -> dict[Hold, set[str]]:
    """The flights that each reason holds."""
    member = _members()
    live = select(jobs.c.flight_id).where(jobs.c.state.in_([JobState.WAITING.value, JobState.RUNNING.value]))
    mapped = select(surveys.c.flight_id)
    arriving = (
        select(member.c.flight_id)
        .join(files, files.c.id == member.c.file_id)
        .where((files.c.state == FileState.COPIED.value) | files.c.id.in_(_AWAITED))
    )

    def of(query: Select[Any]) -> set[str]:
        return set(connection.scalars(query.distinct()))

    placed = of(select(flights.c.id).where(flights.c.field_id.is_not(None)))
    return {
        Hold.PINNED: of(select(flights.c.id).where(flights.c.pinned)),
        Hold.UNMAPPED: placed & of(select(flights.c.id).where(flights.c.id.not_in(mapped))),
        Hold.QUEUED: of(live) | (placed & _not_done(connection)),
        Hold.ARRIVING: of(arriving),
    }


def _unsent(connection: Connection) -> set[str]:
    """Flights of which something still has to arrive."""
    query = (
        select(surveys.c.flight_id)
        .join(messages, messages.c.survey_number == surveys.c.number)
        .where(messages.c.state.in_([state.value for state in OPEN]))
    )
    return set(connection.scalars(query.distinct()))


def _not_done(connection: Connection) -> set[str]:
    """Flights whose newest job is not done, or was before the last of their captures came: these are not mapped."""
    came = (
        select(memberships.c.flight_id, func.max(ingests.c.ended_at, type_=ingests.c.ended_at.type))
        .join(captures, captures.c.id == memberships.c.capture_id)
        .join(ingests, ingests.c.id == captures.c.ingest_id)
        .group_by(memberships.c.flight_id)
    )
    newest = newest_by_flight(connection)
    done = {one: job.finished_at for one, job in newest.items() if job.state is JobState.DONE}
    return {
        flight_id
        for flight_id, at in connection.execute(came)
        if (finished := done.get(flight_id)) is None or (at is not None and finished < at)
    }


def _newest_surveys(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(surveys.c.flight_id, surveys.c.id).order_by(*NEWEST_FIRST)).all()
    return {row.flight_id: row.id for row in reversed(rows)}  # the one that counts comes last


def _made(connection: Connection) -> dict[str, list[str]]:
    query = (
        select(memberships.c.flight_id, captures.c.digest)
        .join(captures, captures.c.id == memberships.c.capture_id)
        .where(captures.c.kind.is_not(None) & (captures.c.kind != CaptureKind.PHOTO.value))
    )
    found: dict[str, list[str]] = {}
    for flight_id, digest in connection.execute(query):
        found.setdefault(flight_id, []).append(digest)
    return found


def let_go(
    connection: Connection, choose: Callable[[Sequence[Holding]], Collection[str]], now: datetime
) -> list[str]:
    """Note the originals of the flights that `choose` names as gone; which flights these are.

    Raises ValueError for a flight that is held: nothing is noted then.
    """
    kept = {one.flight_id: one for one in holdings(connection)}
    chosen = [kept[one] for one in choose(list(kept.values()))]
    for one in chosen:
        if one.holds:
            raise ValueError(f"flight {one.flight_id} is held: {sorted(one.holds)}")
        for portion in portions(list(one.files)):
            row = update(files).where(files.c.digest.in_(portion) & (files.c.state != FileState.GONE.value))
            connection.execute(row.values(state=FileState.GONE.value, gone_at=now))
        note(connection, ACTOR, REMOVED, one.flight_id, now)
    return [one.flight_id for one in chosen]


def let_unused_go(
    connection: Connection, choose: Callable[[Sequence[Unused]], Sequence[Unused]], now: datetime
) -> list[Unused]:
    """Note those refused files as gone that `choose` picks, of the ones that nobody is bringing again just now."""
    query = (
        select(files.c.digest, files.c.size, files.c.copied_at)
        .where((files.c.state == FileState.REFUSED.value) & files.c.id.not_in(_AWAITED))
        .order_by(files.c.copied_at, files.c.id)
    )
    chosen = choose([Unused(*row) for row in connection.execute(query)])
    for portion in portions([one.digest for one in chosen]):
        row = update(files).where(files.c.digest.in_(portion))
        connection.execute(row.values(state=FileState.GONE.value, gone_at=now))
    if chosen:
        note(connection, ACTOR, REFUSED_REMOVED, str(len(chosen)), now)
    return list(chosen)


def gone(connection: Connection, digests: Iterable[str] | None = None) -> list[Original]:
    """Files (of these) that are noted as gone and that nobody is bringing again just now; names are not told."""
    query = (
        select(files.c.digest, files.c.size, files.c.kind)
        .where((files.c.state == FileState.GONE.value) & files.c.id.not_in(_AWAITED))
        .order_by(files.c.id)
    )
    if digests is None:
        rows = connection.execute(query).all()
    else:
        rows = [
            row
            for portion in portions(list(digests))
            for row in connection.execute(query.where(files.c.digest.in_(portion)))
        ]
    return [Original(digest, "", size, FileKind(kind)) for digest, size, kind in rows]


def gone_at(connection: Connection, digest: str) -> datetime | None:
    """When the originals of a capture, or a part of them, were removed; None: they are there, or not known."""
    own = select(files.c.gone_at).where(files.c.digest == digest)
    parts = (
        select(files.c.gone_at)
        .join(capture_files, capture_files.c.file_id == files.c.id)
        .join(captures, captures.c.id == capture_files.c.capture_id)
        .where(captures.c.digest == digest)
    )
    found = [one for query in (own, parts) for one in connection.scalars(query) if one]
    return max(found, default=None)


def kept(connection: Connection, flight_id: str) -> Kept | None:
    """How much of a flight's originals is on the box; None: there is no such flight."""
    row = connection.execute(select(flights.c.pinned).where(flights.c.id == flight_id)).one_or_none()
    if row is None:
        return None
    member = _members(flight_id)
    query = select(member.c.capture_id, files.c.id, files.c.size, files.c.gone_at)
    rows = connection.execute(query.join(files, files.c.id == member.c.file_id)).all()
    every = {one.capture_id for one in rows}
    lacking = {one.capture_id for one in rows if one.gone_at}
    there = {one.id: one.size for one in rows if not one.gone_at}
    last = max((one.gone_at for one in rows if one.gone_at), default=None)
    return Kept(len(every), len(every - lacking), sum(there.values()), row.pinned, last)


def brought(connection: Connection, flight_id: str) -> list[Brought]:
    """The ingests that brought photos of a flight, the newest first."""
    member = _members(flight_id)
    given = (
        select(given_files.c.ingest_id, func.count(member.c.capture_id.distinct()))
        .join(member, member.c.file_id == given_files.c.file_id)
        .group_by(given_files.c.ingest_id)
    )
    new = (
        select(captures.c.ingest_id, func.count())
        .join(memberships, memberships.c.capture_id == captures.c.id)
        .where(memberships.c.flight_id == flight_id)
        .group_by(captures.c.ingest_id)
    )
    every: dict[int, int] = {row[0]: row[1] for row in connection.execute(given)}
    fresh: dict[int, int] = {row[0]: row[1] for row in connection.execute(new)}
    ids = every.keys() | fresh.keys()
    rows = connection.execute(select(ingests).where(ingests.c.id.in_(ids)).order_by(ingests.c.id.desc()))
    return [
        Brought(
            row.id,
            row.source,
            row.started_at,
            fresh.get(row.id, 0),
            max(0, every.get(row.id, 0) - fresh.get(row.id, 0)),
        )
        for row in rows
    ]


def pin(connection: Connection, flight_id: str, pinned: bool) -> bool:
    """Say whether somebody wants the originals of a flight kept; False: there is no such flight."""
    row = update(flights).where(flights.c.id == flight_id).values(pinned=pinned)
    return connection.execute(row).rowcount == 1
