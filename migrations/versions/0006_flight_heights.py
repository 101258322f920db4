"""Heights of flights whose photos do not state them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "flight_heights",
        sa.Column("flight_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name=op.f("fk_flight_heights_flight_id")),
        sa.PrimaryKeyConstraint("flight_id", name=op.f("pk_flight_heights")),
    )
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
