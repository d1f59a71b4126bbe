"""What is promised to customers, and when somebody is there. A row is never changed: a newer version follows it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from hub.store.tables.base import key, metadata, number, text

# `owner` is `inbox:ID` or `team:ID`; the newest row of an owner counts, one without data takes the hours away. `data`
# is JSON (hub.domain.hours), with the dates of the holidays; `country` and `region` say where those came from.
opening_hours = Table(
    "opening_hours",
    metadata,
    key(),
    text("owner"),
    text("data"),
    text("country"),
    text("region"),
    text("agent_id"),
    number("at"),
    Index("ix_opening_hours_owner", "owner", "id"),
)

# `id` is the version, `policy_id` what stays the same; the newest version counts. `data` is JSON (hub.domain.sla).
sla_policy = Table(
    "sla_policy",
    metadata,
    key(),
    text("policy_id"),
    number("position"),
    text("data"),
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    text("agent_id"),
    number("at"),
    Index("ix_sla_policy_policy_id", "policy_id", "id"),
)
