"""People who write to us, and the addresses they write from."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from hub.store.tables.base import key, metadata, number, text

# Projected: sequence, merged_into. Name and language are the person's own and can be erased.
contact = Table(
    "contact",
    metadata,
    key(),
    number("sequence"),
    text("name"),
    text("language"),
    number("created_at"),
    text("merged_into"),
)

# Projected: contact_id, evidence, stated_by, linked_at. `address` is the canonical spelling, by which the identity is
# found; `wire_address` is how the provider writes it where that differs, and where messages are sent to.
identity = Table(
    "identity",
    metadata,
    key(),
    text("channel"),
    text("scope"),
    text("address"),
    text("wire_address"),
    text("display_name"),
    text("contact_id"),
    text("evidence"),
    text("stated_by"),
    number("linked_at"),
    UniqueConstraint("channel", "scope", "address"),
    Index("ix_identity_contact_id", "contact_id"),
    Index("ix_identity_address", "address"),
)

# What a firm keeps of its customers besides names and addresses: a customer number, an address, a contract.
contact_field = Table(
    "contact_field",
    metadata,
    Column("contact_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    text("value"),
    text("agent_id"),
    number("at"),
)

# Addresses that nobody may write to, whichever sender it is. `kind` is what the address is (`phone`, `email`, …): one
# number is the same person's in several channels. `how` as in the event.
do_not_contact = Table(
    "do_not_contact",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    text("how"),
    text("inbox_id"),
    text("conversation_id"),
    number("since"),
)
