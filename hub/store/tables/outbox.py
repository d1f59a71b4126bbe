"""Work that follows from events. The database is the truth; queues only carry ids."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as sql

from hub.store.tables.base import RowNumber, key, metadata, number, text

_UNFINISHED = sql("state IN ('pending', 'claimed')")

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    number("event_id"),
    text("handler"),
    text("order_key"),
    text("state", server_default="pending"),
    Column("slow", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    number("due_at"),
    # When its sender may send it, once that was decided: whoever has a place in a sender's line keeps it.
    number("slot_at"),
    number("offered_until"),
    number("lease_until"),
    text("lease"),
    text("last_error"),
    number("created_at"),
    number("finished_at"),
    # Partial: finished rows, which are nearly all, cost nothing here.
    Index("ix_outbox_order", "handler", "order_key", "id", postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED),
    Index("ix_outbox_due", "due_at", postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED),
    Index("ix_outbox_dead", "id", postgresql_where=sql("state = 'dead'"), sqlite_where=sql("state = 'dead'")),
    sqlite_autoincrement=True,
)

# The next free slot of a sender (a number, a messaging service), and until when nothing leaves by it: the gap after the
# last message, or what its provider asked for.
sender_pace = Table(
    "sender_pace",
    metadata,
    key("sender"),
    number("next_at"),
    number("paused_until"),
)
