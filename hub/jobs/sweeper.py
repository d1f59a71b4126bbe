"""What is due: outbox rows that nobody was told of, conversations whose sleep is over, promises that are about to be
broken or are, things kept long enough."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial

from hub import failpoints
from hub.domain.inbox import DAY
from hub.hub import Hub
from hub.jobs.handlers import SECOND
from hub.services import article_round, assignment, assist, presence, promises, routing, vendors
from hub.store.queries import due, outbox, staffing
from hub.store.queries import routing as routing_queries

log = logging.getLogger(__name__)

EVERY = 0.5
SHORTEST = 0.05  # between two rounds, however much is due one after the other
TIDY_EVERY = 600.0
# What only time changes: asked-for levels that are lowered, teams that help out, who may be asked again.
ROUTE_EVERY = 5 * SECOND
KEEP_PAYLOADS = 30 * DAY
KEEP_FINISHED = 2 * DAY


class Sweeper:
    """Sweeps every half second, and the moment that a row is due, until it is stopped.

    Any number may run, in any number of processes: each change is conditional.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stopped = False
        self._changed = threading.Condition()
        self._due: int | None = None
        self._route_at = 0
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def expect(self, at: int) -> None:
        """There is something to sweep at this time (microseconds), perhaps before the next round."""
        with self._changed:
            if self._due is None or at < self._due:
                self._due = at
                self._changed.notify()

    def sweep(self) -> int:
        """One round. Returns how many outbox rows were offered."""
        store = self._hub.store
        with store.read() as connection:
            now = self._hub.clock.now()
            has_rows = outbox.has_offers(connection, now)
            asleep = due.over_slept(connection, now)
            promised = due.promises(connection, now)
            next_due = outbox.next_due(connection, now)
            next_over = routing_queries.next_offer_over(connection)
            unanswered = routing_queries.offers_over(connection, now) if next_over and next_over <= now else []
            awaited = due.vendors(connection, now)
            next_back = staffing.next_wrapped_up(connection)
            wrapped_up = staffing.wrapped_up(connection, now) if next_back and next_back <= now else []
        for at in (next_due, next_over, next_back):
            if at is not None and at > now:
                self.expect(at)
        # Looked at first on a read connection: an idle hub does not write.
        offered = store.write(outbox.offer, later=True) if has_rows else []
        if offered:
            failpoints.reach("sweep.offered")
        for slow in (False, True):
            ids = [outbox_id for outbox_id, is_slow in offered if is_slow is slow]
            if ids:
                self._hub.nudger.nudge(ids, slow=slow)
        for conversation_id in asleep:
            store.write(partial(assignment.wake, conversation_id=conversation_id))
        for conversation_id in unanswered:
            store.write(partial(routing.time_out, conversation_id=conversation_id))
        for agent_id in wrapped_up:
            store.write(partial(presence.end_wrap_up, agent_id=agent_id))
        if now >= self._route_at:
            self._route_at = now + ROUTE_EVERY
            routing.give_away_all(self._hub)
            article_round.go_round(self._hub)
        for conversation_id in promised:
            store.write(partial(promises.announce, conversation_id=conversation_id))
        for conversation_id in awaited:
            store.write(partial(vendors.announce, conversation_id=conversation_id))
        return len(offered)

    def tidy(self) -> None:
        """Deletes what was kept long enough: raw payloads, finished rows, ended sessions."""
        while self._hub.store.write(lambda tx: due.tidy(tx, payloads=KEEP_PAYLOADS, finished=KEEP_FINISHED)):
            pass
        assist.remember(self._hub)

    def _run(self) -> None:
        tidied = time.monotonic() - TIDY_EVERY
        while self._sleep():
            try:
                self.sweep()
                if time.monotonic() - tidied >= TIDY_EVERY:
                    tidied = time.monotonic()
                    self.tidy()
            except Exception:  # the edge of a thread: the next round tries again
                log.exception("a sweep failed")

    def _sleep(self) -> bool:
        """Until the next round or what is due before it. Returns whether to go on."""
        began = time.monotonic()
        with self._changed:
            while not self._stopped:
                slept = time.monotonic() - began
                left = EVERY - slept
                if self._due is not None:
                    left = min(left, max((self._due - self._hub.clock.now()) / SECOND, SHORTEST - slept))
                if left <= 0:
                    break
                self._changed.wait(left)
            self._due = None
            return not self._stopped
