"""Tables of what flights say of fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from fieldbox.storage.schema.base import metadata
from fieldbox.storage.types import Json, Utc


class SurveyColumns(TypedColumns):
    """What one flight says about one field under one release. `number` is the short name for the R*Tree."""

    number = Column(Integer, primary_key=True)
    id: Named[str] = Column(Text, unique=True)
    flight_id: Named[str] = Column(Text, ForeignKey("flights.id"))
    field_id: Named[int] = Column(ForeignKey("fields.id"))
    plan_key: Named[str] = Column(Text)
    release_sha: Named[str] = Column(Text)
    release: Named[str] = Column(Text)
    made_at: Named[datetime] = Column(Utc)
    area_ha: Named[float]
    gsd_cm: Named[float]
    weed_cover_pct: Named[float | None]
    weed_count: Named[int | None]
    crop_cover_pct: Named[float | None]
    crop_count: Named[int | None]
    health_index: Named[float | None]
    unsure_pct: Named[float | None]
    unseen_pct: Named[float]
    position_error_m: Named[float]
    intervals: Named[Any] = Column(Json, nullable=False)
    """{estimate: [low, high]} of those that are known."""
    layer_label: Named[str] = Column(Text)
    warnings: Named[Any] = Column(Json, nullable=False)
    photos_used: Named[int]
    photos_unplaced: Named[int]
    crop_missing: Named[int | None]
    weed_basis: Named[str | None] = Column(Text)
    """A value of domain.WeedBasis; null: no weeds are called."""
    ladder: Named[Any] = Column(Json, nullable=True)
    """{name: count} of domain.Ladder."""
    quality: Named[Any] = Column(Json, nullable=True)
    """domain.Quality by the names of its parts."""
    indices: Named[Any] = Column(Json, nullable=True)
    weed_recall: Named[float | None]
    stand: Named[Any] = Column(Json, nullable=True)
    """domain.CropStand by the names of its parts."""
    counts_from: Named[datetime | None] = Column(Utc, nullable=True)
    """When an older survey became its flight's again; null: since it was made."""


surveys = Table(
    "surveys",
    metadata,
    SurveyColumns,
    UniqueConstraint("flight_id", "plan_key", "release_sha"),
    Index("ix_surveys_field_id_made_at", "field_id", "made_at"),
)


class HotspotColumns(TypedColumns):
    """A group of cells with many weeds."""

    survey_number: Named[int] = Column(ForeignKey("surveys.number"), primary_key=True)
    rank: Named[int] = Column(primary_key=True)
    east: Named[float]
    north: Named[float]
    lat: Named[float]
    lon: Named[float]
    area_m2: Named[float]
    weed_cover: Named[float]
    weed_count: Named[int | None]
    digest: Named[str] = Column(Text)
    pixel_x: Named[float]
    pixel_y: Named[float]


hotspots = Table("hotspots", metadata, HotspotColumns)


class DetectionColumns(TypedColumns):
    """A single plant. Its centre is in the R*Tree `detection_places` under the same id."""

    id = Column(Integer, primary_key=True)
    survey_number: Named[int] = Column(ForeignKey("surveys.number"), index=True)
    cover: Named[str] = Column(Text)
    score: Named[float]
    lat: Named[float]
    lon: Named[float]
    area_cm2: Named[float]
    position_error_m: Named[float]
    outline: Named[bytes] = Column(LargeBinary)
    """Little-endian float32 pairs: longitude and latitude minus the centre's, degrees."""
    capture_id: Named[int] = Column(ForeignKey("captures.id"))
    pixel_x: Named[float]
    pixel_y: Named[float]
    health: Named[str | None] = Column(Text)
    """Of a crop plant: a value of domain.PlantHealth; null: not judged."""
    size_z: Named[float | None]
    colour_z: Named[float | None]
    sure: Named[bool] = Column(server_default=text("1"))


detections = Table(
    "detections",
    metadata,
    DetectionColumns,
    CheckConstraint("cover IN ('crop', 'weed')", name="cover"),
    CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="place"),
    Index("ix_detections_capture_id", "capture_id"),
)


