"""What the demo's seed asks."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from hub.store import tables as t
from hub.store.unit_of_work import Tx


def has_agents(connection: Connection) -> bool:
    """Whether anybody can sign in: the database is somebody's already."""
    return connection.execute(select(t.agent.c.id).limit(1)).one_or_none() is not None


def lock(tx: Tx) -> None:
    """Lets one process at a time look and seed."""
    if tx.postgres:
        tx.connection.execute(text("LOCK TABLE agent IN SHARE ROW EXCLUSIVE MODE"))


def agent_with_email(connection: Connection, email: str) -> str:
    return str(connection.execute(select(t.agent.c.id).where(t.agent.c.email == email)).scalar_one())


def settings_of(connection: Connection, key: str) -> str:
    """An inbox's settings as they are kept, as JSON, its rules among them."""
    return str(connection.execute(select(t.inbox.c.settings).where(t.inbox.c.key == key)).scalar_one())
