"""What the bot remembers, and the firm's own records that it may look up."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

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

# The tries at proving an identity in a conversation, and the customer number that was proved (empty: none).
identity_check = Table(
    "identity_check",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("tries", Integer, nullable=False, server_default="0"),
    number("since"),
    text("customer_number"),
)

# Codes that were sent to an address to prove it. The code itself rests nowhere: it follows from `nonce` and the
# installation's key.
verification_code = Table(
    "verification_code",
    metadata,
    key(),
    text("conversation_id"),
    text("identity_id"),
    text("message_id"),
    text("nonce"),
    Column("tries", Integer, nullable=False, server_default="0"),
    number("at"),
    number("expires_at"),
    number("used_at"),
    Index("ix_verification_code_conversation_id", "conversation_id", "id"),
    Index("ix_verification_code_identity_id", "identity_id", "at"),
)

# What agents ask to learn who somebody is: `name` is a field of contacts, the words are in both languages.
question = Table("question", metadata, key("name"), text("text_en"), text("text_es"), number("position"))
