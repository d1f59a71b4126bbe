"""Projected from the log: conversations, where messages are routed to, badges."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy import text as sql

from hub.store.tables.base import RowNumber, key, metadata, number, text

# The columns are the fields of hub.domain.conversation.Conversation; a test holds them equal.
conversation = Table(
    "conversation",
    metadata,
    key(),
    number("sequence"),
    number("ticket_number"),
    text("contact_id"),
    text("inbox_id"),
    text("identity_id"),
    text("channel"),
    text("status"),
    text("team_id"),
    text("assignee_id"),
    Column("priority", Integer, nullable=False, server_default="0"),
    text("language"),
    text("verified_level", server_default="none"),
    text("verified_by"),
    text("verified_identity"),
    Column("turn_owner_epoch", Integer, nullable=False, server_default="0"),
    Column("bot_misses", Integer, nullable=False, server_default="0"),
    Column("unread", Integer, nullable=False, server_default="0"),
    text("last_message_id"),
    number("opened_at"),
    number("last_activity_at"),
    number("waiting_since"),
    number("snoozed_until"),
    number("resolved_at"),
    number("handed_over_event"),
    text("merged_into"),
    text("previous_id"),
    text("offered_to"),
    number("offered_until"),
    text("sla_policy"),
    text("sla_hours"),
    text("sla_state"),
    text("sla_clock"),
    number("sla_due_at"),
    Column("sla_breached", Integer, nullable=False, server_default="0"),
    number("sla_next_at"),
    text("vendor_id"),
    number("vendor_due_at"),
    Column("vendor_overdue", Integer, nullable=False, server_default="0"),
    text("colleague_id"),
    Index("ix_conversation_list", "merged_into", "status", "last_activity_at", "id"),
    Index("ix_conversation_all", "merged_into", "last_activity_at", "id"),
    Index("ix_conversation_assignee", "assignee_id", "status", "last_activity_at", "id"),
    Index("ix_conversation_contact", "contact_id", "last_activity_at"),
)
# The queue's order: priority first, then waiting time. Written out because priorities sort downwards.
Index(
    "ix_conversation_queue",
    conversation.c.merged_into,
    conversation.c.status,
    conversation.c.priority.desc(),
    conversation.c.waiting_since,
    conversation.c.id,
)
Index("ix_conversation_snoozed", conversation.c.status, conversation.c.snoozed_until)
Index("ix_conversation_merged", conversation.c.merged_into)
# Partial: few conversations are being offered at a time.
Index(
    "ix_conversation_offered",
    conversation.c.offered_until,
    postgresql_where=sql("offered_to <> ''"),
    sqlite_where=sql("offered_to <> ''"),
)
# Only those with something to announce: most conversations promise nothing, and cost nothing here.
_announcing = conversation.c.sla_next_at > 0
Index(
    "ix_conversation_sla_next_at",
    conversation.c.sla_next_at,
    sqlite_where=_announcing,
    postgresql_where=_announcing,
)

# The same for outside firms that are to answer by a time.
_awaiting = conversation.c.vendor_due_at > 0
Index("ix_conversation_vendor_due_at", conversation.c.vendor_due_at, sqlite_where=_awaiting, postgresql_where=_awaiting)

# Partial: few conversations have a colleague in them.
_helping = sql("colleague_id <> ''")
Index(
    "ix_conversation_colleague",
    conversation.c.colleague_id,
    conversation.c.last_activity_at,
    conversation.c.id,
    sqlite_where=_helping,
    postgresql_where=_helping,
)

route = Table(
    "route",
    metadata,
    Column("inbox_id", Text, nullable=False),
    Column("identity_id", Text, nullable=False),
    Column("thread_key", Text, nullable=False),
    text("conversation_id"),
    PrimaryKeyConstraint("inbox_id", "identity_id", "thread_key"),
    Index("ix_route_conversation_id", "conversation_id"),
)

# One row per badge would make every change of the queue wait for every other; the shards are added up on reading.
counter = Table(
    "counter",
    metadata,
    Column("name", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "shard"),
)

# Hands out the numbers that customers are given; a sequence, so that new conversations do not wait for each other.
ticket_number = Table(
    "ticket_number",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    number("at"),
    sqlite_autoincrement=True,
)
