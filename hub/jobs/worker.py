"""A worker process: runs rows whose ids come through RQ.

RQ imports `run` by its name, so the runner has to be found from here; it is set once, before the work begins. RQ's
default worker forks for every job and builds everything anew; a `SimpleWorker` runs them in this process, which has its
parts already.
"""

from __future__ import annotations

import logging
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import InvalidJobOperation, NoSuchJobError

from hub.jobs.redis_nudger import FAST_QUEUE, SLOW_QUEUE
from hub.jobs.runner import Runner

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds

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
    while True:
        worker = SimpleWorker([Queue(name, connection=redis) for name in names], connection=redis)
        try:
            worker.work(burst=burst, logging_level="WARNING")
        except (RedisError, InvalidJobOperation, NoSuchJobError) as error:
            # A Redis that is away, or has forgotten the job that it gave out, ends RQ's worker. Not ours: what was not
            # finished rests in the outbox.
            log.warning("RQ's worker ended, another one begins: %s", error)
            time.sleep(PAUSE)
        else:
            return
