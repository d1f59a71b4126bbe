"""Articles, their published versions, and the passages that can be found."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy import text as sql

from hub.store.tables.base import key, metadata, number, text

# `title`, `body` and `html` are what an editor is writing: `html` is clean, `body` its words alone; `html` is empty
# where the article came as plain text. `version` is the public one (0: none), `state` one of `hub.domain.articles`.
article = Table(
    "article",
    metadata,
    Column("article_id", Text, nullable=False),
    Column("locale", Text, nullable=False),
    text("title"),
    text("body"),
    text("html"),
    text("state", server_default="draft"),
    Column("version", Integer, nullable=False, server_default="0"),
    number("updated_at"),
    text("updated_by"),
    text("submitted_by"),
    text("approved_by"),
    text("review_note"),
    number("publish_at"),
    number("expires_at"),
    PrimaryKeyConstraint("article_id", "locale"),
    Index("ix_article_updated", "updated_at", "article_id", "locale"),
    Index(
        "ix_article_publish_at",
        "publish_at",
        sqlite_where=sql("publish_at > 0"),
        postgresql_where=sql("publish_at > 0"),
    ),
    Index(
        "ix_article_expires_at",
        "expires_at",
        sqlite_where=sql("expires_at > 0"),
        postgresql_where=sql("expires_at > 0"),
    ),
)

article_version = Table(
    "article_version",
    metadata,
    Column("article_id", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("version", Integer, nullable=False),
    text("title"),
    text("body"),
    text("html"),
    number("published_at"),
    text("published_by"),
    text("approved_by"),
    PrimaryKeyConstraint("article_id", "locale", "version"),
)

# What all locales of an article share: its place in the log, its category, and whether only the firm reads it.
article_stream = Table(
    "article_stream",
    metadata,
    Column("article_id", Text, primary_key=True),
    number("sequence"),
    text("category_id"),
    Column("internal", Integer, nullable=False, server_default="0"),
)

# `names` is JSON: the name in each locale.
article_category = Table(
    "article_category",
    metadata,
    key(),
    text("names", server_default="{}"),
    number("position"),
)

article_image = Table(
    "article_image",
    metadata,
    key(),
    text("name"),
    text("media_type"),
    number("size"),
    text("sha256"),
    text("uploaded_by"),
    number("created_at"),
)

# Which published text shows which picture: customers may open those of public articles alone.
article_version_image = Table(
    "article_version_image",
    metadata,
    Column("article_id", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("image_id", Text, nullable=False),
    PrimaryKeyConstraint("article_id", "locale", "version", "image_id"),
    Index("ix_article_version_image_image_id", "image_id"),
)

# Questions whose right answer editors know; `article_id` empty: none answers it, and saying so is right.
article_question = Table(
    "article_question",
    metadata,
    key(),
    text("text"),
    text("locale"),
    text("article_id"),
    text("agent_id"),
    number("at"),
)

# Read from the log (`hub.services.article_figures`): an article was shown to a customer, or rated by one.
article_use = Table(
    "article_use",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    text("kind"),
    text("article_id"),
    text("locale"),
    Column("version", Integer, nullable=False, server_default="0"),
    text("conversation_id"),
    Column("handed_off", Integer, nullable=False, server_default="0"),
    number("at"),
    Index("ix_article_use_article_id", "article_id", "locale", "at"),
    Index("ix_article_use_conversation_id", "conversation_id"),
)

# Read from the log, too: an article was one of those offered ("did you mean"), or the one that the customer picked.
article_offer = Table(
    "article_offer",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", Text, primary_key=True),
    text("kind"),
    text("locale"),
    number("at"),
    Index("ix_article_offer_article_id", "article_id", "locale", "at"),
)

# Which sets of sentence models have read all articles (`model` is the setting that names one), and when.
search_model = Table("search_model", metadata, key("model_id"), text("model"), number("complete_at"))

# How far the log was read for both; one row.
article_use_cursor = Table(
    "article_use_cursor",
    metadata,
    key(),
    number("transaction"),
    number("event_id"),
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
