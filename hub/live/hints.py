"""Hints between processes over Redis: "there is something new", and who is writing. Expendable, as all pushing is.

Each process pushes to its own sockets, from the feed and in the feed's order; what travels here is only the hint to
look. So nothing is doubled, and a lost hint costs at most the feeder's own patience.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

CHANNEL = "centralita:live"
# Whispers that wait while Redis is away; older ones are worth nothing.
KEPT = 500
# Seconds.
_TICK = 0.5
_PAUSE = 1.0
# After a hint to look: in a rush one is said for many commits, because it costs as much as a message's statements.
_REST = 0.02

Whisper = Callable[[str, str, Mapping[str, Any]], None]


class RedisHints:
    """A `Push` that tells other processes. `listen` makes it hear them too.

    Nobody who calls it waits for Redis: a thread of its own speaks, another listens.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._me = uuid4().hex
        self._whispers: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._look = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._speaking = False

    def look(self) -> None:
        self._look = True
        self._speak()

    def whisper(self, room: str, name: str, data: Mapping[str, Any]) -> None:
        self._whispers.append({"room": room, "name": name, "data": dict(data)})
        self._speak()

    def listen(self, on_look: Callable[[], None], on_whisper: Whisper) -> None:
        """Hears other processes from now on; not what this one says itself."""
        self._start("live-hints-in", lambda: self._hear(on_look, on_whisper))

    def stop(self) -> None:
        """Says what is left to say, and ends."""
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(2 * _TICK)

    def _speak(self) -> None:
        if not self._speaking:
            with self._starting:
                if not self._speaking:
                    self._speaking = True
                    self._start("live-hints-out", self._say)
        self._wake.set()

    def _start(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _say(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            ending = self._stopping.is_set()
            try:
                while self._look or self._whispers:
                    self._say_one()
            except RedisError as error:
                log.warning("Redis does not take hints: %s", error)
                self._stopping.wait(_PAUSE)
                self._wake.set()
            if ending:
                return

    def _say_one(self) -> None:
        # Forgotten before it is said: whoever comes meanwhile is said again.
        if self._look:
            self._look = False
            hint: dict[str, Any] = {"look": True}
        else:
            hint = {"whisper": self._whispers.popleft()}
        try:
            self._redis.publish(CHANNEL, json.dumps({"from": self._me, **hint}))
        except RedisError:
            self._look |= "look" in hint
            raise
        if "look" in hint:
            self._stopping.wait(_REST)

    def _hear(self, on_look: Callable[[], None], on_whisper: Whisper) -> None:
        while not self._stopping.is_set():
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]
                    heard.subscribe(CHANNEL)
                    on_look()  # for what was said while nobody listened
                    while not self._stopping.is_set():
                        message = heard.get_message(timeout=_TICK)
                        if message is not None:
                            self._take(message["data"], on_look, on_whisper)
            except RedisError as error:
                log.warning("Redis gives no hints: %s", error)
                self._stopping.wait(_PAUSE)

    def _take(self, raw: bytes, on_look: Callable[[], None], on_whisper: Whisper) -> None:
        try:
            hint = json.loads(raw)
            if hint.get("from") == self._me:
                return
            if "look" in hint:
                on_look()
            else:
                whisper = hint["whisper"]
                on_whisper(whisper["room"], whisper["name"], whisper["data"])
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("a hint that cannot be read: %.200r", raw)
