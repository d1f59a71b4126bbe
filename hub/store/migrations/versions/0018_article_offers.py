"""How often an article was offered, and picked of several; which sentence models have read all articles"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "article_offer",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("event_id", "article_id", name=op.f("pk_article_offer")),
    )
    op.create_table(
        "search_model",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("complete_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_search_model")),
    )
    op.create_index("ix_article_offer_article_id", "article_offer", ["article_id", "locale", "at"])


def downgrade() -> None:
    op.drop_table("search_model")
    op.drop_table("article_offer")
