"""Links by which a customer goes on in another channel"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deep_link",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("contact_id", sa.Text(), server_default="", nullable=False),
        sa.Column("conversation_id", sa.Text(), server_default="", nullable=False),
        sa.Column("inbox_id", sa.Text(), server_default="", nullable=False),
        sa.Column("agent_id", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_deep_link"),
    )


def downgrade() -> None:
    op.drop_table("deep_link")
