"""How a field is sprayed, how its crop stands, and which share of the weeds a survey's model finds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("fields", sa.Column("spraying", sa.Text(), nullable=True))
    op.add_column("surveys", sa.Column("weed_recall", sa.Double(), nullable=True))
    op.add_column("surveys", sa.Column("stand", sa.Text(), nullable=True))
