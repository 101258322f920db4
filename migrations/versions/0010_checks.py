"""How good each flight was when it came in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "flight_checks",
        sa.Column("flight_id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name=op.f("fk_flight_checks_flight_id")),
        sa.PrimaryKeyConstraint("flight_id", name=op.f("pk_flight_checks")),
    )
