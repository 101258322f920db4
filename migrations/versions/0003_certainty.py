"""Which plants are sure, what the ladder of doubt did, and what weed figures rest on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("detections", sa.Column("sure", sa.Boolean(), server_default=sa.text("1"), nullable=False))
    op.add_column("surveys", sa.Column("weed_basis", sa.Text(), nullable=True))
    op.add_column("surveys", sa.Column("ladder", sa.Text(), nullable=True))
    op.execute("UPDATE surveys SET weed_basis = 'plants' WHERE weed_cover_pct IS NOT NULL")
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
