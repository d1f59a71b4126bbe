"""What is due: outbox rows that nobody was told of, conversations whose sleep is over, things kept long enough."""

from __future__ import annotations

import logging
import threading
from functools import partial

from hub.domain.inbox import DAY
from hub.hub import Hub
from hub.services import assignment
from hub.store.queries import due, outbox

log = logging.getLogger(__name__)

EVERY = 0.5
TIDY_EVERY = 600.0
KEEP_PAYLOADS = 30 * DAY
KEEP_FINISHED = 2 * DAY


class Sweeper:
    """Sweeps every half second until it is stopped. Any number may run: each change is conditional."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def sweep(self) -> int:
        """One round. Returns how many outbox rows were offered."""
        store = self._hub.store
        with store.read() as connection:
            now = self._hub.clock.now()
            has_rows = outbox.has_offers(connection, now)
            asleep = due.over_slept(connection, now)
        # Looked at first on a read connection: an idle hub does not write.
        offered = store.write(outbox.offer) if has_rows else []
        for slow in (False, True):
            ids = [outbox_id for outbox_id, is_slow in offered if is_slow is slow]
            if ids:
                self._hub.nudger.nudge(ids, slow=slow)
        for conversation_id in asleep:
            store.write(partial(assignment.wake, conversation_id=conversation_id))
        return len(offered)

    def tidy(self) -> None:
        """Deletes what was kept long enough: raw payloads, finished rows, ended sessions."""
        while self._hub.store.write(lambda tx: due.tidy(tx, payloads=KEEP_PAYLOADS, finished=KEEP_FINISHED)):
            pass

    def _run(self) -> None:
        rounds = 0
        while not self._stopped.wait(EVERY):
            try:
                self.sweep()
                if rounds % int(TIDY_EVERY / EVERY) == 0:
                    self.tidy()
            except Exception:  # the edge of a thread: the next round tries again
                log.exception("a sweep failed")
            rounds += 1
