"""Lists of positions and control points that were given with photos."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import RefusedList, Rejection, SideFile, SideKind
from fieldbox.storage import captures as capture_rows
from fieldbox.storage.portions import portions
from fieldbox.storage.schema import (
    captures,
    ingests,
    memberships,
    refused_lists,
    refused_photos,
    side_files,
    side_photos,
)

_RANK = func.coalesce(side_files.c.rank, side_files.c.id)


def add(
    connection: Connection, file: SideFile, named: Collection[str], ingest_id: int, *, latest: bool
) -> bool:
    """Keep a list and the photos that it may mean, `named` those of which it says something.

    A known list gains the photos that are new and, if it is to be the `latest`, counts more than any that came since;
    False: nothing changed.
    """
    top = connection.execute(select(func.max(_RANK))).scalar_one() or 0
    row = {
        "digest": file.digest,
        "ingest_id": ingest_id,
        "name": file.name,
        "kind": file.kind.value,
        "system": file.system,
        "data": file.data,
        "rank": top + 1,
    }
    connection.execute(upsert(side_files).values(row).on_conflict_do_nothing(index_elements=["digest"]))
    number = connection.execute(
        select(side_files.c.id).where(side_files.c.digest == file.digest)
    ).scalar_one()
    known = set(
        connection.execute(
            select(captures.c.digest)
            .join(side_photos, side_photos.c.capture_id == captures.c.id)
            .where(side_photos.c.file_id == number)
        ).scalars()
    )
    fresh = [digest for digest in file.photos if digest not in known]
    ids = capture_rows.ids(connection, fresh)
    rows = [
        {
            "file_id": number,
            "capture_id": ids[digest],
            "name": file.photos[digest],
            "named": digest in named,
        }
        for digest in fresh
        if digest in ids
    ]
    if rows:
        connection.execute(upsert(side_photos), rows)
    raised = latest and _outranked(connection, number)
    if raised:
        connection.execute(update(side_files).where(side_files.c.id == number).values(rank=top + 1))
    return raised or any(row["named"] for row in rows)


def _outranked(connection: Connection, number: int) -> bool:
    """Whether a list with a higher rank says something of the same photos."""
    mine = select(side_photos.c.capture_id).where(side_photos.c.file_id == number, side_photos.c.named)
    own = select(_RANK).where(side_files.c.id == number).scalar_subquery()
    higher = (
        select(side_files.c.id)
        .join(side_photos, side_photos.c.file_id == side_files.c.id)
        .where(side_photos.c.named, side_photos.c.capture_id.in_(mine), own < _RANK)
    )
    return connection.execute(higher).first() is not None


def naming(connection: Connection, digests: Sequence[str]) -> list[SideFile]:
    """The lists that say something of any of these photos, the latest first."""
    found: set[tuple[int, int]] = set()
    for portion in portions(digests):
        query = (
            select(_RANK, side_files.c.id)
            .join(side_photos, side_photos.c.file_id == side_files.c.id)
            .join(captures, captures.c.id == side_photos.c.capture_id)
            .where(side_photos.c.named, captures.c.digest.in_(portion))
            .distinct()
        )
        found.update((rank or 0, number) for rank, number in connection.execute(query))
    return [_file(connection, number) for _rank, number in sorted(found, reverse=True)]


def _file(connection: Connection, number: int) -> SideFile:
    row = connection.execute(select(side_files).where(side_files.c.id == number)).one()
    photos = (
        select(captures.c.digest, side_photos.c.name)
        .join(captures, captures.c.id == side_photos.c.capture_id)
        .where(side_photos.c.file_id == number)
        .order_by(side_photos.c.name)
    )
    names = {each.digest: each.name for each in connection.execute(photos)}
    return SideFile(row.digest, row.name, SideKind(row.kind), row.system, row.data, names)


def refuse(connection: Connection, refused: Rejection, digests: Iterable[str], ingest_id: int) -> None:
    """Note that a list is not used for these photos, instead of what was noted of one by the same name."""
    digests = tuple(digests)
    settle(connection, refused.name, digests)
    ids = capture_rows.ids(connection, digests)
    if ids:
        row = {"ingest_id": ingest_id, "name": refused.name, "reason": refused.reason}
        made = insert(refused_lists).values(row).returning(refused_lists.c.id)
        number = connection.execute(made).scalar_one()
        rows = [{"list_id": number, "capture_id": one} for one in ids.values()]
        connection.execute(insert(refused_photos), rows)


def settle(connection: Connection, name: str, digests: Iterable[str]) -> None:
    """Forget, for these photos, what was noted of a list by this name, wherever it lay."""
    last = PurePosixPath(name).name.casefold()
    known = connection.execute(select(refused_lists.c.id, refused_lists.c.name)).all()
    same = [number for number, other in known if PurePosixPath(other).name.casefold() == last]
    ids = list(capture_rows.ids(connection, digests).values())
    for number in same:
        for portion in portions(ids):
            connection.execute(
                delete(refused_photos).where(
                    refused_photos.c.list_id == number, refused_photos.c.capture_id.in_(portion)
                )
            )


def refused_of(connection: Connection, flight_id: str) -> list[RefusedList]:
    """The lists that are not used for photos of a flight, the newest first."""
    about = (
        select(refused_photos.c.list_id)
        .join(memberships, memberships.c.capture_id == refused_photos.c.capture_id)
        .where(memberships.c.flight_id == flight_id)
    )
    query = (
        select(refused_lists.c.name, refused_lists.c.reason, ingests.c.started_at)
        .join(ingests, ingests.c.id == refused_lists.c.ingest_id)
        .where(refused_lists.c.id.in_(about))
        .order_by(refused_lists.c.id.desc())
    )
    return [RefusedList(*row) for row in connection.execute(query)]
