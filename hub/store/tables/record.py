"""What the bot remembers, and the firm's own records that it may look up."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from hub.store.tables.base import key, metadata, number, text

bot_memory = Table(
    "bot_memory",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    text("slots", server_default="{}"),
    number("updated_at"),
)

customer_record = Table(
    "customer_record",
    metadata,
    key("customer_number"),
    text("name"),
    text("postcode"),
)

order_record = Table(
    "order_record",
    metadata,
    key("order_id"),
    text("customer_number"),
    text("state"),
    text("carrier"),
    text("expected"),
)
