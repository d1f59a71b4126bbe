"""Fewer threads for each web socket than the libraries take: two instead of four.

Engine.IO keeps one thread a socket asleep until the next ping, and its websocket library one that only reads and wakes
another. Here whoever looks after all sockets sends the pings, and who waits for a message reads it. Of greenlets, too,
the stacks are much of what a socket takes (docs/live.md).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import simple_websocket
from engineio import packet
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from engineio.exceptions import SocketIsClosedError
from engineio.socket import Socket
from wsproto.utilities import LocalProtocolError


class Pings:
    """Asks every socket of an Engine.IO server whether it is still there, each when the server's interval is over.

    Args:
        engine: the server; its sockets start no thread for that any more.
    """

    def __init__(self, engine: Any) -> None:
        self._interval: float = engine.ping_interval
        self._due: deque[tuple[float, Socket]] = deque()
        self._start: Callable[..., Any] = engine.start_background_task
        engine.start_background_task = self._start_task

    def send_due(self) -> None:
        """Sends the pings that are due; to be called again and again."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, asked = self._due.popleft()
            if not asked.closing and not asked.closed:
                asked.last_ping = time.time()
                with suppress(SocketIsClosedError):
                    asked.send(packet.Packet(packet.PING))

    def _start_task(self, target: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if getattr(target, "__func__", None) is Socket._send_ping:
            self._due.append((time.monotonic() + self._interval, target.__self__))  # type: ignore[attr-defined]
            return None
        return self._start(target, *args, **more)


class _NoThread:
    """In place of the thread in which the library reads."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        pass


class _WebSocket(simple_websocket.Server):  # type: ignore[misc]  # the library carries no annotations
    """A web socket that is read by who waits for a message."""

    connected: bool

    def receive(self, timeout: float | None = None) -> str | bytes:  # noqa: ARG002  # nobody gives one
        """The next message, however long it takes. Raises ConnectionClosed."""
        while not self.input_buffer:
            if not self.connected:
                raise simple_websocket.ConnectionClosed(self.close_reason, self.close_message)
            try:
                data = self.sock.recv(self.receive_bytes)
                self.ws.receive_data(data)  # none: the other side has hung up
                self.connected = self._handle_events() and bool(data)
            except (OSError, LocalProtocolError):
                self.connected = False
        message: str | bytes = self.input_buffer.pop(0)
        return message


def websockets(longest_message: int) -> type[SimpleWebSocketWSGI]:
    """What Engine.IO is to open web sockets with, under gunicorn.

    A message that is longer (bytes) ends its socket while it is still coming in. Engine.IO's own limit is applied to
    whole messages, and it has no setting for that of the layer below.
    """

    class Wsgi(SimpleWebSocketWSGI):  # type: ignore[misc]
        def __call__(self, environ: dict[str, Any], _: Callable[..., Any]) -> NoReturn:
            self.ws = _WebSocket(environ, max_message_size=longest_message, thread_class=_NoThread)
            self.app(self)
            raise StopIteration  # so that gunicorn answers nothing more

    return Wsgi
