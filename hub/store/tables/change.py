"""What was said of messages that had not come yet: an edit, a reaction or a withdrawal that overtook its message."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from hub.store.tables.base import metadata, number, text

# `target` is the provider's id of the message, `change` JSON, `digest` its SHA-256: one row for all copies of it.
early_change = Table(
    "early_change",
    metadata,
    Column("inbox_id", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    text("change"),
    number("at"),
)
