"""Where the alignment put each photo, and how good that is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("surveys", sa.Column("quality", sa.Text(), nullable=True))
    op.create_table(
        "placements",
        sa.Column("survey_number", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=True),
        sa.Column("error95_m", sa.Double(), nullable=False),
        sa.Column("moved_m", sa.Double(), nullable=False),
        sa.Column("residual_px", sa.Double(), nullable=True),
        sa.Column("ties", sa.Integer(), nullable=False),
        sa.Column("pose", sa.Text(), nullable=False),
        sa.Column("doubts", sa.Text(), nullable=False),
        sa.Column("footprint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_number"], ["surveys.number"], name=op.f("fk_placements_survey_number")
        ),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_placements_capture_id")),
        sa.PrimaryKeyConstraint("survey_number", "capture_id", name=op.f("pk_placements")),
    )
    op.create_index("ix_placements_capture_id", "placements", ["capture_id"])
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
