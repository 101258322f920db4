"""Tables of what leaves the farm and what comes back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, Named, Table, Text, TypedColumns, text

from fieldbox.i18n import Sentence
from fieldbox.storage.schema.base import metadata
from fieldbox.storage.types import Day, Json, SentenceText, Utc


class MessageColumns(TypedColumns):
    """The outbox: `domain.Message` in rows."""

    id: Named[str] = Column(Text, primary_key=True)
    kind: Named[str] = Column(Text)
    priority: Named[int] = Column(server_default=text("5"))
    """Small goes first."""
    body: Named[str] = Column(Text)
    state: Named[str] = Column(Text)
    attempts: Named[int]
    next_try: Named[datetime | None] = Column(Utc)
    created_at: Named[datetime] = Column(Utc)
    survey_number: Named[int | None] = Column(ForeignKey("surveys.number"), index=True)
    subject: Named[str | None] = Column(Text)
    replaces: Named[Any] = Column(Json, nullable=True)
    expires_at: Named[datetime | None] = Column(Utc)
    sent_at: Named[datetime | None] = Column(Utc)
    carrier: Named[str | None] = Column(Text)
    batch: Named[str | None] = Column(Text, index=True)
    acknowledged_at: Named[datetime | None] = Column(Utc)
    why: Named[Sentence | None] = Column(SentenceText)
    bytes_sent: Named[int] = Column(server_default=text("0"))


_OPEN = "('waiting', 'sent')"

messages = Table(
    "messages",
    metadata,
    MessageColumns,
    Index("ix_messages_subject_id", "subject", "id"),
    Index("ix_messages_open", "priority", text("id DESC"), "state", sqlite_where=text(f"state IN {_OPEN}")),
    Index("ix_messages_settled", "kind", "id", "state", sqlite_where=text(f"state NOT IN {_OPEN}")),
)


class LinkDayColumns(TypedColumns):
    """IP bytes over each link, day by day (UTC)."""

    day: Named[date] = Column(Day, primary_key=True)
    link: Named[str] = Column(Text, primary_key=True)
    sent: Named[int] = Column(server_default=text("0"))
    received: Named[int] = Column(server_default=text("0"))
    connections: Named[int] = Column(server_default=text("0"))


link_days = Table("link_days", metadata, LinkDayColumns)


class CommandColumns(TypedColumns):
    """What the hub told the box to do; kept so that nothing is done twice."""

    id: Named[str] = Column(Text, primary_key=True)
    kind: Named[str] = Column(Text)
    body: Named[Any] = Column(Json, nullable=False)
    issued_at: Named[datetime] = Column(Utc)
    received_at: Named[datetime] = Column(Utc)
    state: Named[str] = Column(Text)
    """done or refused."""
    why: Named[Sentence | None] = Column(SentenceText)


commands = Table("commands", metadata, CommandColumns)


class TextColumns(TypedColumns):
    """Texts (SMS), out and in."""

    id = Column(Integer, primary_key=True)
    way: Named[str] = Column(Text)
    """out or in."""
    number: Named[str] = Column(Text)
    body: Named[str] = Column(Text)
    parts: Named[int]
    state: Named[str] = Column(Text)
    attempts: Named[int] = Column(server_default=text("0"))
    next_try: Named[datetime | None] = Column(Utc)
    created_at: Named[datetime] = Column(Utc)
    sent_at: Named[datetime | None] = Column(Utc)
    delivered_at: Named[datetime | None] = Column(Utc)
    handle: Named[str | None] = Column(Text)
    """By which the modem knows it, or the last report of it."""
    reference: Named[int | None]
    """Of its last part, by the network: delivery reports name it."""
    key: Named[str | None] = Column(Text, unique=True)
    """Of what it tells and to whom, so that it is written once, and read once."""
    code: Named[str | None] = Column(Text)
    """By which a reply names it: 7A1."""
    message_id: Named[str | None] = Column(Text, index=True)
    survey_number: Named[int | None] = Column(ForeignKey("surveys.number"), index=True)
    again: Named[str | None] = Column(Text)
    """What it says if it goes a second time."""
    doubts: Named[int] = Column(server_default=text("0"))
    paid_parts: Named[int] = Column(server_default=text("0"))
    urgent: Named[bool] = Column(server_default=text("0"))
    wish: Named[str | None] = Column(Text)
    """`domain.Order`, which is a word of SQL."""
    why: Named[Sentence | None] = Column(SentenceText)


texts = Table("texts", metadata, TextColumns, Index("ix_texts_state", "state"))
