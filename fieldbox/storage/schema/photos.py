"""Tables of what came in: ingests, files, photos, lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
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
from fieldbox.storage.types import CameraTime, Json, SentenceText, Utc


class IngestColumns(TypedColumns):
    """One time that somebody brought photos."""

    id = Column(Integer, primary_key=True)
    source: Named[str] = Column(Text)
    started_at: Named[datetime] = Column(Utc)
    ended_at: Named[datetime | None] = Column(Utc)
    duplicates: Named[int] = Column(server_default=text("0"))
    bands: Named[Any] = Column(Json, nullable=True)
    """Of orthomosaics, as somebody told them; None: they were not told."""


ingests = Table("ingests", metadata, IngestColumns)


class RejectionColumns(TypedColumns):
    """A file that was not taken."""

    id = Column(Integer, primary_key=True)
    ingest_id: Named[int] = Column(ForeignKey("ingests.id"), index=True)
    name: Named[str] = Column(Text)
    reason: Named[Sentence] = Column(SentenceText)


rejections = Table("rejections", metadata, RejectionColumns)


class CaptureColumns(TypedColumns):
    """A photo. Other tables hold the integer, which is short; people and files go by the digest."""

    id = Column(Integer, primary_key=True)
    digest: Named[str] = Column(Text, unique=True)
    ingest_id: Named[int] = Column(ForeignKey("ingests.id"), index=True)
    name: Named[str] = Column(Text)
    size: Named[int]
    taken_at: Named[datetime | None] = Column(CameraTime)
    lat: Named[float | None]
    lon: Named[float | None]
    camera: Named[Any] = Column(Json, nullable=True)
    pose: Named[Any] = Column(Json, nullable=True)
    unplaced: Named[Sentence | None] = Column(SentenceText)
    simulated: Named[bool]
    stated: Named[Any] = Column(Json, nullable=True)
    """domain.Stated by the names of its parts."""
    kind: Named[str | None] = Column(Text)
    """A value of domain.CaptureKind; null: a photo."""
    at: Named[Any] = Column(Json, nullable=True)
    """Which part of its files it is (domain.Source.at)."""
    outline: Named[Any] = Column(Json, nullable=True)
    """domain.Source.outline."""


captures = Table("captures", metadata, CaptureColumns)


class FileColumns(TypedColumns):
    """A file that the box has copied."""

    id = Column(Integer, primary_key=True)
    digest: Named[str] = Column(Text, unique=True)
    size: Named[int] = Column(index=True)
    kind: Named[str] = Column(Text)
    """A value of domain.FileKind."""
    state: Named[str] = Column(Text)
    """A value of domain.FileState."""
    copied_at: Named[datetime] = Column(Utc)
    notes: Named[Any] = Column(Json, nullable=True)
    """Sentences about what it holds, as `Sentence.to_json` writes them."""
    gone_at: Named[datetime | None] = Column(Utc)
    """When it was removed to make room; null: it is there."""


files = Table("files", metadata, FileColumns)


class GivenFileColumns(TypedColumns):
    """Under which name a file came in an ingest, new or known."""

    id = Column(Integer, primary_key=True)
    ingest_id: Named[int] = Column(ForeignKey("ingests.id"))
    name: Named[str] = Column(Text)
    file_id: Named[int] = Column(ForeignKey("files.id"), index=True)


given_files = Table("given_files", metadata, GivenFileColumns, UniqueConstraint("ingest_id", "name"))


class CaptureFileColumns(TypedColumns):
    """Which files a capture is made of; a photo has none here: it is the file of its own digest."""

    capture_id: Named[int] = Column(ForeignKey("captures.id"), primary_key=True)
    position: Named[int] = Column(primary_key=True)
    file_id: Named[int] = Column(ForeignKey("files.id"), index=True)


capture_files = Table("capture_files", metadata, CaptureFileColumns, sqlite_with_rowid=False)


class GlanceColumns(TypedColumns):
    """What a capture looks like at a glance, made when it came in."""

    capture_id: Named[int] = Column(ForeignKey("captures.id"), primary_key=True)
    data: Named[bytes] = Column(LargeBinary)


glances = Table("glances", metadata, GlanceColumns)


class SideFileColumns(TypedColumns):
    """A list of positions or control points that was given with photos. A later one counts more."""

    id = Column(Integer, primary_key=True)
    digest: Named[str] = Column(Text, unique=True)
    ingest_id: Named[int] = Column(ForeignKey("ingests.id"), index=True)
    name: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    """A value of domain.SideKind."""
    system: Named[str | None] = Column(Text)
    data: Named[bytes] = Column(LargeBinary)
    rank: Named[int | None]
    """Those with a higher one count more; null: its id, by an earlier release."""


side_files = Table("side_files", metadata, SideFileColumns)


class SidePhotoColumns(TypedColumns):
    """A photo that a list may mean."""

    file_id: Named[int] = Column(ForeignKey("side_files.id"), primary_key=True)
    capture_id: Named[int] = Column(ForeignKey("captures.id"), primary_key=True, index=True)
    name: Named[str] = Column(Text)
    """Under which the list may know it."""
    named: Named[bool]
    """The list says something of it."""


side_photos = Table("side_photos", metadata, SidePhotoColumns)


class RefusedListColumns(TypedColumns):
    """A list that is about photos of the box and is not used."""

    id = Column(Integer, primary_key=True)
    ingest_id: Named[int] = Column(ForeignKey("ingests.id"), index=True)
    name: Named[str] = Column(Text)
    reason: Named[Sentence] = Column(SentenceText)


refused_lists = Table("refused_lists", metadata, RefusedListColumns)


class RefusedPhotoColumns(TypedColumns):
    """A photo that a refused list names or came with."""

    list_id: Named[int] = Column(ForeignKey("refused_lists.id"), primary_key=True)
    capture_id: Named[int] = Column(ForeignKey("captures.id"), primary_key=True, index=True)


refused_photos = Table("refused_photos", metadata, RefusedPhotoColumns)
