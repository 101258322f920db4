"""Originals that were removed to make room, and flights whose originals somebody wants kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("files", sa.Column("gone_at", sa.Text(), nullable=True))
    op.add_column("flights", sa.Column("pinned", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    # A release before would take a photo that was removed for a damaged one, and drop its place.
    op.execute("PRAGMA user_version = 11")
