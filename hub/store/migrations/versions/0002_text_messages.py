"""Text messages: where a number may not be written to, files that providers keep, who verified themselves how"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "do_not_contact",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _text("how"),
        _text("inbox_id"),
        _text("conversation_id"),
        _number("since"),
        sa.PrimaryKeyConstraint("kind", "address", name=op.f("pk_do_not_contact")),
    )
    op.create_table(
        "remote_media",
        sa.Column("id", sa.Text(), nullable=False),
        _text("message_id"),
        _text("inbox_id"),
        _number("position"),
        _text("url"),
        _text("media_type"),
        _text("name"),
        _number("size"),
        _text("state", "pending"),
        _text("reason"),
        _text("attachment_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_media")),
    )
    op.create_index("ix_remote_media_message_id", "remote_media", ["message_id"])
    op.create_table(
        "sender_pace",
        sa.Column("sender", sa.Text(), nullable=False),
        _number("next_at"),
        sa.PrimaryKeyConstraint("sender", name=op.f("pk_sender_pace")),
    )
    op.add_column("conversation", _text("verified_identity"))
    op.add_column("identity", _text("wire_address"))
    op.add_column("identity", _text("stated_by"))
    op.add_column("outbox", _number("slot_at"))


def downgrade() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("slot_at")
    with op.batch_alter_table("identity") as batch:
        batch.drop_column("stated_by")
        batch.drop_column("wire_address")
    with op.batch_alter_table("conversation") as batch:
        batch.drop_column("verified_identity")
    op.drop_table("sender_pace")
    op.drop_index("ix_remote_media_message_id", "remote_media")
    op.drop_table("remote_media")
    op.drop_table("do_not_contact")
