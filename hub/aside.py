"""What nobody waits for: done by a few threads beside, dropped where there is too much of it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

THREADS = 2
MOST_WAITING = 100


class Aside:
    """Runs errands. Its threads begin with the first one, and end with the process."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(MOST_WAITING)
        self._beginning = threading.Lock()
        self._begun = False

    def __call__(self, errand: Callable[[], None]) -> None:
        """Runs it soon, or never where a hundred wait already."""
        with self._beginning:
            if not self._begun:
                self._begun = True
                for number in range(THREADS):
                    threading.Thread(target=self._run, name=f"aside-{number}", daemon=True).start()
        try:
            self._waiting.put_nowait(errand)
        except queue.Full:
            log.debug("an errand is dropped: too many wait")

    def _run(self) -> None:
        while True:
            errand = self._waiting.get()
            try:
                errand()
            except Exception as error:  # the edge of a thread; whoever asked has gone on
                log.info("an errand failed: %s", error)
