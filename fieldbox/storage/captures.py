"""Ingests, captures and rejected files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Camera, Capture, Pose, Rejection, Stated
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import Ingest
from fieldbox.storage.schema import captures, ingests, memberships, rejections

Item = TypeVar("Item")
_PORTION = 500
"""SQLite limits the number of parameters of a statement."""


def begin_ingest(connection: Connection, source: str, now: datetime) -> int:
    """Open an ingest; its id."""
    row = insert(ingests).values(source=source, started_at=now).returning(ingests.c.id)
    return connection.execute(row).scalar_one()


def end_ingest(connection: Connection, ingest_id: int, duplicates: int, now: datetime) -> None:
    """Close an ingest."""
    row = update(ingests).where(ingests.c.id == ingest_id)
    connection.execute(row.values(ended_at=now, duplicates=duplicates))


def all_ingests(connection: Connection) -> list[Ingest]:
    """Every ingest, newest first."""
    accepted = select(func.count()).where(captures.c.ingest_id == ingests.c.id).scalar_subquery()
    rejected = select(func.count()).where(rejections.c.ingest_id == ingests.c.id).scalar_subquery()
    rows = connection.execute(select(ingests, accepted, rejected).order_by(ingests.c.id.desc()))
    return [Ingest(*row) for row in rows]


def add_capture(connection: Connection, capture: Capture, ingest_id: int) -> bool:
    """Add a capture; False if its digest is known."""
    row = {
        "digest": capture.digest,
        "ingest_id": ingest_id,
        "name": capture.name,
        "size": capture.size,
        "taken_at": capture.taken_at,
        "lat": capture.lat,
        "lon": capture.lon,
        "camera": capture.camera and asdict(capture.camera),
        "pose": capture.pose and asdict(capture.pose),
        "unplaced": capture.unplaced,
        "simulated": capture.simulated,
        "stated": capture.stated and asdict(capture.stated),
    }
    added = upsert(captures).values(row).on_conflict_do_nothing(index_elements=["digest"])
    return connection.execute(added).rowcount == 1


def place(connection: Connection, placed: Sequence[Capture]) -> None:
    """Change where captures stand, and why they stand nowhere."""
    for one in placed:
        row = update(captures).where(captures.c.digest == one.digest)
        connection.execute(row.values(pose=one.pose and asdict(one.pose), unplaced=one.unplaced))


def unplace(connection: Connection, digest: str, reason: Sentence) -> None:
    """Take a capture off the map for good: its pose and all that it states of one are dropped, the reason is kept
    and the file listed as rejected."""
    row = update(captures).where(captures.c.digest == digest).values(pose=None, stated=None, unplaced=reason)
    brought = connection.execute(row.returning(captures.c.ingest_id, captures.c.name)).one_or_none()
    if brought:
        add_rejections(connection, brought.ingest_id, [Rejection(brought.name, reason)])


def mend(connection: Connection, capture: Capture) -> bool:
    """Put a capture that was taken off the map back to what its photo states; False: there was none."""
    lost = captures.c.pose.is_(None) & captures.c.stated.is_(None) & captures.c.unplaced.is_not(None)
    row = update(captures).where((captures.c.digest == capture.digest) & lost)
    told = row.values(
        pose=capture.pose and asdict(capture.pose),
        stated=capture.stated and asdict(capture.stated),
        unplaced=capture.unplaced,
    )
    return connection.execute(told).rowcount == 1


def is_known(connection: Connection, digest: str) -> bool:
    """Whether a capture has this digest."""
    return connection.execute(select(captures.c.id).where(captures.c.digest == digest)).first() is not None


def ids(connection: Connection, digests: Iterable[str]) -> dict[str, int]:
    """The short ids of those digests that are known."""
    found: dict[str, int] = {}
    for portion in portions(list(digests)):
        rows = select(captures.c.digest, captures.c.id).where(captures.c.digest.in_(portion))
        found.update((digest, number) for digest, number in connection.execute(rows))
    return found


def by_digests(connection: Connection, digests: Sequence[str]) -> list[Capture]:
    """The captures with these digests, in this order; unknown digests are left out."""
    found: dict[str, Capture] = {}
    for portion in portions(digests):
        for capture in read(connection, select(captures).where(captures.c.digest.in_(portion))):
            found[capture.digest] = capture
    return [found[digest] for digest in digests if digest in found]


def of_ingest(connection: Connection, ingest_id: int) -> list[Capture]:
    """The captures that an ingest brought, in the order in which they were added."""
    return read(connection, select(captures).where(captures.c.ingest_id == ingest_id).order_by(captures.c.id))


def read(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[Capture]:
    """The captures that `query` selects whole."""
    return [_capture(row) for row in connection.execute(query)]


def add_rejections(connection: Connection, ingest_id: int, rejected: Sequence[Rejection]) -> None:
    """Note files that were not taken."""
    rows = [{"ingest_id": ingest_id, "name": each.name, "reason": each.reason} for each in rejected]
    if rows:
        connection.execute(insert(rejections), rows)


def list_rejections(connection: Connection, ingest_id: int | None, flight_id: str | None) -> list[Rejection]:
    """Rejected files of an ingest, of the ingests that brought a flight, or all; in the order of noting."""
    query = select(rejections.c.name, rejections.c.reason).order_by(rejections.c.id)
    if ingest_id is not None:
        query = query.where(rejections.c.ingest_id == ingest_id)
    if flight_id is not None:
        brought = select(captures.c.ingest_id).join(memberships, memberships.c.capture_id == captures.c.id)
        query = query.where(rejections.c.ingest_id.in_(brought.where(memberships.c.flight_id == flight_id)))
    return [Rejection(name, reason) for name, reason in connection.execute(query)]


def _capture(row: Row[*tuple[Any, ...]]) -> Capture:
    return Capture(
        digest=row.digest,
        name=row.name,
        size=row.size,
        taken_at=row.taken_at,
        lat=row.lat,
        lon=row.lon,
        camera=row.camera and Camera(**{**row.camera, "distortion": tuple(row.camera["distortion"])}),
        pose=row.pose and Pose(**row.pose),
        unplaced=row.unplaced,
        simulated=row.simulated,
        stated=row.stated and Stated(**row.stated),
    )


def portions(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Parts of `items` that are few enough for one statement."""
    return (items[start : start + _PORTION] for start in range(0, len(items), _PORTION))
