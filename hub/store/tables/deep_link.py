"""Links by which a customer goes on in another channel. Nothing here is projected; events name the rows."""

from __future__ import annotations

from sqlalchemy import Table

from hub.store.tables.base import key, metadata, number, text

# `key` finds a link, `secret_hash` is the SHA-256 of what proves it, which rests nowhere. It is of a conversation and
# the contact who had it then, for one inbox. `used_at`: when somebody came by it, 0: nobody did.
deep_link = Table(
    "deep_link",
    metadata,
    key("key"),
    text("secret_hash"),
    text("contact_id"),
    text("conversation_id"),
    text("inbox_id"),
    text("agent_id"),
    number("at"),
    number("expires_at"),
    number("used_at"),
)
