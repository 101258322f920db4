"""The hub's tables, in SQLite or PostgreSQL. A change here needs a migration in `migrations/hub/versions`; a test holds the two
together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from fieldbox.storage.types import NAMES, Json, Utc

REVISION: Final = "0001"
"""The newest migration."""

metadata = MetaData(naming_convention=NAMES)


class BoxColumns(TypedColumns):
    """A box that was made known to the hub."""

    id: Named[str] = Column(Text, primary_key=True)
    name: Named[str] = Column(Text)
    """What people call it; empty: nothing."""
    key: Named[bytes] = Column(LargeBinary)
    """Its Ed25519 public key, 32 bytes, under which its messages are."""
    serial: Named[str] = Column(Text)
    """Of its newest certificate, hexadecimal."""
    expires_at: Named[datetime] = Column(Utc)
    joined_at: Named[datetime] = Column(Utc)
    heard_at: Named[datetime | None] = Column(Utc)
    heard_over: Named[str | None] = Column(Text)
    revoked_at: Named[datetime | None] = Column(Utc)


boxes = Table("boxes", metadata, BoxColumns)


class CertificateColumns(TypedColumns):
    """A certificate that was issued to a box: a revoked box may have several that are still valid."""

    serial: Named[str] = Column(Text, primary_key=True)
    box: Named[str] = Column(Text, ForeignKey("boxes.id"), index=True)
    pem: Named[str] = Column(Text)
    issued_at: Named[datetime] = Column(Utc)
    expires_at: Named[datetime] = Column(Utc)
    revoked_at: Named[datetime | None] = Column(Utc)


certificates = Table("certificates", metadata, CertificateColumns)


class MessageColumns(TypedColumns):
    """A message of a box, once, however often and over whatever it came."""

    box: Named[str] = Column(Text, ForeignKey("boxes.id"))
    id: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    """A value of domain.MessageKind."""
    body: Named[str] = Column(Text)
    """JSON, held against the schema of its kind."""
    made_at: Named[datetime] = Column(Utc)
    """By the box's clock, as its id tells."""
    received_at: Named[datetime] = Column(Utc)
    how: Named[str] = Column(Text)
    """How it came first: mqtt, courier or sms."""
    frame: Named[str] = Column(Text)
    """The frame in which it came first."""
    carried_at: Named[datetime | None] = Column(Utc)
    """When it last came by courier, also if it had come otherwise: the courier takes the acknowledgement back."""
    replaced_by: Named[str | None] = Column(Text)
    """The id of one that goes in its place."""
    replaces_first: Named[str | None] = Column(Text)
    replaces_last: Named[str | None] = Column(Text)
    """Of a health report: it goes in the place of all others with ids from one to the other."""


messages = Table(
    "messages",
    metadata,
    MessageColumns,
    PrimaryKeyConstraint("box", "id"),
    Index("ix_messages_received_at", "received_at"),
    Index(
        "ix_messages_standing",
        "box",
        "kind",
        "id",
        sqlite_where=text("replaced_by IS NULL"),
        postgresql_where=text("replaced_by IS NULL"),
    ),
    Index("ix_messages_ranges", "box", "replaces_last"),
    Index("ix_messages_carried_at", "box", "carried_at"),
)


class ReplacedColumns(TypedColumns):
    """An id that a message replaces; the message with it may never have come, or may yet come."""

    box: Named[str] = Column(Text, ForeignKey("boxes.id"))
    id: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    by: Named[str] = Column(Text)


replaced = Table("replaced", metadata, ReplacedColumns, PrimaryKeyConstraint("box", "id"))


class RefusedColumns(TypedColumns):
    """Something that was sent and not taken."""

    id = Column(Integer, primary_key=True)
    digest: Named[str] = Column(Text)
    """The first 16 hexadecimal digits of the BLAKE3 of the frame or the file."""
    message: Named[str] = Column(Text)
    """The id of the message in it; empty: all of it."""
    box: Named[str] = Column(Text)
    """Which box it says that it is of; empty: it does not say."""
    why: Named[str] = Column(Text)
    how: Named[str] = Column(Text)
    at: Named[datetime] = Column(Utc)
    """When it last came."""
    times: Named[int] = Column(server_default=text("1"))


refused = Table("refused", metadata, RefusedColumns, UniqueConstraint("digest", "message"))


class CommandColumns(TypedColumns):
    """Something that the hub tells a box, until the box answers."""

    box: Named[str] = Column(Text, ForeignKey("boxes.id"), index=True)
    id: Named[str] = Column(Text, primary_key=True)
    kind: Named[str] = Column(Text)
    """The name of a wire.down.DownKind, in small letters."""
    body: Named[Any] = Column(Json)
    """To be read by people; `sealed` is what goes."""
    sealed: Named[bytes] = Column(LargeBinary)
    made_at: Named[datetime] = Column(Utc)
    sent_at: Named[datetime | None] = Column(Utc)
    """When it was last handed to the broker or a stick."""
    answered_at: Named[datetime | None] = Column(Utc)
    answer: Named[str | None] = Column(Text)
    """The id of the message in which the box answered."""


commands = Table("commands", metadata, CommandColumns)
