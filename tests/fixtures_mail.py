"""A real IMAP server for tests, and a line into nowhere that remembers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from hub.domain.messages import WebhookRequest
from tests import parts


@pytest.fixture
def mail_server() -> Iterator[parts.MailServer]:
    """A Dovecot with empty mailboxes."""
    with parts.run_dovecot() as server:
        yield server


@dataclass
class MemoryLine:
    """`hub.ports.Line` in memory: what was emitted, and a condition to wait on."""

    memory: str = ""
    emitted: list[WebhookRequest] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    looks: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def emit(self, request: WebhookRequest, memory: str = "") -> None:
        with self.changed:
            self.emitted.append(request)
            self.memory = memory or self.memory
            self.changed.notify_all()

    def emit_all(self, arrived: Sequence[tuple[WebhookRequest, str]]) -> None:
        for request, memory in arrived:
            self.emit(request, memory)

    def remember(self, memory: str) -> None:
        self.memory = memory

    def seen(self, behind: int = 0, notice: str = "") -> None:
        with self.changed:
            self.looks += behind == 0
            self.notices += [notice] if notice else []
            self.changed.notify_all()

    def failed(self, error: str) -> None:
        self.errors.append(error)

    def stopped(self) -> bool:
        return self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        self._stopped.set()

    def until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        """Waits for something that emitting or looking brings about."""
        with self.changed:
            assert self.changed.wait_for(true, seconds)
