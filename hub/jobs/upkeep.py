"""Asks providers how the inboxes' accounts are, once a day, and exchanges tokens before they end."""

from __future__ import annotations

import logging
import threading

from hub.hub import Hub
from hub.services import inbox_health

log = logging.getLogger(__name__)

EVERY = 60.0


class Upkeep:
    """Looks once a minute whether an inbox's day is over, until it is stopped. Any number may run, in any number of
    processes; a thread of its own, for providers may be slow."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            try:
                inbox_health.look_after(self._hub)
            except Exception:  # the edge of a thread: the next round tries again
                log.exception("could not look after the inboxes")
