"""Tables of fields and flights, and of the work on them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from fieldbox.i18n import Sentence
from fieldbox.storage.schema.base import metadata
from fieldbox.storage.types import CameraTime, Day, Json, SentenceText, Utc


class FieldColumns(TypedColumns):
    """A piece of land."""

    id = Column(Integer, primary_key=True)
    code: Named[str] = Column(Text, unique=True)
    name: Named[str] = Column(Text, unique=True)
    boundary: Named[Any] = Column(Json, nullable=False)
    drawn: Named[bool]
    crop: Named[str | None] = Column(Text)
    sown_on: Named[date | None] = Column(Day)
    spraying: Named[Any] = Column(Json, nullable=True)
    """domain.Spraying by the names of its parts; null: as it comes."""
    row_deg: Named[float | None]
    """Direction of the crop rows, degrees clockwise from north in [0, 180), as a person told it; null: found by the pixels."""


fields = Table("fields", metadata, FieldColumns)


class FlightColumns(TypedColumns):
    """The captures of one sortie."""

    id: Named[str] = Column(Text, primary_key=True)
    field_id: Named[int | None] = Column(ForeignKey("fields.id"), index=True)
    started_at: Named[datetime | None] = Column(CameraTime)
    ended_at: Named[datetime | None] = Column(CameraTime)
    simulated: Named[bool]
    saved_at: Named[datetime] = Column(Utc, index=True)
    pinned: Named[bool] = Column(server_default=text("0"))
    """Somebody wants its originals kept."""


flights = Table("flights", metadata, FlightColumns)


class MembershipColumns(TypedColumns):
    """Which captures a flight has, in its order."""

    flight_id: Named[str] = Column(Text, ForeignKey("flights.id"), primary_key=True)
    position: Named[int] = Column(primary_key=True)
    capture_id: Named[int] = Column(ForeignKey("captures.id"), index=True)


memberships = Table(
    "memberships",
    metadata,
    MembershipColumns,
    UniqueConstraint("flight_id", "capture_id"),
    sqlite_with_rowid=False,
)


class FlightHeightColumns(TypedColumns):
    """What the photos of a flight do not state and their pixels were asked for: its height, their directions."""

    flight_id: Named[str] = Column(Text, ForeignKey("flights.id"), primary_key=True)
    key: Named[str] = Column(Text)
    """Digest of all that it was found from."""
    found: Named[Any] = Column(Json, nullable=True)
    """domain.FlightHeight by the names of its parts."""
    refused: Named[Sentence | None] = Column(SentenceText)
    headings: Named[Any] = Column(Json, nullable=True)
    """rows.HeadingsRow by the names of its parts, sentences as their JSON; a flight whose height was not looked for has an
    empty key."""


flight_heights = Table("flight_heights", metadata, FlightHeightColumns)


class FlightCheckColumns(TypedColumns):
    """How good a flight was when it came in."""

    flight_id: Named[str] = Column(Text, ForeignKey("flights.id"), primary_key=True)
    made_at: Named[datetime] = Column(Utc)
    told: Named[Any] = Column(Json)
    """domain.FlightCheck by the names of its parts."""


flight_checks = Table("flight_checks", metadata, FlightCheckColumns)


class JobColumns(TypedColumns):
    """The work of looking at one flight with one release."""

    id = Column(Integer, primary_key=True)
    flight_id: Named[str] = Column(Text, ForeignKey("flights.id"), index=True)
    release_sha: Named[str] = Column(Text)
    state: Named[str] = Column(Text)
    attempts: Named[int] = Column(server_default=text("0"))
    deaths: Named[int] = Column(server_default=text("0"))
    step: Named[str] = Column(Text, server_default=text("''"))
    done: Named[int] = Column(server_default=text("0"))
    total: Named[int] = Column(server_default=text("0"))
    reached: Named[Any] = Column(Json, nullable=False, server_default=text("'{}'"))
    """The furthest that each step ever got."""
    reason: Named[Sentence | None] = Column(SentenceText)
    due_at: Named[datetime] = Column(Utc)
    created_at: Named[datetime] = Column(Utc)
    finished_at: Named[datetime | None] = Column(Utc)
    started_at: Named[datetime | None] = Column(Utc)
    """When it was last taken up."""
    spent: Named[Any] = Column(Json, nullable=True)
    """{step: seconds} that its steps took so far."""
    worked: Named[Any] = Column(Json, nullable=True)
    """{step: parts} that were done in these seconds."""
    conditions: Named[Any] = Column(Json, nullable=True)
    """What a map depends on beside the photos' pixels, as it was when the work was last taken up (`storage.conditions`)."""
    anew: Named[str | None] = Column(Text)
    """Every photo is to be looked at again: wanted, or begun once what was kept is dropped; null: what is kept counts."""
    stop_by: Named[str | None] = Column(Text)
    """Who wants the work to stop."""


jobs = Table(
    "jobs",
    metadata,
    JobColumns,
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
    Index(
        "uq_jobs_live",
        "flight_id",
        "release_sha",
        unique=True,
        sqlite_where=text("state IN ('waiting', 'running')"),
    ),
    Index("ix_jobs_state_due_at", "state", "due_at"),
)


class ViewColumns(TypedColumns):
    """What looking at one view gave; kept until the survey is saved."""

    id = Column(Integer, primary_key=True)
    plan_key: Named[str] = Column(Text)
    release_sha: Named[str] = Column(Text)
    digest: Named[str] = Column(Text, ForeignKey("captures.digest"))
    payload: Named[bytes] = Column(LargeBinary)
    patch: Named[str | None] = Column(Text)


views = Table(
    "views",
    metadata,
    ViewColumns,
    UniqueConstraint("plan_key", "release_sha", "digest"),
    Index("ix_views_digest", "digest"),
)


class ControlPointColumns(TypedColumns):
    """A place of a field that is known from the ground: domain.MarkedPoint in rows."""

    id = Column(Integer, primary_key=True)
    field_id: Named[int] = Column(ForeignKey("fields.id"))
    name: Named[str] = Column(Text)
    lat: Named[float]
    lon: Named[float]
    height_m: Named[float | None]
    error_m: Named[float]
    made_by: Named[str] = Column(Text)
    made_at: Named[datetime] = Column(Utc)


control_points = Table("control_points", metadata, ControlPointColumns, UniqueConstraint("field_id", "name"))


class ControlMarkColumns(TypedColumns):
    """Where a photo shows a control point."""

    point_id: Named[int] = Column(ForeignKey("control_points.id"), primary_key=True)
    capture_id: Named[int] = Column(ForeignKey("captures.id"), primary_key=True, index=True)
    pixel_x: Named[float]
    pixel_y: Named[float]


control_marks = Table("control_marks", metadata, ControlMarkColumns)
