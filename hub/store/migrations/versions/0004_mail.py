"""Mail: every message as it came"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("inbox_id", "origin", "state", "field", "rule", "message_id", "sha256")
        ),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in ("size", "at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_index("ix_source_origin", "source", ["inbox_id", "origin"])
    op.create_index("ix_source_list", "source", ["inbox_id", "id"])
    op.create_index("ix_source_message_id", "source", ["message_id"])


def downgrade() -> None:
    op.drop_table("source")
