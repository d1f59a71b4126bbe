"""Wakes the runner by threads of this process. Carries ids only and may forget: the database is the truth."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)


class ThreadNudger:
    """Runs rows in threads of this process.

    Args:
        run: runs one row by its id.
        threads: for ordinary rows; slow ones have a thread of their own.
    """

    def __init__(self, run: Callable[[int], object], threads: int) -> None:
        self._run = run
        self._stopped = threading.Event()
        self._fast: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._slow: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        # The sweeper offers what is not begun in time once more; what stands in line already would be claimed in vain.
        self._in_line: set[int] = set()
        self._threads = [
            threading.Thread(target=self._work, args=(self._fast,), name=f"runner-{number}", daemon=True)
            for number in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._work, args=(self._slow,), name="runner-slow", daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Lets running rows end; what waits stays in the outbox. `timeout` in seconds, for each thread."""
        self._stopped.set()
        for _ in self._threads[:-1]:
            self._fast.put(None)
        self._slow.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout)

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:
        line = self._slow if slow else self._fast
        for outbox_id in outbox_ids:
            if outbox_id not in self._in_line:
                self._in_line.add(outbox_id)
                line.put(outbox_id)

    def _work(self, line: queue.SimpleQueue[int | None]) -> None:
        while (outbox_id := line.get()) is not None and not self._stopped.is_set():
            self._in_line.discard(outbox_id)
            try:
                self._run(outbox_id)
            except Exception:  # the edge of a thread: the row stays in the outbox and the sweeper offers it again
                log.exception("could not run outbox row %s", outbox_id)
