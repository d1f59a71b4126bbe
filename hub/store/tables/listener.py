"""Inboxes that fetch for themselves (mailboxes, socket modes): who does it now, how far they came, how they are."""

from __future__ import annotations

from sqlalchemy import Table

from hub.store.tables.base import key, metadata, number, text

# `memory` is the channel's own; it changes in the transaction that stores what it accounts for.
listener = Table(
    "listener",
    metadata,
    key("inbox_id"),
    text("owner"),
    number("lease_until"),
    text("memory"),
    number("seen_at"),
    number("behind"),
    text("notice"),
    text("error"),
    number("error_since"),
)
