"""The machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable


def wall() -> int:
    """What the machine's clock shows: microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


class SystemClock:
    """The machine's clock, which never goes back.

    Where somebody sets it back, what is due now would be due in an hour, and leases would last as long. Time then goes
    on from where it was at half its pace, until the machine's clock has caught up.

    Args:
        steady: microseconds that only grow, however the clock is set.
    """

    def __init__(self, steady: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        self._steady = steady
        self._last = (0, 0)

    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        shown, steady = wall(), self._steady()
        told, at = self._last
        now = max(shown, told + (steady - at) // 2) if told else shown
        self._last = (now, steady)
        return now
