"""The outbox as it is sent: what supersedes what, in which frame a message left, and what links and texts cost."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_OPEN = "('waiting', 'sent')"
_TEXT = ("subject", "replaces", "expires_at", "sent_at", "carrier", "batch", "acknowledged_at", "why")


def upgrade() -> None:
    for name in _TEXT:
        op.add_column("messages", sa.Column(name, sa.Text(), nullable=True))
    op.add_column(
        "messages", sa.Column("bytes_sent", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.create_index("ix_messages_batch", "messages", ["batch"])
    op.create_index("ix_messages_subject_id", "messages", ["subject", "id"])
    op.drop_index("ix_messages_state_priority_id", "messages")
    op.execute(f"CREATE INDEX ix_messages_open ON messages (priority, id DESC, state) WHERE state IN {_OPEN}")
    op.execute(f"CREATE INDEX ix_messages_settled ON messages (kind, id, state) WHERE state NOT IN {_OPEN}")
    _name_anew()
    op.create_table(
        "link_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("received", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("connections", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("day", "link", name="pk_link_days"),
    )
    op.create_table(
        "commands",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    _texts()


def _texts() -> None:
    """What goes and comes by SMS, and what people make of surveys."""
    op.create_table(
        "texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_try", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.Text(), nullable=True),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("reference", sa.Integer(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("survey_number", sa.Integer(), nullable=True),
        sa.Column("again", sa.Text(), nullable=True),
        sa.Column("doubts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("paid_parts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("wish", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["survey_number"], ["surveys.number"], name="fk_texts_survey_number"),
        sa.PrimaryKeyConstraint("id", name="pk_texts"),
        sa.UniqueConstraint("key", name="uq_texts_key"),
    )
    op.create_index("ix_texts_survey_number", "texts", ["survey_number"])
    op.create_index("ix_texts_state", "texts", ["state"])
    op.create_index("ix_texts_message_id", "texts", ["message_id"])
    op.create_table(
        "survey_verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_number", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_number"], ["surveys.number"], name="fk_survey_verdicts_survey_number"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_survey_verdicts"),
    )
    op.create_index("ix_survey_verdicts_survey_number", "survey_verdicts", ["survey_number"])


def _name_anew() -> None:
    """Ids begin with the time from here on; "done" is called what it is; a summary's subject is its survey."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT m.id, m.created_at, m.state, s.flight_id, s.field_id FROM messages m"
            " LEFT JOIN surveys s ON s.number = m.survey_number ORDER BY m.created_at, m.id"
        )
    ).all()
    last = -1
    for identity, created, state, flight, field in rows:
        moment = datetime.fromisoformat(created).astimezone(UTC)
        last = max(last + 1, int(moment.timestamp() * 1000))
        connection.execute(
            sa.text(
                "UPDATE messages SET id = :new, state = :state, priority = 3, subject = :subject WHERE id = :old"
            ),
            {
                "new": f"{last:012x}{identity}",
                "old": identity,
                "state": "acknowledged" if state == "done" else state,
                "subject": None if flight is None else f"survey {flight} {field}",
            },
        )
