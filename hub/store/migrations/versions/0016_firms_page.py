"""A page by which outside firms answer, which customers are told of a firm, and what of it has ended"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("vendor", sa.Column("tell_customer", sa.Integer(), server_default="1", nullable=False))
    op.add_column("vendor_mail", sa.Column("ended", sa.Text(), server_default="", nullable=False))
    op.add_column("vendor_mail", sa.Column("told", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("vendor_mail", "told")
    op.drop_column("vendor_mail", "ended")
    op.drop_column("vendor", "tell_customer")
