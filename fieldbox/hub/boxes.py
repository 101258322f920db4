"""The boxes that the hub knows, and the certificates that it gave them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from fieldbox.hub.rows import Certificate, KnownBox, Way
from fieldbox.hub.schema import boxes, certificates


def add(connection: Connection, box: KnownBox) -> None:
    """Know a box, or know it again with another certificate: it is heard from then on, also if it was revoked."""
    row = {
        "name": box.name,
        "key": box.key,
        "serial": box.certificate.serial,
        "expires_at": box.certificate.expires_at,
        "revoked_at": None,
    }
    known = connection.execute(update(boxes).where(boxes.c.id == box.id).values(row)).rowcount
    if not known:
        connection.execute(insert(boxes).values(id=box.id, joined_at=box.joined_at, **row))


def certify(connection: Connection, box: str, given: Certificate, now: datetime) -> None:
    """Note that a box was given a certificate; the ones before stay valid until they end."""
    connection.execute(
        insert(certificates).values(
            serial=given.serial, box=box, pem=given.pem, issued_at=now, expires_at=given.expires_at
        )
    )
    connection.execute(
        update(boxes).where(boxes.c.id == box).values(serial=given.serial, expires_at=given.expires_at)
    )


def revoke(connection: Connection, box: str, now: datetime) -> bool:
    """Hear a box no more; whether it was known."""
    one = (boxes.c.id == box) & boxes.c.revoked_at.is_(None)
    connection.execute(update(boxes).where(one).values(revoked_at=now))
    given = (certificates.c.box == box) & certificates.c.revoked_at.is_(None)
    connection.execute(update(certificates).where(given).values(revoked_at=now))
    return find(connection, box) is not None


def revoked(connection: Connection) -> Sequence[tuple[str, datetime]]:
    """Serials of certificates that are valid no more, and since when."""
    query = select(certificates.c.serial, certificates.c.revoked_at).where(
        certificates.c.revoked_at.is_not(None)
    )
    return [(row.serial, row.revoked_at) for row in connection.execute(query.order_by(certificates.c.serial))]


def newest_certificate(connection: Connection, box: str) -> Certificate | None:
    """The certificate of a box that ends last; None: there is none that was not revoked."""
    query = (
        select(certificates)
        .where(certificates.c.box == box, certificates.c.revoked_at.is_(None))
        .order_by(certificates.c.expires_at.desc(), certificates.c.serial)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Certificate(row.serial, row.expires_at, row.pem)


def heard(connection: Connection, box: str, how: Way, at: datetime) -> None:
    """Note that a box was heard. Its row is locked from here to the commit, so that one frame of it is stored at a time."""
    connection.execute(update(boxes).where(boxes.c.id == box).values(heard_at=at, heard_over=how.value))


def find(connection: Connection, box: str) -> KnownBox | None:
    """A box by its id."""
    row = connection.execute(select(boxes).where(boxes.c.id == box)).one_or_none()
    return None if row is None else _box(row)


def every(connection: Connection) -> list[KnownBox]:
    """All boxes, the longest known first."""
    return [_box(row) for row in connection.execute(select(boxes).order_by(boxes.c.joined_at, boxes.c.id))]


def _box(row: Row[*tuple[Any, ...]]) -> KnownBox:
    return KnownBox(
        id=row.id,
        name=row.name,
        key=bytes(row.key),
        certificate=Certificate(row.serial, row.expires_at),
        joined_at=row.joined_at,
        heard_at=row.heard_at,
        heard_over=None if row.heard_over is None else Way(row.heard_over),
        revoked_at=row.revoked_at,
    )
