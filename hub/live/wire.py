"""Fewer threads for each web socket than the libraries take, two instead of four, and fewer awakenings of them.

Engine.IO keeps one thread a socket asleep until the next ping, and its websocket library one that only reads and wakes
another. Here whoever looks after all sockets sends the pings, and who waits for a message reads it. Of greenlets, too,
the stacks are much of what a socket takes (docs/live.md).

A packet for a hundred screens is put into its frame once and handed to the kernel by whoever has it; a socket's own
writer is woken only for what the kernel does not take at once, because the reader is slow.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn

import simple_websocket
from engineio import packet
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from engineio.exceptions import SocketIsClosedError
from engineio.socket import Socket
from wsproto.frame_protocol import FrameProtocol
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


class Shared(packet.Packet):  # type: ignore[misc]  # the library carries no annotations
    """A packet for many sockets: a server's frames are not masked, and so the same for all (RFC 6455, 5.1)."""

    @cached_property
    def frame(self) -> bytes:
        return _frame(self)


class _Frame(bytes):
    """Bytes that are in a frame, or the rest of one."""


class _Rest:
    """In place of a packet: what the kernel had no room for."""

    def __init__(self, rest: bytes) -> None:
        self._rest = _Frame(rest)

    def encode(self) -> _Frame:
        return self._rest


def _frame(whole: packet.Packet) -> bytes:
    return bytes(FrameProtocol(client=False, extensions=[]).send_data(whole.encode(), fin=True))


class Outgoing:
    """One socket's packets, in the order in which they are put, as Engine.IO wants its queues. None is its word that no
    more come.

    While the writer is asleep nothing waits, and what is put is sent at once, as far as that goes without waiting.
    Not a `queue.Queue`, of which gevent puts its own in place.
    """

    web_socket: _WebSocket | None = None

    def __init__(self) -> None:
        self._packets: deque[Any] = deque()
        self._changed = threading.Condition()
        self._taken = 0
        self._writer_sleeps = False
        self._has_sent = False

    def put(self, item: Any) -> None:
        """Sends a packet, or keeps it for the writer."""
        with self._changed:
            if self._writer_sleeps and self.web_socket is not None and item is not None:
                item = self.web_socket.send_now(item)
                if item is None:
                    self._has_sent = True
                    return
            # From now on everything goes by the writer, until it sleeps again.
            self._writer_sleeps = False
            self._packets.append(item)
            self._changed.notify_all()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next packet that waits. Raises Empty where none does, or none did in `timeout` seconds in which nothing
        was sent either: Engine.IO then ends the socket, for not even a ping was due."""
        with self._changed:
            while not self._packets:
                self._has_sent, self._writer_sleeps = False, block
                is_over = not block or not self._changed.wait_for(self._packets.__len__, timeout)
                self._writer_sleeps = False
                if is_over and not self._has_sent:
                    raise queue.Empty
            self._taken += 1
            return self._packets.popleft()

    def qsize(self) -> int:
        """How many packets wait."""
        return len(self._packets)

    def task_done(self) -> None:
        """Says that a packet that was taken has been seen to."""
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def join(self) -> None:
        """Waits until every packet has been seen to."""
        with self._changed:
            self._changed.wait_for(lambda: not self._packets and self._taken <= 0)


class _WebSocket(simple_websocket.Server):  # type: ignore[misc]  # the library carries no annotations
    """A web socket that is read by who waits for a message."""

    connected: bool

    def send_now(self, whole: packet.Packet) -> packet.Packet | _Rest | None:
        """Sends what the kernel takes without waiting. Returns what is left for the writer, which also finds out that
        a socket is broken; None where nothing is."""
        if not self.connected:
            return whole
        frame = whole.frame if isinstance(whole, Shared) else _frame(whole)
        try:
            sent = self.sock.send_now(frame)
        except OSError:  # no room at all is one, too
            return whole
        return _Rest(frame[sent:]) if sent < len(frame) else None

    def send(self, data: str | bytes) -> None:
        """Raises ConnectionClosed, OSError."""
        if isinstance(data, _Frame):
            self.sock.send(data)
        else:
            super().send(data)

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
            # `app` is a method of the Engine.IO socket.
            self.app.__self__.queue.web_socket = self.ws
            self.app(self)
            raise StopIteration  # so that gunicorn answers nothing more

    return Wsgi
