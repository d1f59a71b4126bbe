"""Wakes workers through Redis. Carries ids only and may forget: the database is the truth."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from hub.ports import Clock

log = logging.getLogger(__name__)

FAST_QUEUE = "centralita"
SLOW_QUEUE = "centralita-slow"
JOB = "hub.jobs.worker.run"
# Seconds that whoever has just committed waits for Redis, and microseconds in which nobody asks it again.
PATIENCE = 1.0
PAUSE = 1_000_000


class RedisNudger:
    """Puts ids on RQ's queues. A Redis that is away costs a delay, never a row: the sweeper finds it.

    One that does not even refuse, as its host is cut off, is waited for once: providers wait for theirs meanwhile.

    Args:
        url: where Redis is.
        clock: says when it is asked again.
        patience: seconds that it has for an answer.
    """

    def __init__(self, url: str, clock: Clock, *, patience: float = PATIENCE) -> None:
        self.redis = Redis.from_url(
            url, socket_timeout=patience, socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0)
        )
        self._clock = clock
        self._again_at = 0
        self._queues = {
            False: Queue(FAST_QUEUE, connection=self.redis),
            True: Queue(SLOW_QUEUE, connection=self.redis),
        }

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:
        if self._clock.now() < self._again_at:
            return
        line = self._queues[slow]
        jobs = [Queue.prepare_data(JOB, args=(outbox_id,), result_ttl=0, failure_ttl=0) for outbox_id in outbox_ids]
        try:
            line.enqueue_many(jobs)
        except RedisError as error:
            self._again_at = self._clock.now() + PAUSE
            log.warning("Redis did not take %s nudges: %s", len(jobs), error)
