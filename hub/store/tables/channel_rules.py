"""What providers allow at present: until when customers may be answered, approved texts, inboxes that may not send.

Nothing here is projected."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, UniqueConstraint

from hub.store.tables.base import key, metadata, number, text

# When a customer last wrote from an address to an inbox, by the provider's clock; `open_until` where their message
# opened a longer window than the inbox's usual one. Only of channels that have a window.
reply_window = Table(
    "reply_window",
    metadata,
    Column("identity_id", Text, primary_key=True),
    Column("inbox_id", Text, primary_key=True),
    number("said_at"),
    number("open_until"),
)

# `data` is JSON, the texts and buttons of `hub.domain.templates.Template`.
template = Table(
    "template",
    metadata,
    key(),
    text("inbox_id"),
    text("name"),
    text("language"),
    text("category"),
    text("approval"),
    text("data"),
    number("synced_at"),
    UniqueConstraint("inbox_id", "name", "language"),
)

# The account of an inbox is refused: messages wait. At `try_at` one of them tries; 0: only when somebody says so.
inbox_stop = Table(
    "inbox_stop",
    metadata,
    key("inbox_id"),
    text("code"),
    text("reason"),
    number("since"),
    number("try_at"),
)
