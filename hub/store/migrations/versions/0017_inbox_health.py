"""How inboxes are: when their providers last called, what they say of the account"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "inbox_health",
        sa.Column("inbox_id", sa.Text(), nullable=False),
        *map(_number, ("heard_at", "sent_at", "refused_at")),
        _text("refusal"),
        _number("checked_at"),
        *map(_text, ("code", "error", "state")),
        *map(_number, ("check_at", "renewed_at")),
        sa.PrimaryKeyConstraint("inbox_id", name="pk_inbox_health"),
    )


def downgrade() -> None:
    op.drop_table("inbox_health")
