"""Wakes workers through Redis. Carries ids only and may forget: the database is the truth."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

log = logging.getLogger(__name__)

FAST_QUEUE = "centralita"
SLOW_QUEUE = "centralita-slow"
JOB = "hub.jobs.worker.run"


class RedisNudger:
    """Puts ids on RQ's queues. A Redis that is away costs a delay, never a row: the sweeper finds it."""

    def __init__(self, redis: Redis) -> None:
        self._queues = {False: Queue(FAST_QUEUE, connection=redis), True: Queue(SLOW_QUEUE, connection=redis)}

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:
        line = self._queues[slow]
        jobs = [Queue.prepare_data(JOB, args=(outbox_id,), result_ttl=0, failure_ttl=0) for outbox_id in outbox_ids]
        try:
            line.enqueue_many(jobs)
        except RedisError as error:
            log.warning("Redis did not take %s nudges: %s", len(jobs), error)
