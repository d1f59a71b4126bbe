"""A worker process: runs rows whose ids come through RQ, in the same threads as a hub that runs its rows itself.

RQ imports `run` by its name, so the threads have to be found from here; they are set once, before the work begins. RQ's
default worker forks for every job and builds everything anew; a `SimpleWorker` calls it in this process, which has its
parts already. It runs one job at a time, and a row may wait long for a provider: its job is to hand the row over.
"""

from __future__ import annotations

import logging
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, get_current_job

from hub.jobs.nudges import ThreadNudger
from hub.jobs.redis_nudger import FAST_QUEUE, SLOW_QUEUE, RedisNudger
from hub.jobs.runner import Runner

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds

_lines: list[ThreadNudger] = []


class _Worker(SimpleWorker):
    """Remembers that it was told to stop.

    RQ also stops by itself, without a word, when Redis has forgotten the job that it gave out. What was not finished
    rests in the outbox, so the next worker goes on.
    """

    told_to_stop = False

    def handle_warm_shutdown_request(self) -> None:
        self.told_to_stop = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ has annotated but a part of it


def run(*outbox_ids: int) -> None:
    """RQ's job: has the rows run. What RQ believes to be done then, and is not yet, is in the outbox."""
    job = get_current_job()
    for outbox_id in outbox_ids:
        _lines[0].nudge_with_room(outbox_id, slow=job is not None and job.origin == SLOW_QUEUE)


def work(
    runner: Runner,
    redis: Redis,
    *,
    slow: bool,
    threads: int,
    burst: bool = False,
    nudger: RedisNudger | None = None,
) -> None:
    """Works until it is told to stop (SIGINT, SIGTERM); rows that run then are run to their end.

    Args:
        runner: runs the rows.
        redis: where the queues are.
        slow: take slow rows too, after the others; they have a thread of their own.
        threads: that run the others.
        burst: stop when the queues are empty and all rows are done.
        nudger: this process's; what follows from its rows, and what its sweeper finds, then goes to its own threads as
            long as few rows wait there, instead of through Redis.
    """
    line = ThreadNudger(runner.run, threads)
    _lines[:] = [line]
    line.start()
    if nudger is not None:
        nudger.near = line.take
    try:
        _take(redis, line, slow=slow, burst=burst)
    finally:
        if nudger is not None:
            nudger.near = None
        line.stop()


def _take(redis: Redis, line: ThreadNudger, *, slow: bool, burst: bool) -> None:
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
            if burst and (not line.drained(0.1) or any(len(Queue(name, connection=redis)) for name in names)):
                continue  # what rows are followed by comes while others of them still run
        except RedisError as error:
            log.warning("Redis is away: %s", error)
        if burst or told_to_stop:
            return
        log.warning("RQ's worker ended by itself, another one begins")
        time.sleep(PAUSE)
