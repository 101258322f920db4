"""Lists of positions and control points that were given with photos."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import SideFile, SideKind
from fieldbox.storage import captures as capture_rows
from fieldbox.storage.schema import captures, side_files, side_photos


def add(connection: Connection, file: SideFile, named: Collection[str], ingest_id: int) -> bool:
    """Keep a list and the photos that it may mean, `named` those of which it says something.

    A known list gains the photos that are new; False: nothing was.
    """
    row = {
        "digest": file.digest,
        "ingest_id": ingest_id,
        "name": file.name,
        "kind": file.kind.value,
        "system": file.system,
        "data": file.data,
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
    return any(row["named"] for row in rows)


def naming(connection: Connection, digests: Sequence[str]) -> list[SideFile]:
    """The lists that say something of any of these photos, the newest first."""
    found: set[int] = set()
    for portion in capture_rows.portions(digests):
        query = (
            select(side_photos.c.file_id)
            .join(captures, captures.c.id == side_photos.c.capture_id)
            .where(side_photos.c.named, captures.c.digest.in_(portion))
            .distinct()
        )
        found.update(connection.execute(query).scalars())
    return [_file(connection, number) for number in sorted(found, reverse=True)]


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
