"""Runs the channels that nobody calls: mailboxes and socket modes. Each inbox is listened to by one process at a time.

Whoever runs outbox rows competes for the inboxes' leases. What a listener emits is stored in one transaction with its
memory, and only while the lease is held: a process that was away too long writes nothing, and whoever went on for it
begins where the last stored message was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from ulid import ULID

from hub.domain.errors import ChannelError, HubError, NotFound, Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import WebhookRequest
from hub.hub import Hub
from hub.ports import Channel, Listener
from hub.services import intake
from hub.store.queries import listening
from hub.store.unit_of_work import Tx, UseCase

log = logging.getLogger(__name__)

LEASE = 30_000_000
EVERY = 2.0
FIRST_PAUSE, LONGEST_PAUSE, ACCOUNT_PAUSE = 1.0, 30.0, 300.0


class LeaseLost(HubError):
    """Another process listens for this inbox by now."""

    error_id = "lease_lost"


@dataclass(slots=True)
class HubLine:
    """A listener's way into the hub: `hub.ports.Line`."""

    hub: Hub
    inbox: Inbox
    channel: Channel
    owner: str
    memory: str
    reached: bool = False
    _stopped: threading.Event = field(default_factory=threading.Event)

    def emit(self, request: WebhookRequest, memory: str = "") -> None:
        self.emit_all([(request, memory or self.memory)])

    def emit_all(self, arrived: Sequence[tuple[WebhookRequest, str]]) -> None:
        def remembered(tx: Tx, count: int) -> None:
            if not listening.remember(tx, self.inbox.id, owner=self.owner, memory=arrived[count - 1][1]):
                raise LeaseLost(f"inbox {self.inbox.key} is listened to by another process")

        self._require_ours()
        requests = [request for request, _ in arrived]
        for count in intake.take_all(self.hub, self.inbox, self.channel, requests, also=remembered):
            self.memory = arrived[count - 1][1]

    def remember(self, memory: str) -> None:
        def use_case(tx: Tx) -> None:
            if not listening.remember(tx, self.inbox.id, owner=self.owner, memory=memory):
                raise LeaseLost(f"inbox {self.inbox.key} is listened to by another process")

        self._write(use_case)
        self.memory = memory

    def seen(self, behind: int = 0, notice: str = "") -> None:
        self.reached = True
        self._write(lambda tx: listening.seen(tx, self.inbox.id, owner=self.owner, behind=behind, notice=notice))

    def failed(self, error: str) -> None:
        self._write(lambda tx: listening.failed(tx, self.inbox.id, owner=self.owner, error=error))

    def stopped(self) -> bool:
        return self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        """For whoever runs the listener: it is to return soon."""
        self._stopped.set()

    def _write(self, use_case: UseCase[None]) -> None:
        self._require_ours()
        self.hub.store.write(use_case)

    def _require_ours(self) -> None:
        if self.stopped():
            raise LeaseLost(f"inbox {self.inbox.key}: told to stop")


@dataclass(frozen=True, slots=True)
class _Running:
    line: HubLine
    thread: threading.Thread


class Listeners:
    """Keeps every listening inbox listened to, from `start` to `stop`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._owner = str(ULID())
        self._running: dict[str, _Running] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listeners", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._stopped.set()
        for running in self._running.values():
            running.line.stop()
        if self._thread.is_alive():
            self._thread.join(timeout)
        for inbox_id, running in self._running.items():
            running.thread.join(timeout)
            if not running.thread.is_alive():
                self._hub.store.write(partial(listening.release, inbox_id=inbox_id, owner=self._owner))
        self._running.clear()

    def tend(self) -> None:
        """One round: leases renewed or taken, listeners begun, and ended where their inbox has changed or is gone."""
        wanted: dict[str, tuple[Inbox, Channel]] = {}
        for inbox in self._hub.inboxes.every():
            if inbox.disabled:
                continue
            try:
                channel = self._hub.channel_of(inbox)
            except (NotFound, Refused) as error:
                log.warning("inbox %s cannot be listened to: %s", inbox.key, error)
                continue
            if isinstance(channel, Listener):
                wanted[inbox.id] = (inbox, channel)
        for inbox_id, running in list(self._running.items()):
            if wanted.get(inbox_id, (None, None))[1] is not running.line.channel or not running.thread.is_alive():
                running.line.stop()
                if not running.thread.is_alive():
                    del self._running[inbox_id]
        for inbox_id, (inbox, channel) in wanted.items():
            take = partial(listening.take, inbox_id=inbox_id, owner=self._owner, lease=LEASE)
            memory = self._hub.store.write(take)
            held = self._running.get(inbox_id)
            if memory is None and held:
                held.line.stop()
            elif memory is not None and held is None:
                line = HubLine(self._hub, inbox, channel, self._owner, memory)
                thread = threading.Thread(target=_listen, args=[line], name=f"listener-{inbox.key}", daemon=True)
                self._running[inbox_id] = _Running(line, thread)
                thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.tend()
            except Exception:  # the edge of a thread: the next round tries again
                log.exception("could not tend the listeners")
            self._stopped.wait(EVERY)


def _listen(line: HubLine) -> None:
    """Runs one listener until it is told to stop; what it raises is shown, and it begins again after a pause."""
    pause = FIRST_PAUSE
    listener = line.channel
    assert isinstance(listener, Listener)  # noqa: S101  # chosen for that
    while not line.stopped():
        line.reached = False
        try:
            listener.listen(line)
        except LeaseLost:
            return
        except Exception as error:  # the edge of a thread: shown with the inbox, and tried again
            log.warning("listening for inbox %s failed: %s", line.inbox.key, error, exc_info=not _expected(error))
            try:
                line.failed(f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("could not note that inbox %s is not listened to", line.inbox.key)
            if isinstance(error, ChannelError) and error.account:
                line.wait(ACCOUNT_PAUSE)  # providers lock accounts that are knocked at with a wrong password
                continue
        # Whoever answered and then broke off is tried again at once, whoever does not answer less and less often.
        pause = FIRST_PAUSE if line.reached else min(pause * 2, LONGEST_PAUSE)
        line.wait(pause)


def _expected(error: Exception) -> bool:
    return isinstance(error, HubError | OSError)
