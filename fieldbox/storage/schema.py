"""The tables. A change here needs a migration in `migrations/versions`; a test holds the two together.

Constraints are named, because SQLite changes a table by copying it and Alembic must know what to copy.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

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

from fieldbox.i18n import Sentence
from fieldbox.storage.types import NAMES, CameraTime, Day, Json, SentenceText, Utc

REVISION: Final = "0015"
"""The newest migration, so that opening an up-to-date database need not load Alembic."""

metadata = MetaData(naming_convention=NAMES)


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


class UserColumns(TypedColumns):
    """People who may log in. Names differ by more than case."""

    id = Column(Integer, primary_key=True)
    name: Named[str] = Column(Text(collation="NOCASE"), unique=True)
    password_hash: Named[str] = Column(Text)
    role: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(Utc)


users = Table("users", metadata, UserColumns)


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
