"""Signs of life."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.store import tables as t
from hub.store.queries import outbox


def oldest_due(connection: Connection) -> int:
    """When the unfinished work that is due the longest was due (microseconds); 0 when there is none."""
    o = t.outbox.c
    statement = select(o.due_at).where(outbox.unfinished_rows(o)).order_by(o.due_at).limit(1)
    return connection.execute(statement).scalar_one_or_none() or 0
