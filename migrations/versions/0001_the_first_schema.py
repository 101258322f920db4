"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "fields",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("boundary", sa.Text(), nullable=False),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.Column("crop", sa.Text(), nullable=True),
        sa.Column("sown_on", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fields")),
        sa.UniqueConstraint("code", name=op.f("uq_fields_code")),
        sa.UniqueConstraint("name", name=op.f("uq_fields_name")),
    )
    op.create_table(
        "ingests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("duplicates", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingests")),
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(collation="NOCASE"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "captures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ingest_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.Text(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("camera", sa.Text(), nullable=True),
        sa.Column("pose", sa.Text(), nullable=True),
        sa.Column("unplaced", sa.Text(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ingest_id"], ["ingests.id"], name=op.f("fk_captures_ingest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captures")),
        sa.UniqueConstraint("digest", name=op.f("uq_captures_digest")),
    )
    op.create_index(op.f("ix_captures_ingest_id"), "captures", ["ingest_id"], unique=False)

    op.create_table(
        "flights",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("saved_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["field_id"], ["fields.id"], name=op.f("fk_flights_field_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flights")),
    )
    op.create_index(op.f("ix_flights_field_id"), "flights", ["field_id"], unique=False)
    op.create_index(op.f("ix_flights_saved_at"), "flights", ["saved_at"], unique=False)

    op.create_table(
        "login_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_login_tokens_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login_tokens")),
    )
    op.create_index(op.f("ix_login_tokens_user_id"), "login_tokens", ["user_id"], unique=False)

    op.create_table(
        "rejections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ingest_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ingest_id"], ["ingests.id"], name=op.f("fk_rejections_ingest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejections")),
    )
    op.create_index(op.f("ix_rejections_ingest_id"), "rejections", ["ingest_id"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("flight_id", sa.Text(), nullable=False),
        sa.Column("release_sha", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("deaths", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("step", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reached", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_jobs_state")),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name=op.f("fk_jobs_flight_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_flight_id"), "jobs", ["flight_id"], unique=False)
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"], unique=False)
    op.create_index(
        "uq_jobs_live",
        "jobs",
        ["flight_id", "release_sha"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'running')"),
    )

    op.create_table(
        "memberships",
        sa.Column("flight_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_memberships_capture_id")),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name=op.f("fk_memberships_flight_id")),
        sa.PrimaryKeyConstraint("flight_id", "position", name=op.f("pk_memberships")),
        sa.UniqueConstraint("flight_id", "capture_id", name=op.f("uq_memberships_flight_id_capture_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_memberships_capture_id"), "memberships", ["capture_id"], unique=False)

    op.create_table(
        "surveys",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("flight_id", sa.Text(), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=False),
        sa.Column("plan_key", sa.Text(), nullable=False),
        sa.Column("release_sha", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("area_ha", sa.Double(), nullable=False),
        sa.Column("gsd_cm", sa.Double(), nullable=False),
        sa.Column("weed_cover_pct", sa.Double(), nullable=True),
        sa.Column("weed_count", sa.Integer(), nullable=True),
        sa.Column("crop_cover_pct", sa.Double(), nullable=True),
        sa.Column("crop_count", sa.Integer(), nullable=True),
        sa.Column("health_index", sa.Double(), nullable=True),
        sa.Column("unsure_pct", sa.Double(), nullable=True),
        sa.Column("unseen_pct", sa.Double(), nullable=False),
        sa.Column("position_error_m", sa.Double(), nullable=False),
        sa.Column("intervals", sa.Text(), nullable=False),
        sa.Column("layer_label", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("photos_used", sa.Integer(), nullable=False),
        sa.Column("photos_unplaced", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["field_id"], ["fields.id"], name=op.f("fk_surveys_field_id")),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name=op.f("fk_surveys_flight_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_surveys")),
        sa.UniqueConstraint(
            "flight_id", "plan_key", "release_sha", name=op.f("uq_surveys_flight_id_plan_key_release_sha")
        ),
        sa.UniqueConstraint("id", name=op.f("uq_surveys_id")),
    )
    op.create_index("ix_surveys_field_id_made_at", "surveys", ["field_id", "made_at"], unique=False)

    op.create_table(
        "views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_key", sa.Text(), nullable=False),
        sa.Column("release_sha", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("patch", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["digest"], ["captures.digest"], name=op.f("fk_views_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_views")),
        sa.UniqueConstraint(
            "plan_key", "release_sha", "digest", name=op.f("uq_views_plan_key_release_sha_digest")
        ),
    )
    op.create_index("ix_views_digest", "views", ["digest"], unique=False)

    op.create_table(
        "detections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_number", sa.Integer(), nullable=False),
        sa.Column("cover", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("area_cm2", sa.Double(), nullable=False),
        sa.Column("position_error_m", sa.Double(), nullable=False),
        sa.Column("outline", sa.LargeBinary(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("pixel_x", sa.Double(), nullable=False),
        sa.Column("pixel_y", sa.Double(), nullable=False),
        sa.CheckConstraint("cover IN ('crop', 'weed')", name=op.f("ck_detections_cover")),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_detections_place")
        ),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_detections_capture_id")),
        sa.ForeignKeyConstraint(
            ["survey_number"], ["surveys.number"], name=op.f("fk_detections_survey_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detections")),
    )
    op.create_index("ix_detections_capture_id", "detections", ["capture_id"], unique=False)
    op.create_index(op.f("ix_detections_survey_number"), "detections", ["survey_number"], unique=False)

    op.create_table(
        "hotspots",
        sa.Column("survey_number", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("east", sa.Double(), nullable=False),
        sa.Column("north", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("weed_cover", sa.Double(), nullable=False),
        sa.Column("weed_count", sa.Integer(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("pixel_x", sa.Double(), nullable=False),
        sa.Column("pixel_y", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_number"], ["surveys.number"], name=op.f("fk_hotspots_survey_number")
        ),
        sa.PrimaryKeyConstraint("survey_number", "rank", name=op.f("pk_hotspots")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default=sa.text("5"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("survey_number", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["survey_number"], ["surveys.number"], name=op.f("fk_messages_survey_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index("ix_messages_state_priority_id", "messages", ["state", "priority", "id"], unique=False)
    op.create_index(op.f("ix_messages_survey_number"), "messages", ["survey_number"], unique=False)
    # A virtual table, unknown to Alembic. See PlaceColumns in fieldbox/storage/schema.
    op.execute(
        "CREATE VIRTUAL TABLE detection_places USING rtree("
        "id, west, east, south, north, first_survey, last_survey)"
    )
    op.execute("PRAGMA user_version = 1")  # the oldest schema whose release can use this database
