"""How long the machine kept the hub and us waiting for a core: what a customer waits besides is the hub's own doing.

A thread's time in line for a core stands in /proc (schedstat, its second number, nanoseconds). What ours wait, Python's
own lock included, is how much later than asked for a short sleep ends.
"""

from __future__ import annotations

import bisect
import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_EVERY = 0.1


class Stalls:
    """Watches until it is stopped. `pids` gives the processes that are watched now."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids
        self._last: dict[str, int] = {}
        self._times: list[float] = [time.time()]
        self._sums: list[float] = [0.0]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def between(self, since: float, until: float) -> float:
        """Seconds, of the wall clock's times."""
        return self._sum(until) - self._sum(since)

    def _sum(self, at: float) -> float:
        return self._sums[min(bisect.bisect(self._times, at), len(self._sums) - 1)]

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            stopping = self._stopping.wait(_EVERY)
            late = max(0.0, time.monotonic() - began - _EVERY) if not stopping else 0.0
            self._sums.append(self._sums[-1] + min(late + self._waited(), time.monotonic() - began))
            self._times.append(time.time())
            if stopping:
                return

    def _waited(self) -> float:
        """Of each process the thread that waited longest: one does a message's work at a time."""
        waited = 0.0
        for pid in self._pids():
            longest = 0
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    with contextlib.suppress(OSError, ValueError, IndexError):
                        total = int((task / "schedstat").read_text().split()[1])
                        longest = max(longest, total - self._last.get(task.name, 0))
                        self._last[task.name] = total
            waited += longest / 1e9
        return waited
