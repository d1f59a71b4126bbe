"""Hints between processes over a real Redis."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from hub.live.hints import CHANNEL, RedisHints
from tests import parts

PATIENCE = 60


class Listener:
    """What a process hears."""

    def __init__(self) -> None:
        self.looks: queue.Queue[bool] = queue.Queue()
        self.whispers: queue.Queue[tuple[str, str, Any]] = queue.Queue()

    def look(self) -> None:
        self.looks.put(True)

    def whisper(self, room: str, name: str, data: Any) -> None:
        self.whispers.put((room, name, data))


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def two(redis: Redis) -> Iterator[tuple[RedisHints, RedisHints, Listener, Listener]]:
    """Two processes that hear each other."""
    hints, listeners = (RedisHints(redis), RedisHints(redis)), (Listener(), Listener())
    for each, listener in zip(hints, listeners, strict=True):
        each.listen(listener.look, listener.whisper)
        listener.looks.get(timeout=PATIENCE)  # the one for what was said before it listened
    yield (*hints, *listeners)
    for each in hints:
        each.stop()


def test_others_hear_and_the_speaker_does_not(two: tuple[RedisHints, RedisHints, Listener, Listener]) -> None:
    one, _, mine, theirs = two
    one.look()
    one.whisper("agents", "typing", {"on": True})
    assert theirs.looks.get(timeout=PATIENCE)
    assert theirs.whispers.get(timeout=PATIENCE) == ("agents", "typing", {"on": True})
    two[1].look()
    assert mine.looks.get(timeout=PATIENCE)
    assert mine.looks.empty()
    assert mine.whispers.empty()


def test_whispers_keep_their_order(two: tuple[RedisHints, RedisHints, Listener, Listener]) -> None:
    one, _, _, theirs = two
    for number in range(50):
        one.whisper("room", "typing", {"number": number})
    assert [theirs.whispers.get(timeout=PATIENCE)[2]["number"] for _ in range(50)] == list(range(50))


def test_rubbish_on_the_channel_is_passed_over(
    two: tuple[RedisHints, RedisHints, Listener, Listener], redis: Redis
) -> None:
    for rubbish in (b"", b"no json", b"[]", b'{"whisper": 1}', b'{"whisper": {"room": "x"}}', b"\xff"):
        redis.publish(CHANNEL, rubbish)
    two[0].look()
    assert two[3].looks.get(timeout=PATIENCE)
    assert two[3].whispers.empty()


def test_without_redis_nobody_waits(redis_url: str) -> None:
    with Redis(port=parts.free_port()) as away:
        hints, listener = RedisHints(away), Listener()
        hints.listen(listener.look, listener.whisper)
        for _ in range(2000):
            hints.look()
            hints.whisper("room", "typing", {})
        hints.stop()
    assert listener.looks.empty()


def test_after_redis_was_away_it_looks(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, Redis.from_url(redis_url) as killer:
        hints, listener = RedisHints(client), Listener()
        hints.listen(listener.look, listener.whisper)
        assert listener.looks.get(timeout=PATIENCE)
        killer.client_kill_filter(_type="pubsub")
        assert listener.looks.get(timeout=PATIENCE)
        other = RedisHints(killer)
        other.whisper("agents", "typing", {"on": True})
        assert listener.whispers.get(timeout=PATIENCE)
        other.stop()
        hints.stop()
