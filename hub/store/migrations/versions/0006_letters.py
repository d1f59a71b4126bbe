"""What mails have besides their text: ids that replies name, subjects, whole bodies, who else got them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "letter_id",
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("topic", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("inbox_id", "id", "message_id", name=op.f("pk_letter_id")),
    )
    op.create_index("ix_letter_id_message_id", "letter_id", ["message_id"])
    op.create_table(
        "letter",
        sa.Column("message_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("subject", "whole", "html")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_letter")),
    )
    op.create_table(
        "letter_copy",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "address", name=op.f("pk_letter_copy")),
    )
    for name in ("sender", "subject"):
        op.add_column("source", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_index("ix_source_state", "source", ["state", "id"])


def downgrade() -> None:
    op.drop_index("ix_source_state", "source")
    for name in ("subject", "sender"):
        op.drop_column("source", name)
    for name in ("letter_copy", "letter", "letter_id"):
        op.drop_table(name)
