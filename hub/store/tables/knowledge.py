"""Articles, their published versions, and the passages that can be found."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from hub.store.tables.base import metadata, number, text

# `title` and `body` are what an editor is writing; `version` is the published one (0: none).
article = Table(
    "article",
    metadata,
    Column("article_id", Text, nullable=False),
    Column("locale", Text, nullable=False),
    text("title"),
    text("body"),
    text("state", server_default="draft"),
    Column("version", Integer, nullable=False, server_default="0"),
    number("updated_at"),
    text("updated_by"),
    PrimaryKeyConstraint("article_id", "locale"),
    Index("ix_article_updated", "updated_at", "article_id", "locale"),
)

article_version = Table(
    "article_version",
    metadata,
    Column("article_id", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("version", Integer, nullable=False),
    text("title"),
    text("body"),
    number("published_at"),
    text("published_by"),
    PrimaryKeyConstraint("article_id", "locale", "version"),
)

# Articles have no row of their own over all locales; the log's numbering needs one.
article_stream = Table(
    "article_stream",
    metadata,
    Column("article_id", Text, primary_key=True),
    number("sequence"),
)

passage = Table(
    "passage",
    metadata,
    Column("article_id", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    text("title"),
    text("text"),
    Column("vectors", LargeBinary, nullable=False),
    PrimaryKeyConstraint("article_id", "locale", "ordinal", "model_id"),
    Index("ix_passage_model_id", "model_id"),
)
