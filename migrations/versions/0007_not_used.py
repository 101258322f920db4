"""Lists that are not used, by photo; why a photo could not be aligned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "refused_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ingest_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ingest_id"], ["ingests.id"], name=op.f("fk_refused_lists_ingest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_lists")),
    )
    op.create_index(op.f("ix_refused_lists_ingest_id"), "refused_lists", ["ingest_id"])
    op.create_table(
        "refused_photos",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["refused_lists.id"], name=op.f("fk_refused_photos_list_id")),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_refused_photos_capture_id")),
        sa.PrimaryKeyConstraint("list_id", "capture_id", name=op.f("pk_refused_photos")),
    )
    op.create_index(op.f("ix_refused_photos_capture_id"), "refused_photos", ["capture_id"])
    op.add_column("placements", sa.Column("why", sa.Text(), nullable=True))
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
