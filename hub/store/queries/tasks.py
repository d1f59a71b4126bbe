"""Long pieces of work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, desc, select

from hub.store import tables as t

_k = t.task.c


def get(connection: Connection, task_id: str) -> Any:
    """The row of a task; None where there is none."""
    return connection.execute(select(t.task).where(_k.id == task_id)).one_or_none()


def latest(connection: Connection, kind: str, limit: int) -> list[Any]:
    """The rows of the tasks of a kind, those asked for last first."""
    statement = select(t.task).where(_k.kind == kind).order_by(desc(_k.asked_at)).limit(limit)
    return list(connection.execute(statement).all())
