"""Inboxes that fetch for themselves: who does it, how far they came, how they are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listener",
        sa.Column("inbox_id", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("owner", "memory", "notice", "error")
        ),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("lease_until", "seen_at", "behind", "error_since")
        ),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_listener")),
    )


def downgrade() -> None:
    op.drop_table("listener")
