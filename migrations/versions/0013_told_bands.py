"""What somebody said the bands of an ingest's orthomosaics are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("ingests", sa.Column("bands", sa.Text(), nullable=True))
