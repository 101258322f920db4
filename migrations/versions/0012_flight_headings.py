"""Directions of photos that do not state them, as their pixels tell, beside the heights of such flights."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("flight_heights", sa.Column("headings", sa.Text(), nullable=True))
