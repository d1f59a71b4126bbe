"""Outside firms that are asked by mail: their addresses, and which of our messages went to them or came from them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    op.create_table(
        "vendor",
        sa.Column("id", sa.Text(), nullable=False),
        *map(_text, ("name", "language", "inbox_id")),
        sa.Column("same_domain", sa.Integer(), server_default="0", nullable=False),
        sa.Column("active", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor")),
    )
    op.create_table(
        "vendor_address",
        sa.Column("normal", sa.Text(), nullable=False),
        *map(_text, ("vendor_id", "address", "domain")),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("normal", name=op.f("pk_vendor_address")),
    )
    op.create_index("ix_vendor_address_vendor_id", "vendor_address", ["vendor_id"])
    op.create_index("ix_vendor_address_domain", "vendor_address", ["domain"])
    op.create_table(
        "vendor_mail",
        sa.Column("message_id", sa.Text(), nullable=False),
        *map(_text, ("vendor_id", "address")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_vendor_mail")),
    )
    op.create_index("ix_vendor_mail_vendor_id", "vendor_mail", ["vendor_id"])


def downgrade() -> None:
    for name in ("vendor_mail", "vendor_address", "vendor"):
        op.drop_table(name)
