"""Edits, reactions and withdrawals that come before the message that they are about"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "early_change",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("inbox_id", "target", "digest")),
        sa.Column("change", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("inbox_id", "target", "digest", name=op.f("pk_early_change")),
    )


def downgrade() -> None:
    op.drop_table("early_change")
