"""The parts that a scaled-out hub alone has: what speaks to Redis. `hub.app` loads this file by its name, so that an
embedded hub does without those libraries (24 MB)."""

from __future__ import annotations

from redis import Redis

from hub.jobs.redis_nudger import RedisNudger
from hub.live.hints import RedisHints

__all__ = ["RedisHints", "RedisNudger", "connect"]


def connect(url: str) -> Redis:
    """Redis's client, which opens no connection before it is used."""
    return Redis.from_url(url)
