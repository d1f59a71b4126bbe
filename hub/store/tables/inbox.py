"""Connected channel instances, and what providers sent them, raw."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, UniqueConstraint

from hub.store.tables.base import key, metadata, number, text

# `settings` is JSON that its channel reads, `secrets` is JSON encrypted with the installation's key.
inbox = Table(
    "inbox",
    metadata,
    key(),
    text("key"),
    text("name"),
    text("channel"),
    text("team_id"),
    text("settings", server_default="{}"),
    text("secrets"),
    UniqueConstraint("key"),
)

webhook_payload = Table(
    "webhook_payload",
    metadata,
    key(),
    text("inbox_id"),
    number("at"),
    text("headers"),
    Column("body", LargeBinary, nullable=False),
    Index("ix_webhook_payload_at", "at"),
)

set_aside = Table(
    "set_aside",
    metadata,
    key(),
    text("inbox_id"),
    number("at"),
    text("field"),
    text("rule"),
    Column("raw", LargeBinary, nullable=False),
)
