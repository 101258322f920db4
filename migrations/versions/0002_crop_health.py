"""Crop plants against their neighbours, and gaps in the crop rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("detections", sa.Column("health", sa.Text(), nullable=True))
    op.add_column("detections", sa.Column("size_z", sa.Double(), nullable=True))
    op.add_column("detections", sa.Column("colour_z", sa.Double(), nullable=True))
    op.add_column("surveys", sa.Column("crop_missing", sa.Integer(), nullable=True))
    op.create_table(
        "gaps",
        sa.Column("survey_number", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start_lat", sa.Double(), nullable=False),
        sa.Column("start_lon", sa.Double(), nullable=False),
        sa.Column("end_lat", sa.Double(), nullable=False),
        sa.Column("end_lon", sa.Double(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["survey_number"], ["surveys.number"], name=op.f("fk_gaps_survey_number")),
        sa.PrimaryKeyConstraint("survey_number", "number", name=op.f("pk_gaps")),
    )
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
