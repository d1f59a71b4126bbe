"""What was said. Text can be erased: its hash stays."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy import text as sql

from hub.store.tables.base import key, metadata, number, text

# Projected columns: conversation_id, event_id, sequence, kind, author_kind, author_id, inbox_id, identity_id, channel,
# rule, state, error_code, at. The rest is the content, which the log does not hold.
message = Table(
    "message",
    metadata,
    key(),
    text("conversation_id"),
    number("event_id"),
    number("sequence"),
    text("kind"),
    text("author_kind"),
    text("author_id"),
    text("inbox_id"),
    text("identity_id"),
    text("channel"),
    text("rule"),
    text("state"),
    text("error_code"),
    number("at"),
    text("text"),
    text("text_hash"),
    text("extras", server_default=""),
    text("error_text"),
    Column("external_id", Text),
    Column("provider_id", Text),
    Column("client_key", Text),
    Column("trusted", Integer, nullable=False, server_default="0"),
    number("erased_at"),
    UniqueConstraint("inbox_id", "external_id"),
    UniqueConstraint("client_key"),
    Index("ix_message_thread", "conversation_id", "event_id"),
    Index("ix_message_provider", "inbox_id", "provider_id"),
    # What was said with one address: all that a web chat's visitor may see, and which inbox a contact wrote to.
    Index("ix_message_identity", "identity_id", "event_id"),
    # What was last sent there: each short message asks, also of who has written hundreds without an answer.
    Index(
        "ix_message_outgoing",
        "identity_id",
        "event_id",
        postgresql_where=sql("kind = 'outgoing'"),
        sqlite_where=sql("kind = 'outgoing'"),
    ),
)

# Files that providers keep for us. `state`: `pending`, `fetched`, `refused`; `reason` says why.
remote_media = Table(
    "remote_media",
    metadata,
    key(),
    text("message_id"),
    text("inbox_id"),
    number("position"),
    text("url"),
    text("media_type"),
    text("name"),
    number("size"),
    text("state", server_default="pending"),
    text("reason"),
    text("attachment_id"),
    Index("ix_remote_media_message_id", "message_id"),
)

attachment = Table(
    "attachment",
    metadata,
    key(),
    text("name"),
    text("media_type"),
    number("size"),
    text("sha256"),
    text("owner"),
    text("message_id"),
    number("created_at"),
    Index("ix_attachment_message_id", "message_id"),
)
