"""Messages as they came, whole, where their channel wants that kept (mail): each one that was fetched has a row."""

from __future__ import annotations

from sqlalchemy import Index, Table

from hub.store.tables.base import key, metadata, number, text

# `state`: `stored`, `duplicate` (the message was there already), `refused` with field and rule, `read` (a report, not a
# message). `origin` is where it was fetched from, `sender` and `subject` are for lists. The bytes are in the file
# store.
source = Table(
    "source",
    metadata,
    key(),
    text("inbox_id"),
    text("origin"),
    text("state"),
    text("field"),
    text("rule"),
    text("message_id"),
    text("sender"),
    text("subject"),
    number("size"),
    text("sha256"),
    number("at"),
    Index("ix_source_origin", "inbox_id", "origin"),
    Index("ix_source_list", "inbox_id", "id"),
    Index("ix_source_message_id", "message_id"),
    Index("ix_source_state", "state", "id"),
)
