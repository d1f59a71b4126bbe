"""What a worker's process runs: the outbox, the sweeper, listeners."""

from __future__ import annotations

from hub.app import build, require_schema
from hub.domain.errors import Unavailable
from hub.jobs import worker
from hub.jobs.redis_nudger import RedisNudger
from hub.live.hints import RedisHints
from hub.ports import Silence
from hub.settings import Settings


def work(settings: Settings, *, slow: bool) -> None:
    """See `hub.processes.work`."""
    assembled = build(settings, make_push=lambda _, redis: RedisHints(redis) if redis is not None else Silence())
    try:
        require_schema(assembled.hub)
        if assembled.redis is None:
            raise Unavailable("a worker needs Redis")
        assembled.start()
        nudger = assembled.hub.nudger
        worker.work(
            assembled.runner,
            assembled.redis,
            slow=slow,
            threads=settings.runner_threads,
            nudger=nudger if isinstance(nudger, RedisNudger) else None,
        )
    finally:
        assembled.stop()
        if isinstance(assembled.hub.push, RedisHints):
            assembled.hub.push.stop()
