"""A colleague who is brought into a conversation"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("colleague_id", sa.Text(), server_default="", nullable=False))
    helping = sa.text("colleague_id <> ''")
    op.create_index(
        "ix_conversation_colleague",
        "conversation",
        ["colleague_id", "last_activity_at", "id"],
        postgresql_where=helping,
        sqlite_where=helping,
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_colleague", "conversation")
    op.drop_column("conversation", "colleague_id")
