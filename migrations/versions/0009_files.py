"""The files that came in, each with what became of it; captures made of several files, or of a part of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("copied_at", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("digest", name=op.f("uq_files_digest")),
    )
    op.create_index(op.f("ix_files_size"), "files", ["size"])
    op.create_table(
        "given_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ingest_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ingest_id"], ["ingests.id"], name=op.f("fk_given_files_ingest_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_given_files_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_given_files")),
        sa.UniqueConstraint("ingest_id", "name", name=op.f("uq_given_files_ingest_id_name")),
    )
    op.create_index(op.f("ix_given_files_file_id"), "given_files", ["file_id"])
    op.create_table(
        "capture_files",
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_capture_files_capture_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_capture_files_file_id")),
        sa.PrimaryKeyConstraint("capture_id", "position", name=op.f("pk_capture_files")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_capture_files_file_id"), "capture_files", ["file_id"])
    op.create_table(
        "glances",
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_glances_capture_id")),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_glances")),
    )
    op.add_column("surveys", sa.Column("indices", sa.Text(), nullable=True))
    op.add_column("captures", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("captures", sa.Column("at", sa.Text(), nullable=True))
    op.add_column("captures", sa.Column("outline", sa.Text(), nullable=True))
    op.execute(
        "INSERT INTO files (digest, size, kind, state, copied_at)"
        " SELECT captures.digest, captures.size, 'jpg', 'taken', ingests.started_at"
        " FROM captures JOIN ingests ON ingests.id = captures.ingest_id"
    )
    op.execute(
        "INSERT INTO given_files (ingest_id, name, file_id)"
        " SELECT captures.ingest_id, captures.name, files.id"
        " FROM captures JOIN files ON files.digest = captures.digest"
        " WHERE true ON CONFLICT DO NOTHING"
    )
    # The release before can use it; it cannot look at what is no photo, and says so.
    op.execute("PRAGMA user_version = 1")
