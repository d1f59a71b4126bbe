"""Wakes workers through Redis. Carries ids only and may forget: the database is the truth."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

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
# Ids in one of RQ's jobs at most. A job costs both sides as much as a row's own work (docs/performance.md).
TOGETHER = 16
# Seconds after ids were put on a queue, in which those of further commits are gathered: in a rush they share a job.
REST = 0.02

# Takes what this process will run by itself, by their ids; returns the others.
Near = Callable[[Sequence[int]], list[int]]


class RedisNudger:
    """Puts ids on RQ's queues. A Redis that is away costs a delay, never a row: the sweeper finds it.

    One that does not even refuse, as its host is cut off, is waited for once: providers wait for theirs meanwhile.

    Args:
        url: where Redis is.
        clock: says when it is asked again.
        patience: seconds that it has for an answer.

    `rest` are the seconds of `REST`. `near`, where set, is asked first.
    """

    def __init__(self, url: str, clock: Clock, *, patience: float = PATIENCE) -> None:
        self.redis = Redis.from_url(
            url, socket_timeout=patience, socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0)
        )
        self.rest = REST
        self.near: Near | None = None
        self._clock = clock
        self._again_at = 0
        self._changing = threading.Lock()
        self._gathered: list[int] = []
        self._resting = False
        self._put_just_now = threading.Event()
        self._putter: threading.Thread | None = None
        self._queues = {
            False: Queue(FAST_QUEUE, connection=self.redis),
            True: Queue(SLOW_QUEUE, connection=self.redis),
        }

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:
        ids = list(outbox_ids)
        if self.near is not None and not slow:
            ids = self.near(ids)
        if not ids:
            return
        if slow or not self.rest:
            self._put(ids, slow=slow)
            return
        with self._changing:
            if self._resting:
                self._gathered += ids
                return
            self._resting = True
            if self._putter is None:
                self._putter = threading.Thread(target=self._put_gathered, name="nudger", daemon=True)
                self._putter.start()
        try:
            self._put(ids)
        finally:
            self._put_just_now.set()

    def _put_gathered(self) -> None:
        while self._put_just_now.wait():
            self._put_just_now.clear()
            resting = True
            while resting:
                time.sleep(self.rest)
                with self._changing:
                    ids, self._gathered = self._gathered, []
                    self._resting = resting = bool(ids)
                try:
                    self._put(ids)
                except Exception:  # the edge of a thread: the sweeper finds those rows
                    log.exception("%s ids could not be put on a queue", len(ids))

    def _put(self, ids: Sequence[int], *, slow: bool = False) -> None:
        if not ids or self._clock.now() < self._again_at:
            return
        jobs = [
            Queue.prepare_data(JOB, args=tuple(ids[at : at + TOGETHER]), result_ttl=0, failure_ttl=0)
            for at in range(0, len(ids), TOGETHER)
        ]
        try:
            self._queues[slow].enqueue_many(jobs)
        except RedisError as error:
            self._again_at = self._clock.now() + PAUSE
            log.warning("Redis did not take %s nudges: %s", len(ids), error)
