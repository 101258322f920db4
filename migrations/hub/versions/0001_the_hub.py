"""The hub's first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _boxes()
    _messages()
    op.create_table(
        "refused",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.PrimaryKeyConstraint("id", name="pk_refused"),
        sa.UniqueConstraint("digest", "message", name="uq_refused_digest_message"),
    )
    op.create_table(
        "commands",
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["box"], ["boxes.id"], name="fk_commands_box"),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    op.create_index("ix_commands_box", "commands", ["box"])
    if op.get_bind().dialect.name == "sqlite":
        # The number of the oldest schema whose release can still use the database after this.
        op.execute("PRAGMA user_version = 1")


def _boxes() -> None:
    op.create_table(
        "boxes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.Text(), nullable=True),
        sa.Column("heard_over", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_boxes"),
    )
    op.create_table(
        "certificates",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["box"], ["boxes.id"], name="fk_certificates_box"),
        sa.PrimaryKeyConstraint("serial", name="pk_certificates"),
    )
    op.create_index("ix_certificates_box", "certificates", ["box"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("frame", sa.Text(), nullable=False),
        sa.Column("carried_at", sa.Text(), nullable=True),
        sa.Column("replaced_by", sa.Text(), nullable=True),
        sa.Column("replaces_first", sa.Text(), nullable=True),
        sa.Column("replaces_last", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["box"], ["boxes.id"], name="fk_messages_box"),
        sa.PrimaryKeyConstraint("box", "id", name="pk_messages"),
    )
    op.create_index("ix_messages_received_at", "messages", ["received_at"])
    standing = sa.text("replaced_by IS NULL")
    op.create_index(
        "ix_messages_standing",
        "messages",
        ["box", "kind", "id"],
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_index("ix_messages_ranges", "messages", ["box", "replaces_last"])
    op.create_index("ix_messages_carried_at", "messages", ["box", "carried_at"])
    op.create_table(
        "replaced",
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.id"], name="fk_replaced_box"),
        sa.PrimaryKeyConstraint("box", "id", name="pk_replaced"),
    )
