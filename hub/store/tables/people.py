"""People who sign in."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from hub.store.tables.base import key, metadata, number, text

# How its queue is served is `hub.domain.routing.TeamRules`; `overflow` is JSON, empty for nobody, `widening` is JSON,
# empty for the usual schedule, `wrap_up` in microseconds.
team = Table(
    "team",
    metadata,
    key(),
    text("name"),
    text("tier", server_default="1"),
    text("choice", server_default="longest_idle"),
    text("widening"),
    text("overflow"),
    number("wrap_up"),
    UniqueConstraint("name"),
)

# Projected: sequence, presence, presence_reason, presence_since, presence_until.
agent = Table(
    "agent",
    metadata,
    key(),
    text("name"),
    text("email"),
    text("role"),
    text("language"),
    text("password_hash"),
    Column("disabled", Integer, nullable=False, server_default="0"),
    number("sequence"),
    text("presence", server_default="offline"),
    text("presence_reason"),
    number("presence_since"),
    # JSON, how many conversations of each channel at once; empty for the usual ones.
    text("capacity"),
    number("presence_until"),
    UniqueConstraint("email"),
)

team_member = Table(
    "team_member",
    metadata,
    Column("team_id", Text, ForeignKey("team.id", ondelete="CASCADE"), nullable=False),
    Column("agent_id", Text, ForeignKey("agent.id", ondelete="CASCADE"), nullable=False),
    # 1: leads the team.
    Column("lead", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("team_id", "agent_id"),
)

# When somebody works on a date: `windows` is JSON (hub.domain.hours), read off the clock of `zone`.
shift = Table(
    "shift",
    metadata,
    Column("agent_id", Text, ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Text, primary_key=True),
    text("zone"),
    text("windows"),
    Index("ix_shift_day", "day"),
)

# `id` is the SHA-256 of the cookie's token: a copy of the database signs nobody in.
sign_in_session = Table(
    "sign_in_session",
    metadata,
    key(),
    Column("agent_id", Text, ForeignKey("agent.id", ondelete="CASCADE"), nullable=False),
    text("csrf_token"),
    number("created_at"),
    number("expires_at"),
    Index("ix_sign_in_session_expires_at", "expires_at"),
)

# Failed sign-ins of one address from one place. `id` is a hash of the two: the table names nobody.
sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    key(),
    Column("tries", Integer, nullable=False, server_default="0"),
    number("since"),
    Index("ix_sign_in_attempt_since", "since"),
)
