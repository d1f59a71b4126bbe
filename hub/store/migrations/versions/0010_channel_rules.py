"""Reply windows, templates, inboxes that have to stop sending"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "reply_window",
        _key("identity_id"),
        _key("inbox_id"),
        _number("said_at"),
        _number("open_until"),
        sa.PrimaryKeyConstraint("identity_id", "inbox_id", name="pk_reply_window"),
    )
    op.create_table(
        "template",
        _key("id"),
        *map(_text, ("inbox_id", "name", "language", "category", "approval", "data")),
        _number("synced_at"),
        sa.PrimaryKeyConstraint("id", name="pk_template"),
        sa.UniqueConstraint("inbox_id", "name", "language", name="uq_template_inbox_id_name_language"),
    )
    op.create_table(
        "inbox_stop",
        _key("inbox_id"),
        *map(_text, ("code", "reason")),
        *map(_number, ("since", "try_at")),
        sa.PrimaryKeyConstraint("inbox_id", name="pk_inbox_stop"),
    )


def downgrade() -> None:
    for name in ("inbox_stop", "template", "reply_window"):
        op.drop_table(name)
