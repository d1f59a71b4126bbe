"""The append-only log."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, UniqueConstraint

from hub.store.tables.base import RowNumber, metadata, number, text

# `transaction` is PostgreSQL's number of the writing transaction or of a later one of the same stream, 0 on SQLite: the
# feed must not pass over a transaction that took its event's number early and commits late. See hub/store/feed.py.
event = Table(
    "event",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    number("transaction"),
    text("stream"),
    text("stream_id"),
    number("sequence"),
    number("at"),
    text("actor_kind"),
    text("actor_id"),
    text("kind"),
    text("data", server_default="{}"),
    UniqueConstraint("stream_id", "sequence"),
    Index("ix_event_transaction_id", "transaction", "id"),
    sqlite_autoincrement=True,
)
