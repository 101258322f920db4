"""Lists of positions and control points that are given with photos, and what photos without a pose state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("captures", sa.Column("stated", sa.Text(), nullable=True))
    op.create_table(
        "side_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ingest_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["ingest_id"], ["ingests.id"], name=op.f("fk_side_files_ingest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_side_files")),
        sa.UniqueConstraint("digest", name=op.f("uq_side_files_digest")),
    )
    op.create_index("ix_side_files_ingest_id", "side_files", ["ingest_id"])
    op.create_table(
        "side_photos",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["side_files.id"], name=op.f("fk_side_photos_file_id")),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_side_photos_capture_id")),
        sa.PrimaryKeyConstraint("file_id", "capture_id", name=op.f("pk_side_photos")),
    )
    op.create_index("ix_side_photos_capture_id", "side_photos", ["capture_id"])
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
