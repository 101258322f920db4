"""What the pages keep: roles and keys of programs, verdicts on plants, control points, how the box does, what work takes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("users", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("1")))
    op.add_column("users", sa.Column("seen_at", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("sessions", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("fields", sa.Column("row_deg", sa.Double(), nullable=True))
    for name in ("started_at", "spent", "worked", "conditions", "anew", "stop_by"):
        op.add_column("jobs", sa.Column(name, sa.Text(), nullable=True))
    _keys()
    _labels()
    _control()
    _vitals()


def _keys() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_tokens_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("detection_id", sa.Integer(), nullable=False),
        sa.Column("survey_number", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("pixel_x", "pixel_y", "lat", "lon", "area_cm2")
        ),
        sa.Column("cover", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("release_sha", sa.Text(), nullable=False),
        sa.Column("by_chance", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("verdict", "who", "at")),
        sa.Column("undone_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["detection_id"], ["detections.id"], name="fk_labels_detection_id"),
        sa.ForeignKeyConstraint(["survey_number"], ["surveys.number"], name="fk_labels_survey_number"),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name="fk_labels_capture_id"),
        sa.PrimaryKeyConstraint("id", name="pk_labels"),
        sa.UniqueConstraint("act", name="uq_labels_act"),
    )
    standing = sa.text("undone_at IS NULL")
    op.create_index("ix_labels_capture_id", "labels", ["capture_id"])
    op.create_index(
        "ix_labels_one_each", "labels", ["detection_id", "who"], unique=True, sqlite_where=standing
    )
    columns = ["survey_number", "detection_id", "who", "verdict", "sure", "by_chance"]
    op.create_index("ix_labels_standing", "labels", columns, sqlite_where=standing)
    op.create_index("ix_labels_release_sha_at", "labels", ["release_sha", "at"])


def _control() -> None:
    op.create_table(
        "control_points",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("error_m", sa.Double(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["field_id"], ["fields.id"], name="fk_control_points_field_id"),
        sa.PrimaryKeyConstraint("id", name="pk_control_points"),
        sa.UniqueConstraint("field_id", "name", name="uq_control_points_field_id_name"),
    )
    op.create_table(
        "control_marks",
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("pixel_x", sa.Double(), nullable=False),
        sa.Column("pixel_y", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["control_points.id"], name="fk_control_marks_point_id"),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name="fk_control_marks_capture_id"),
        sa.PrimaryKeyConstraint("point_id", "capture_id", name="pk_control_marks"),
    )
    op.create_index("ix_control_marks_capture_id", "control_marks", ["capture_id"])


def _vitals() -> None:
    op.create_table(
        "vitals",
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.Column("slowed", sa.Boolean(), nullable=True),
        sa.Column("weak_power", sa.Boolean(), nullable=True),
        sa.Column("disk_free", sa.Integer(), nullable=False),
        sa.Column("disk_total", sa.Integer(), nullable=False),
        sa.Column("memory_free", sa.Integer(), nullable=True),
        sa.Column("load", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("at", name="pk_vitals"),
        sqlite_with_rowid=False,
    )
