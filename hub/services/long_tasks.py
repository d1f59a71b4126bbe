"""The job `long_task`: what editors ask for and look at later."""

from __future__ import annotations

from functools import partial

from hub.domain import events as e
from hub.domain.errors import DatabaseAway, NotFound, Refused, Unavailable
from hub.hub import Hub
from hub.services import backtest, gaps, tasks
from hub.services.tasks import Task
from hub.services.work import Work, nothing
from hub.store.unit_of_work import Tx, UseCase


def run(hub: Hub, work: Work) -> UseCase[None]:
    """Does the work and keeps what came of it. What the person who asked got wrong is told to them, and not tried
    again."""
    task = _task(hub, work)
    if task is None or task.state != "waiting":
        return nothing
    try:
        if task.kind == "gaps":
            if hub.knowledge is not None:
                hub.knowledge.warm()  # who asks while a hub starts is not to ask again
            return _then_end(gaps.mine(hub), task.id)
        result = backtest.task(hub, task.given)
    except DatabaseAway:
        raise  # comes again
    except (Refused, Unavailable) as error:
        return partial(tasks.fail, task_id=task.id, error=str(error))
    return partial(tasks.end, task_id=task.id, result=result)


def _then_end(keep: UseCase[dict[str, int]], task_id: str) -> UseCase[None]:
    return lambda tx: tasks.end(tx, task_id, keep(tx))


def gave_up(hub: Hub, work: Work) -> UseCase[None]:
    """Says that the work came to nothing."""
    task = _task(hub, work)

    def use_case(tx: Tx) -> None:
        if task is not None:
            tasks.fail(tx, task.id, "it went wrong; the administrators' page says how")

    return use_case


def _task(hub: Hub, work: Work) -> Task | None:
    event = work.recorded.event
    if not isinstance(event, e.TaskAsked):
        raise TypeError(f"a task is asked for, not {type(event).__name__}")
    with hub.store.read() as connection:
        try:
            return tasks.get(connection, event.task_id)
        except NotFound:
            return None
