"""Inboxes at hand: every inbound message asks for one, and they change when an administrator changes them."""

from __future__ import annotations

import threading
import time

from hub.domain.errors import NotFound
from hub.domain.inbox import Inbox
from hub.store.queries import inboxes
from hub.store.unit_of_work import Store

# By id and by key.
_Known = tuple[dict[str, Inbox], dict[str, Inbox]]

FRESH = 1.0  # seconds; so long may a process go on with the old rules of an inbox


class InboxDirectory:
    """All inboxes, read again when the last reading is older than a second. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading = threading.Lock()
        self._read_at = -FRESH
        self._known: _Known = ({}, {})

    def by_id(self, inbox_id: str) -> Inbox:
        """Raises NotFound."""
        found = self._fresh()[0].get(inbox_id) or self._read()[0].get(inbox_id)
        if found is None:
            raise NotFound(f"there is no inbox {inbox_id}")
        return found

    def by_key(self, key: str) -> Inbox:
        """The inbox with this public key. Raises NotFound."""
        found = self._fresh()[1].get(key) or self._read()[1].get(key)
        if found is None:
            raise NotFound("there is no such inbox")
        return found

    def every(self) -> tuple[Inbox, ...]:
        """All inboxes, by name."""
        return tuple(self._fresh()[0].values())

    def routed(self) -> frozenset[str]:
        """The inboxes whose conversations are not left to be taken, as they were last read. Reads nothing: it is asked
        within transactions."""
        return frozenset(inbox.id for inbox in self._known[0].values() if inbox.routing != "manual")

    def forget(self) -> None:
        """For whoever has just changed an inbox: this process reads them again at the next question."""
        self._read_at = -FRESH

    def _fresh(self) -> _Known:
        if time.monotonic() - self._read_at < FRESH:
            return self._known
        with self._reading:
            # Somebody else may have read them while this one waited.
            return self._known if time.monotonic() - self._read_at < FRESH else self._read()

    def _read(self) -> _Known:
        """Also where one is not known: it may be new."""
        with self._store.read() as connection:
            found = inboxes.every(connection)
        self._known = ({inbox.id: inbox for inbox in found}, {inbox.key: inbox for inbox in found})
        self._read_at = time.monotonic()
        return self._known
