"""Which list and which survey counts, also where an earlier one counts again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("side_files", sa.Column("rank", sa.Integer(), nullable=True))
    op.add_column("surveys", sa.Column("counts_from", sa.Text(), nullable=True))
    op.execute("PRAGMA user_version = 1")  # the first release can use it: all that is new may be left out