class GapColumns(TypedColumns):
    """A stretch of a crop row where plants are missing."""

    survey_number: Named[int] = Column(ForeignKey("surveys.number"), primary_key=True)
    number: Named[int] = Column(primary_key=True)
    start_lat: Named[float]
    start_lon: Named[float]
    end_lat: Named[float]
    end_lon: Named[float]
    missing: Named[int]


gaps = Table("gaps", metadata, GapColumns)


class PlacementColumns(TypedColumns):
    """Where a survey's alignment put a photo."""

    survey_number: Named[int] = Column(ForeignKey("surveys.number"), primary_key=True)
    capture_id: Named[int] = Column(ForeignKey("captures.id"), primary_key=True, index=True)
    block: Named[int | None]
    error95_m: Named[float]
    moved_m: Named[float]
    residual_px: Named[float | None]
    ties: Named[int]
    pose: Named[Any] = Column(Json, nullable=False)
    doubts: Named[Any] = Column(Json, nullable=False)
    footprint: Named[Any] = Column(Json, nullable=False)
    why: Named[str | None] = Column(Text)
    """A value of domain.NotAligned; null: aligned, or made before this was kept."""


placements = Table("placements", metadata, PlacementColumns)


class PlaceColumns(TypedColumns):
    """Centres of detections; the third dimension is the survey's number, so that others are not visited.

    SQLite keeps these as float32, rounded outwards: a look-up gives a few too many, never too few.
    """

    id = Column(Integer, primary_key=True)
    west: Named[float]
    east: Named[float]
    south: Named[float]
    north: Named[float]
    first_survey: Named[float]
    last_survey: Named[float]


detection_places = Table("detection_places", MetaData(), PlaceColumns)
"""A virtual table: made by hand in the migration, so not in `metadata`."""


class SurveyVerdictColumns(TypedColumns):
    """What people on the ground make of a survey."""

    id = Column(Integer, primary_key=True)
    survey_number: Named[int] = Column(ForeignKey("surveys.number"), index=True)
    verdict: Named[str] = Column(Text)
    """right or wrong."""
    way: Named[str] = Column(Text)
    """sms, hub or dashboard."""
    who: Named[str] = Column(Text)
    at: Named[datetime] = Column(Utc)


survey_verdicts = Table("survey_verdicts", metadata, SurveyVerdictColumns)


class LabelColumns(TypedColumns):
    """What people say of single plants: domain.Label in rows."""

    id = Column(Integer, primary_key=True)
    act: Named[str] = Column(Text, unique=True)
    """Names the giving of it, by who gives it: what is sent again because an answer got lost counts once."""
    detection_id: Named[int] = Column(ForeignKey("detections.id"))
    survey_number: Named[int] = Column(ForeignKey("surveys.number"))
    capture_id: Named[int] = Column(ForeignKey("captures.id"), index=True)
    pixel_x: Named[float]
    pixel_y: Named[float]
    lat: Named[float]
    lon: Named[float]
    area_cm2: Named[float]
    cover: Named[str] = Column(Text)
    score: Named[float]
    sure: Named[bool]
    release_sha: Named[str] = Column(Text)
    by_chance: Named[bool]
    verdict: Named[str] = Column(Text)
    """A value of domain.LabelVerdict."""
    who: Named[str] = Column(Text)
    at: Named[datetime] = Column(Utc)
    undone_at: Named[datetime | None] = Column(Utc)


STANDING = "undone_at IS NULL"
labels = Table(
    "labels",
    metadata,
    LabelColumns,
    Index("ix_labels_one_each", "detection_id", "who", unique=True, sqlite_where=text(STANDING)),
    Index(
        "ix_labels_standing",
        *("survey_number", "detection_id", "who", "verdict", "sure", "by_chance"),
        sqlite_where=text(STANDING),
    ),
    Index("ix_labels_release_sha_at", "release_sha", "at"),
)
