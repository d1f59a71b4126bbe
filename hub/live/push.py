"""Tells this process's open screens what is new, from the feed and in its order.

One thread reads the feed from a cursor of its own and hands each page to the sockets, which queue it: nobody's slow
connection holds up anybody else. Every process does so for its own sockets, so that nothing is told twice; between
processes travels only the hint to look (hub/live/hints.py).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from hub import failpoints
from hub.domain import rooms
from hub.domain.errors import Unavailable
from hub.store import feed
from hub.store.unit_of_work import Reading, Store

log = logging.getLogger(__name__)

EVENT = "events"
PAGE = 200
# Seconds: between two looks without a hint, and the longest pause after errors.
POLL = 1.0
LONGEST_PAUSE = 5.0
# In a rush the next look waits so many times as long as the last one took, but at most so many seconds: what is
# committed meanwhile goes with it. Otherwise each commit would be looked at by itself, and screens would take from
# webhooks and jobs what time there is.
REST, LONGEST_REST = 1.0, 0.02
# Each page also lets what customers and agents wait for go first, for at most so many seconds: on SQLite it is one
# interpreter that does both.
ROOM = 0.015

Emit = Callable[[str, Mapping[str, Any], str], None]
RenderForAgents = Callable[[Reading, feed.Page], list[dict[str, Any]]]
RenderForVisitors = Callable[[Reading, feed.Page, Collection[str]], Mapping[str, list[dict[str, Any]]]]


class Hints(Protocol):
    """What tells the other processes (`hub.live.hints.RedisHints`)."""

    def look(self) -> None: ...

    def whisper(self, room: str, name: str, data: Mapping[str, Any]) -> None: ...

    def listen(
        self, on_look: Callable[[], None], on_whisper: Callable[[str, str, Mapping[str, Any]], None]
    ) -> None: ...

    def stop(self) -> None: ...


class LivePush:
    """`hub.ports.Push` for a process that has sockets. Says nothing before `start`.

    Args:
        store: whose feed is pushed.
        hints: how other processes are told and heard; None where there are none.
    """

    def __init__(self, store: Store, hints: Hints | None = None) -> None:
        self._store = store
        self._hints = hints
        self._cursor: feed.Cursor | None = None
        self._members: Counter[str] = Counter()
        self._joins = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # --- hub.ports.Push ---

    def look(self) -> None:
        # With nobody here it is not worth waking up: the thread keeps the cursor fresh by itself.
        if self._members:
            self._wake.set()
        if self._hints is not None:
            self._hints.look()

    def whisper(self, room: str, name: str, data: Mapping[str, Any]) -> None:
        self._whisper_here(room, name, data)
        if self._hints is not None:
            self._hints.whisper(room, name, data)

    # --- the sockets' side ---

    def joined(self, room: str) -> None:
        """A socket is in a room. Call it before the socket is told so: from then on it misses nothing.

        Raises Unavailable while the database was not read once, because then nobody knows where to begin.
        """
        with self._lock:
            if self._cursor is None:
                raise Unavailable("the feed cannot be read yet")
            self._joins += 1
            self._members[room] += 1

    def left(self, room: str) -> None:
        with self._lock:
            self._members[room] -= 1
            if self._members[room] <= 0:
                del self._members[room]

    def start(self, emit: Emit, render_agents: RenderForAgents, render_visitors: RenderForVisitors) -> None:
        """Begins to push.

        Args:
            emit: hands `(event, data, room)` to the sockets of a room and returns at once.
            render_agents: a page's entries as agents see them.
            render_visitors: a page's entries for each of the given visitors' rooms that has any.
        """
        self._emit, self._render_agents, self._render_visitors = emit, render_agents, render_visitors
        self._thread = threading.Thread(target=self._run, name="live-feeder", daemon=True)
        self._thread.start()
        if self._hints is not None:
            self._hints.listen(self._wake.set, self._whisper_here)

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(LONGEST_PAUSE)
        if self._hints is not None:
            self._hints.stop()

    # --- the feeder ---

    def _whisper_here(self, room: str, name: str, data: Mapping[str, Any]) -> None:
        if room in self._members:
            self._emit(name, data, room)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._feed()
                failures = 0
            except Exception as error:  # whatever the database says, screens want to be told again later
                failures += 1
                log.warning("the feed could not be pushed: %s", error, exc_info=failures == 1)
                self._stopping.wait(min(0.1 * 2**failures, LONGEST_PAUSE))
            else:
                self._stopping.wait(min(REST * (time.monotonic() - began), LONGEST_REST))
                self._wake.wait(POLL)
                self._wake.clear()

    def _feed(self) -> None:
        with self._lock:
            cursor, joins, nobody = self._cursor, self._joins, not self._members
        if cursor is None or nobody:
            with self._store.read() as connection:
                head = feed.head(connection)
            with self._lock:
                # Whoever joined meanwhile may have asked the feed before we did: what lies between is still to be told.
                if self._joins == joins:
                    self._cursor = head
            return
        more = True
        while more and not self._stopping.is_set():
            self._store.make_room(ROOM)
            cursor, more = self._push_page(cursor)
            self._cursor = cursor

    def _push_page(self, after: feed.Cursor) -> tuple[feed.Cursor, bool]:
        """Tells everybody of the next page. Returns where that ends, and whether there is another."""
        with self._store.read() as connection:
            page = feed.read(connection, after, limit=PAGE)
            if not page.entries:
                return after, False
            # After the read: whoever joins from now on finds all of this page in the feed.
            with self._lock:
                members = set(self._members)
            visitors = {room for room in members if rooms.is_visitors(room)}
            for_agents = self._render_agents(connection, page) if rooms.AGENTS in members else None
            for_visitors = self._render_visitors(connection, page, visitors) if visitors else {}
        failpoints.reach("push.read")
        if for_agents is not None:
            self._emit(EVENT, {"after": str(after), "entries": for_agents, "cursor": str(page.cursor)}, rooms.AGENTS)
        for room, entries in for_visitors.items():
            self._emit(EVENT, {"entries": entries, "cursor": str(page.cursor)}, room)
        return page.cursor, page.more
