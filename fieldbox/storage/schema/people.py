"""Tables of people and programs, settings, who did what, and how the box does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, Named, Table, Text, TypedColumns, text

from fieldbox.storage.schema.base import metadata
from fieldbox.storage.types import Json, Utc


class UserColumns(TypedColumns):
    """People who may log in. Names differ by more than case."""

    id = Column(Integer, primary_key=True)
    name: Named[str] = Column(Text(collation="NOCASE"), unique=True)
    password_hash: Named[str] = Column(Text)
    role: Named[str] = Column(Text)
    """A value of domain.Role."""
    created_at: Named[datetime] = Column(Utc)
    active: Named[bool] = Column(server_default=text("1"))
    """Somebody who was shut out keeps the name, which stands in the record of who did what."""
    seen_at: Named[datetime | None] = Column(Utc)
    """The last log-in."""
    sessions: Named[int] = Column(server_default=text("0"))
    """Counted up to end all sessions: each holds the number that stood here when it began."""


users = Table("users", metadata, UserColumns)


class ApiTokenColumns(TypedColumns):
    """Keys of programs: domain.ApiToken in rows."""

    id = Column(Integer, primary_key=True)
    token_hash: Named[str] = Column(Text, unique=True)
    name: Named[str] = Column(Text)
    user_id: Named[int] = Column(ForeignKey("users.id"), index=True)
    scopes: Named[Any] = Column(Json, nullable=False)
    created_at: Named[datetime] = Column(Utc)
    expires_at: Named[datetime | None] = Column(Utc)
    last_used_at: Named[datetime | None] = Column(Utc)
    revoked_at: Named[datetime | None] = Column(Utc)


api_tokens = Table("api_tokens", metadata, ApiTokenColumns)


class LoginTokenColumns(TypedColumns):
    """Links that log somebody in once; the row goes when it is used."""

    token_hash: Named[str] = Column(Text, primary_key=True)
    user_id: Named[int] = Column(ForeignKey("users.id"), index=True)
    expires_at: Named[datetime] = Column(Utc)


login_tokens = Table("login_tokens", metadata, LoginTokenColumns)


class SettingColumns(TypedColumns):
    """Settings that people change on the pages."""

    key: Named[str] = Column(Text, primary_key=True)
    value: Named[str] = Column(Text)


settings = Table("settings", metadata, SettingColumns)


class AuditColumns(TypedColumns):
    """Who did what."""

    id = Column(Integer, primary_key=True)
    at: Named[datetime] = Column(Utc)
    actor: Named[str] = Column(Text)
    action: Named[str] = Column(Text)
    detail: Named[str] = Column(Text)


audit = Table("audit", metadata, AuditColumns)


class VitalColumns(TypedColumns):
    """How the box did: domain.Vital in rows, a few an hour."""

    at: Named[datetime] = Column(Utc, primary_key=True)
    temperature_c: Named[float | None]
    slowed: Named[bool | None]
    weak_power: Named[bool | None]
    disk_free: Named[int]
    disk_total: Named[int]
    memory_free: Named[int | None]
    load: Named[float | None]


vitals = Table("vitals", metadata, VitalColumns, sqlite_with_rowid=False)
