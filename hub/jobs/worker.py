"""A worker process: runs rows whose ids come through RQ.

RQ imports `run` by its name, so the runner has to be found from here; it is set once, before the work begins. RQ's
default worker forks for every job and builds everything anew; a `SimpleWorker` runs them in this process, which has its
parts already.
"""

from __future__ import annotations

from redis import Redis
from rq import Queue, SimpleWorker

from hub.jobs.redis_nudger import FAST_QUEUE, SLOW_QUEUE
from hub.jobs.runner import Runner

_runners: list[Runner] = []


def run(outbox_id: int) -> bool:
    """RQ's job. Returns whether the row was free to run."""
    return _runners[0].run(outbox_id)


def work(runner: Runner, redis: Redis, *, slow: bool, burst: bool = False) -> None:
    """Works until it is told to stop (SIGINT, SIGTERM).

    Args:
        runner: runs the rows.
        redis: where the queues are.
        slow: take slow rows too, after the others.
        burst: stop when the queues are empty.
    """
    _runners[:] = [runner]
    names = [FAST_QUEUE, SLOW_QUEUE] if slow else [FAST_QUEUE]
    worker = SimpleWorker([Queue(name, connection=redis) for name in names], connection=redis)
    worker.work(burst=burst, logging_level="WARNING")
