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

from hub.jobs.redis_nudger import FAST_QUEUE, SLOW_QUEUE
from hub.jobs.runner import Runner

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds

_runners: list[Runner] = []


class _Worker(SimpleWorker):
    """Remembers that it was told to stop.

    RQ also stops by itself, without a word, when Redis has forgotten the job that it gave out. What was not finished
    rests in the outbox, so the next worker goes on.
    """

    told_to_stop = False

    def handle_warm_shutdown_request(self) -> None:
        self.told_to_stop = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ has annotated but a part of it


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
        told_to_stop = False
        try:
            # Made in here: RQ asks Redis for its version already then, and Redis may be away while a worker starts.
            worker = _Worker([Queue(name, connection=redis) for name in names], connection=redis)
            try:
                worker.work(burst=burst, logging_level="WARNING")
            finally:
                told_to_stop = worker.told_to_stop
        except RedisError as error:
            log.warning("Redis is away: %s", error)
        if burst or told_to_stop:
            return
        log.warning("RQ's worker ended by itself, another one begins")
        time.sleep(PAUSE)
