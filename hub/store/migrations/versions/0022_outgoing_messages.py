"""What was last sent to an address is found without what was said there since"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_message_outgoing",
        "message",
        ["identity_id", "event_id"],
        unique=False,
        postgresql_where=sa.text("kind = 'outgoing'"),
        sqlite_where=sa.text("kind = 'outgoing'"),
    )


def downgrade() -> None:
    op.drop_index("ix_message_outgoing", table_name="message")
