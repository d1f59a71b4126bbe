"""Long pieces of work that somebody asks for and looks at later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.domain import events as e
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.queries import tasks
from hub.store.unit_of_work import Tx


@dataclass(frozen=True, slots=True)
class Task:
    """`given` and `result` are JSON values; times in microseconds, 0: not yet."""

    id: str
    kind: str
    state: str
    asked_by: str
    asked_at: int
    ended_at: int
    given: Mapping[str, Any]
    result: Any
    error: str


def ask(tx: Tx, kind: str, given: Mapping[str, Any], by: e.Actor) -> str:
    """Wants a piece of work done by the job `long_task`. Returns its id."""
    task_id = tx.new_id()
    row = {"id": task_id, "kind": kind, "asked_by": by.id, "asked_at": tx.now, "given": json.dumps(given)}
    tx.add(t.task, row)
    tx.record(by.id, e.TaskAsked(task_id), by)
    return task_id


def end(tx: Tx, task_id: str, result: Any) -> None:
    """Keeps what came of it."""
    values = {"state": "done", "ended_at": tx.now, "result": json.dumps(result, ensure_ascii=False), "error": ""}
    tx.change(t.task, {"id": task_id}, values)


def fail(tx: Tx, task_id: str, error: str) -> None:
    """Says why nothing came of it."""
    tx.change(t.task, {"id": task_id}, {"state": "failed", "ended_at": tx.now, "error": error})


def get(connection: Any, task_id: str) -> Task:
    """Raises NotFound."""
    row = tasks.get(connection, task_id)
    if row is None:
        raise NotFound(f"there is no task {task_id}")
    return _task(row)


def latest(connection: Any, kind: str, limit: int = 20) -> list[Task]:
    """Those asked for last, the newest first."""
    return [_task(row) for row in tasks.latest(connection, kind, limit)]


def _task(row: Any) -> Task:
    return Task(
        row.id,
        row.kind,
        row.state,
        row.asked_by,
        row.asked_at,
        row.ended_at,
        json.loads(row.given),
        json.loads(row.result) if row.result else None,
        row.error,
    )
