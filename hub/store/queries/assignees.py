"""Whom a conversation can be given to."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.store import tables as t


def is_active_agent(connection: Connection, agent_id: str) -> bool:
    """Whether somebody with this id may sign in."""
    statement = select(t.agent.c.id).where(t.agent.c.id == agent_id, t.agent.c.disabled == 0)
    return connection.execute(statement).one_or_none() is not None


def team_exists(connection: Connection, team_id: str) -> bool:
    return connection.execute(select(t.team.c.id).where(t.team.c.id == team_id)).one_or_none() is not None
