"""People who write to us, and the addresses they write from."""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint

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

# Projected: contact_id, evidence, linked_at.
identity = Table(
    "identity",
    metadata,
    key(),
    text("channel"),
    text("scope"),
    text("address"),
    text("display_name"),
    text("contact_id"),
    text("evidence"),
    number("linked_at"),
    UniqueConstraint("channel", "scope", "address"),
    Index("ix_identity_contact_id", "contact_id"),
    Index("ix_identity_address", "address"),
)
