"""What routing goes by, and what it remembers. Nothing here is projected."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from hub.store.tables.base import key, metadata, number, text

# `kind` is `topic` or `language`; a language is named by its ISO 639-1 code, and conversations in it ask for it.
skill = Table("skill", metadata, key("name"), text("kind", server_default="topic"))

agent_skill = Table(
    "agent_skill",
    metadata,
    Column("agent_id", Text, ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True),
    Column("skill", Text, ForeignKey("skill.name", ondelete="CASCADE"), primary_key=True),
    Column("level", Integer, nullable=False),
    Index("ix_agent_skill_skill", "skill"),
)

# When each agent was last given something, microseconds.
agent_turn = Table(
    "agent_turn",
    metadata,
    Column("agent_id", Text, ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True),
    number("given_at"),
)

# What a conversation asks for besides its language. `required` 0: only preferred.
conversation_need = Table(
    "conversation_need",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("skill", Text, ForeignKey("skill.name", ondelete="CASCADE"), primary_key=True),
    Column("level", Integer, nullable=False, server_default="1"),
    Column("required", Integer, nullable=False, server_default="1"),
    Index("ix_conversation_need_skill", "skill"),
)

# Who let an offer pass, and until when they are not asked about this conversation again (microseconds).
passed = Table(
    "passed",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    number("until"),
)

# Each time that somebody got a waiting conversation: how long a wait is going to be is told from the last of them.
answered = Table(
    "answered",
    metadata,
    key(),
    text("team_id"),
    text("agent_id"),
    number("waiting_since"),
    number("at"),
    Index("ix_answered_team_id_at", "team_id", "at"),
    Index("ix_answered_at", "at"),
)

# What an agent may give as the reason for a presence.
presence_reason = Table(
    "presence_reason",
    metadata,
    key("code"),
    text("presence"),
    text("name_en"),
    text("name_es"),
    number("position"),
)
