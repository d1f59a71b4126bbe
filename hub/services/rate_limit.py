"""Keeps one sender from taking everybody's turn. Counted in this process alone: each further one allows the same again.

That is enough against a loop or a flood from one place, which is what it is for.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict

from hub.domain.errors import TooMany

KEPT = 10_000


class RateLimit:
    """A token bucket for each sender.

    Args:
        per_second: how many calls a sender may make in the long run.
        burst: how many at once.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, sender: str) -> bool:
        """Counts a call. Whether it may be made."""
        return self._wait(sender) == 0

    def check(self, sender: str) -> None:
        """Counts a call. Raises TooMany, saying when to come again, when it is one too many."""
        if wait := self._wait(sender):
            raise TooMany("too many calls", math.ceil(wait))

    def _wait(self, sender: str) -> float:
        """Seconds until the call would be allowed; 0 where it is and was counted."""
        now = time.monotonic()
        with self._lock:
            tokens, since = self._buckets.pop(sender, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - since) * self._per_second)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
            self._buckets[sender] = (tokens if wait else tokens - 1, now)
            # Whoever was silent for longest has a full bucket again, or soon would.
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
        return wait
