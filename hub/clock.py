"""The machine's clock."""

from __future__ import annotations

import time


class SystemClock:
    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1000
