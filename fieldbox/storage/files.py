"""Files as they came in: each once, under every name that it was given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain, count
from pathlib import PurePosixPath

from sqlalchemy import Connection, case, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import FileKind, FileState, Original, Source
from fieldbox.i18n import Sentence
from fieldbox.storage.portions import portions
from fieldbox.storage.schema import capture_files, captures, files, given_files

_GONE = files.c.state == FileState.GONE.value
_MADE = files.c.digest.in_(select(captures.c.digest)) | files.c.id.in_(select(capture_files.c.file_id))
"""Something was made of a file; nothing was of a refused one. (Not by EXISTS: within an upsert SQLAlchemy lists `files` in it
once more, and it holds for all files as soon as it does for one.)"""


def add_given(connection: Connection, ingest_id: int, given: Sequence[Original], now: datetime) -> set[str]:
    """Note files that are safe on the box; the digests of those that are to be read: new ones, and refused ones again.

    One that had been removed to make room and of which there is a capture has been read: it is as it was before.
    """
    for one in given:
        row = {
            "digest": one.digest,
            "size": one.size,
            "kind": one.kind.value,
            "state": FileState.COPIED.value,
            "copied_at": now,
        }
        added = upsert(files).values(row)
        known = added.on_conflict_do_update(
            index_elements=["digest"],
            set_={
                "state": case((_GONE & _MADE, FileState.TAKEN.value), else_=FileState.COPIED.value),
                "kind": one.kind.value,
                "copied_at": case((_GONE, literal(now, files.c.copied_at.type)), else_=files.c.copied_at),
                "gone_at": None,
            },
            where=files.c.state != FileState.TAKEN.value,
        )
        connection.execute(known)
        file_id = connection.execute(select(files.c.id).where(files.c.digest == one.digest)).scalar_one()
        _name(connection, ingest_id, one.name, file_id)
    found: set[str] = set()
    for portion in portions([one.digest for one in given]):
        query = select(files.c.digest).where(files.c.digest.in_(portion))
        found |= set(connection.scalars(query.where(files.c.state == FileState.COPIED.value)))
    return found


def expect(connection: Connection, ingest_id: int, digest: str, name: str) -> None:
    """An ingest is about to bring a file that may be known: as long as it has not ended, the file is not removed."""
    file_id = connection.execute(select(files.c.id).where(files.c.digest == digest)).scalar_one_or_none()
    if file_id is not None:
        _name(connection, ingest_id, name, file_id)


def _name(connection: Connection, ingest_id: int, name: str, file_id: int) -> None:
    """A name that another file has which is still to be read (names in odd letters are shown alike; another drone's card may
    have come into the same reader) gets a number: none is forgotten."""
    row = upsert(given_files).values(ingest_id=ingest_id, name=_free(connection, ingest_id, name, file_id))
    row = row.values(file_id=file_id)
    connection.execute(
        row.on_conflict_do_update(index_elements=["ingest_id", "name"], set_={"file_id": file_id})
    )


def _free(connection: Connection, ingest_id: int, name: str, file_id: int) -> str:
    path = PurePosixPath(name)
    numbered = (str(path.with_name(f"{path.stem} ({number}){path.suffix}")) for number in count(2))
    unread = select(files.c.id).join(given_files, given_files.c.file_id == files.c.id)
    unread = unread.where((given_files.c.ingest_id == ingest_id) & (files.c.id != file_id))
    unread = unread.where(files.c.state == FileState.COPIED.value)
    free = (
        one
        for one in chain([name], numbered)
        if connection.execute(unread.where(given_files.c.name == one)).first() is None
    )
    return next(free)


def of_ingest(connection: Connection, ingest_id: int, *, state: FileState | None = None) -> list[Original]:
    """The files that came in an ingest, in that order; those of one state."""
    query = (
        select(files.c.digest, given_files.c.name, files.c.size, files.c.kind)
        .join(files, files.c.id == given_files.c.file_id)
        .where(given_files.c.ingest_id == ingest_id)
        .order_by(given_files.c.id)
    )
    if state is not None:
        query = query.where(files.c.state == state.value)
    return [
        Original(digest, name, size, FileKind(kind)) for digest, name, size, kind in connection.execute(query)
    ]


def settle(connection: Connection, digests: Iterable[str], state: FileState) -> None:
    """Say what became of files: taken or refused. One that something was made of is taken: refused ones are removed first."""
    for portion in portions(list(digests)):
        row = update(files).where(files.c.digest.in_(portion))
        connection.execute(row.values(state=case((_MADE, FileState.TAKEN.value), else_=state.value)))


def note(connection: Connection, digest: str, notes: Sequence[Sentence]) -> None:
    """Keep what is to be said of what a file holds."""
    row = update(files).where(files.c.digest == digest)
    connection.execute(row.values(notes=[one.to_json() for one in notes]))


def notes_of(connection: Connection, digests: Iterable[str]) -> list[Sentence]:
    """What is to be said of what files hold, each sentence once."""
    found: dict[str, None] = {}
    for portion in portions(list(digests)):
        query = select(files.c.notes).where(files.c.digest.in_(portion) & files.c.notes.is_not(None))
        for notes in connection.scalars(query.order_by(files.c.id)):
            found.update(dict.fromkeys(notes))
    return [Sentence.from_json(one) for one in found]


def has_size(connection: Connection, size: int) -> bool:
    """Whether a file of this size is on the box."""
    there = (files.c.size == size) & (files.c.state != FileState.GONE.value)
    return connection.execute(select(files.c.id).where(there)).first() is not None


def is_known(connection: Connection, digest: str) -> bool:
    """Whether a file with this digest was ever noted."""
    return connection.execute(select(files.c.id).where(files.c.digest == digest)).first() is not None


def make_of(connection: Connection, digest: str, source: Source) -> None:
    """Note the files that a capture is made of."""
    capture_id = select(captures.c.id).where(captures.c.digest == digest).scalar_subquery()
    for position, file in enumerate(source.files):
        file_id = select(files.c.id).where(files.c.digest == file).scalar_subquery()
        row = insert(capture_files).values(capture_id=capture_id, position=position, file_id=file_id)
        connection.execute(row)


def of_captures(connection: Connection, capture_ids: Sequence[int]) -> dict[int, list[str]]:
    """Digests of the files that captures are made of, in order, by the captures' ids."""
    found: dict[int, list[str]] = {}
    for portion in portions(capture_ids):
        rows = (
            select(capture_files.c.capture_id, files.c.digest)
            .join(files, files.c.id == capture_files.c.file_id)
            .where(capture_files.c.capture_id.in_(portion))
            .order_by(capture_files.c.capture_id, capture_files.c.position)
        )
        for capture_id, digest in connection.execute(rows):
            found.setdefault(capture_id, []).append(digest)
    return found


def made_of(connection: Connection, digests: Iterable[str]) -> list[str]:
    """Digests of the captures that files were made into, in the files' order: a photo's is its own."""
    wanted = list(digests)
    found: dict[str, list[str]] = {}
    for portion in portions(wanted):
        own = select(captures.c.digest, captures.c.digest).where(captures.c.digest.in_(portion))
        parts = (
            select(files.c.digest, captures.c.digest)
            .join(capture_files, capture_files.c.file_id == files.c.id)
            .join(captures, captures.c.id == capture_files.c.capture_id)
            .where(files.c.digest.in_(portion))
            .order_by(captures.c.id)
        )
        for file, capture in (*connection.execute(own), *connection.execute(parts)):
            found.setdefault(file, []).append(capture)
    return list(dict.fromkeys(capture for file in wanted for capture in found.get(file, ())))
