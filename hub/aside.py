"""What nobody waits for: done by a few threads beside, dropped where there is too much of it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

log = logging.getLogger(__name__)

THREADS = 2
MOST_WAITING = 100


class Aside:
    """Runs errands. Its threads begin with the first one, and end with `stop` or the process."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(MOST_WAITING)
        self._changing = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def __call__(self, errand: Callable[[], None]) -> None:
        """Runs it soon, or never where a hundred wait already or it is over."""
        with self._changing:
            if self._stopped:
                return
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._run, name=f"aside-{number}", daemon=True) for number in range(THREADS)
                ]
                for thread in self._threads:
                    thread.start()
            try:
                self._waiting.put_nowait(errand)
            except queue.Full:
                log.debug("an errand is dropped: too many wait")

    def stop(self, timeout: float = 5.0) -> None:
        """Lets running errands end, for they may be reading; what waits is dropped. `timeout` in seconds, for each."""
        with self._changing:
            self._stopped = True
            with suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()
            for _ in self._threads:
                self._waiting.put_nowait(None)
        for thread in self._threads:
            thread.join(timeout)

    def _run(self) -> None:
        while (errand := self._waiting.get()) is not None:
            try:
                errand()
            except Exception as error:  # the edge of a thread; whoever asked has gone on
                log.info("an errand failed: %s", error)
