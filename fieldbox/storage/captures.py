"""Ingests, captures and rejected files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import Camera, Capture, CaptureKind, FileState, Pose, Rejection, Source, Stated
from fieldbox.i18n import Sentence
from fieldbox.storage import files
from fieldbox.storage.portions import portions
from fieldbox.storage.rows import Ingest
from fieldbox.storage.schema import captures, glances, ingests, memberships, rejections


def begin_ingest(connection: Connection, source: str, now: datetime) -> int:
    """Open an ingest; its id."""
    row = insert(ingests).values(source=source, started_at=now).returning(ingests.c.id)
    return connection.execute(row).scalar_one()


def reopen_ingest(connection: Connection, ingest_id: int) -> None:
    """Go on with an ingest, ended or not."""
    connection.execute(update(ingests).where(ingests.c.id == ingest_id).values(ended_at=None))


def end_ingest(connection: Connection, ingest_id: int, duplicates: int, now: datetime) -> None:
    """Close an ingest."""
    row = update(ingests).where(ingests.c.id == ingest_id)
    connection.execute(row.values(ended_at=now, duplicates=duplicates))


def tell_bands(connection: Connection, ingest_id: int, bands: Sequence[str]) -> None:
    """Keep what somebody said the bands of an ingest's orthomosaics are."""
    connection.execute(update(ingests).where(ingests.c.id == ingest_id).values(bands=list(bands)))


def told_bands(connection: Connection, ingest_id: int) -> tuple[str, ...]:
    """What was said of them; (): nothing."""
    told = connection.execute(select(ingests.c.bands).where(ingests.c.id == ingest_id)).scalar_one()
    return tuple(told or ())


def all_ingests(connection: Connection, limit: int | None = None) -> list[Ingest]:
    """Every ingest, or the last so many, newest first."""
    accepted = select(func.count()).where(captures.c.ingest_id == ingests.c.id).scalar_subquery()
    rejected = select(func.count()).where(rejections.c.ingest_id == ingests.c.id).scalar_subquery()
    rows = connection.execute(select(ingests, accepted, rejected).order_by(ingests.c.id.desc()).limit(limit))
    return [Ingest(*row) for row in rows]


def take(connection: Connection, capture: Capture, ingest_id: int, glance: bytes | None) -> bool:
    """Add a capture with what it is made of; its files are taken. False if its digest is known."""
    added = add_capture(connection, capture, ingest_id)
    if added and capture.source:
        files.make_of(connection, capture.digest, capture.source)
    if added and glance is not None:
        keep_glance(connection, capture.digest, glance)
    made_of = capture.source.files if capture.source else (capture.digest,)
    files.settle(connection, made_of, FileState.TAKEN)
    return added


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
        "kind": capture.source and capture.source.kind.value,
        "at": capture.source and list(capture.source.at),
        "outline": capture.source and [list(corner) for corner in capture.source.outline],
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
    row = update(captures).where((captures.c.digest == capture.digest) & _lost())
    told = row.values(
        pose=capture.pose and asdict(capture.pose),
        stated=capture.stated and asdict(capture.stated),
        unplaced=capture.unplaced,
    )
    return connection.execute(told).rowcount == 1


def is_lost(connection: Connection, digest: str) -> bool:
    """Whether a capture was taken off the map because of its photo (see `unplace`)."""
    query = select(captures.c.id).where(_lost() & (captures.c.digest == digest))
    return connection.execute(query).first() is not None


def _lost() -> ColumnElement[bool]:
    return captures.c.pose.is_(None) & captures.c.stated.is_(None) & captures.c.unplaced.is_not(None)


def keep_glance(connection: Connection, digest: str, glance: bytes) -> None:
    """Keep what a capture looks like at a glance."""
    number = select(captures.c.id).where(captures.c.digest == digest).scalar_subquery()
    connection.execute(insert(glances).values(capture_id=number, data=glance))


def glances_of(connection: Connection, digests: Sequence[str]) -> dict[str, bytes]:
    """The glances that are kept of captures, by digest."""
    found: dict[str, bytes] = {}
    for portion in portions(digests):
        joined = select(captures.c.digest, glances.c.data).join(
            glances, glances.c.capture_id == captures.c.id
        )
        rows = connection.execute(joined.where(captures.c.digest.in_(portion)))
        found.update((digest, data) for digest, data in rows)
    return found


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
    rows = connection.execute(query).all()
    made = files.of_captures(connection, [row.id for row in rows if row.kind])
    return [_capture(row, tuple(made.get(row.id, ()))) for row in rows]


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


def _capture(row: Row[*tuple[Any, ...]], made_of: tuple[str, ...]) -> Capture:
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
        source=_source(row, made_of) if row.kind else None,
    )


def _source(row: Row[*tuple[Any, ...]], made_of: tuple[str, ...]) -> Source:
    outline = tuple((x, y) for x, y in row.outline or ())
    return Source(CaptureKind(row.kind), made_of, tuple(row.at or ()), outline)
