"""Articles as HTML, reviewed, scheduled and expiring; categories, pictures, test questions, and what was shown"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0014"
branch_labels = None
depends_on = None

_TEXTS = ("html", "submitted_by", "approved_by", "review_note")
_DATES = ("publish_at", "expires_at")


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _key(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("article", _text(name))
    for name in _DATES:
        op.add_column("article", _number(name))
        due = sa.text(f"{name} > 0")
        op.create_index(f"ix_article_{name}", "article", [name], sqlite_where=due, postgresql_where=due)
    for name in ("html", "approved_by"):
        op.add_column("article_version", _text(name))
    op.add_column("article_stream", _text("category_id"))
    op.add_column("article_stream", _count("internal"))
    op.create_table(
        "article_category",
        _key(),
        _text("names", "{}"),
        _number("position"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_category")),
    )
    op.create_table(
        "article_image",
        _key(),
        *map(_text, ("name", "media_type", "sha256", "uploaded_by")),
        *map(_number, ("size", "created_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_image")),
    )
    op.create_table(
        "article_version_image",
        *map(_key, ("article_id", "locale", "image_id")),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "locale", "version", "image_id", name=op.f("pk_article_version_image")),
    )
    op.create_index("ix_article_version_image_image_id", "article_version_image", ["image_id"])
    op.create_table(
        "article_question",
        _key(),
        *map(_text, ("text", "locale", "article_id", "agent_id")),
        _number("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_question")),
    )
    op.create_table(
        "article_use",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *map(_text, ("kind", "article_id", "locale", "conversation_id")),
        *map(_count, ("version", "handed_off")),
        _number("at"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_article_use")),
    )
    op.create_index("ix_article_use_article_id", "article_use", ["article_id", "locale", "at"])
    op.create_index("ix_article_use_conversation_id", "article_use", ["conversation_id"])
    op.create_table(
        "article_use_cursor",
        _key(),
        *map(_number, ("transaction", "event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_use_cursor")),
    )


def downgrade() -> None:
    for name in (
        *("article_use_cursor", "article_use", "article_question"),
        *("article_version_image", "article_image", "article_category"),
    ):
        op.drop_table(name)
    for name in ("internal", "category_id"):
        op.drop_column("article_stream", name)
    for name in ("approved_by", "html"):
        op.drop_column("article_version", name)
    for name in _DATES:
        op.drop_index(f"ix_article_{name}", "article")
    for name in (*_DATES, *_TEXTS):
        op.drop_column("article", name)
