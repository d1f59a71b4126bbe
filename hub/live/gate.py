"""The way in for web sockets: from our own pages only, and never so many that no thread is left for anything else.

A socket takes a thread of the server for as long as it is open. At gunicorn's own limit a new request would hang
without a word; here a handshake over the limit gets 503 with `Retry-After`, and the web chat polls instead.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hub.domain.errors import Forbidden, HubError, Unavailable
from hub.services.web_chat import is_own_origin

# Threads that are left for HTTP, whatever the number of sockets.
RESERVED_THREADS = 64
RETRY_AFTER = 5
# Seconds that an open connection may be nobody's: before it has said who it is, and after it was given up.
NOBODYS = 10.0
# Packets that may wait for a slow reader. It then loses its connection, comes back and asks the feed.
BACKLOG = 500
ENVIRON_KEY = "centralita.connection"

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(eq=False)
class Connection:
    """One open web socket. `members` counts the namespaces that it has been let into, `waiting` are its packets."""

    raw: socket.socket | None
    members: int = 0
    changed_at: float = field(default_factory=time.monotonic)
    waiting: queue.Queue[Any] | None = None

    def joined(self, waiting: queue.Queue[Any]) -> None:
        self.members, self.waiting = self.members + 1, waiting
        self.changed_at = time.monotonic()

    def left(self) -> None:
        self.members, self.changed_at = self.members - 1, time.monotonic()

    @property
    def is_hopeless(self) -> bool:
        """Whether it is nobody's, or its reader does not keep up."""
        if self.members <= 0:
            return time.monotonic() - self.changed_at > NOBODYS
        return self.waiting is not None and self.waiting.qsize() > BACKLOG

    def cut(self) -> None:
        """Ends it at once, whatever any thread is doing with it: a writer to a hung client waits in the kernel."""
        if self.raw is not None:
            with contextlib.suppress(OSError):
                self.raw.shutdown(socket.SHUT_RDWR)


class _SendsAll:
    """A socket whose `send` sends everything, as the websocket library takes for granted: gevent's sends a part.

    `send_now` sends what the kernel takes at once; returns how many bytes. Raises OSError, BlockingIOError for none.
    """

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self.send = raw.sendall
        # Past gevent's own, which would wait.
        self._kernel: socket.socket = getattr(raw, "_sock", raw)

    def send_now(self, data: bytes) -> int:
        return self._kernel.send(data, socket.MSG_DONTWAIT)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


class SocketGate:
    """WSGI middleware around what serves the sockets' path.

    Args:
        app: what serves both HTTP and web sockets.
        most: the most web sockets at a time.
        public_url: where the hub is reached: its pages may open sockets.
    """

    def __init__(self, app: Wsgi, *, most: int, public_url: str) -> None:
        self._app = app
        self._most = most
        self._public_url = public_url
        self._open: set[Connection] = set()
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return self._app(environ, start_response)
        connection = Connection(environ.get("gunicorn.socket"))
        try:
            self._admit(environ, connection)
        except HubError as error:
            return _refusal(error, start_response)
        environ[ENVIRON_KEY] = connection
        # Browsers offer to compress. For each socket that would take 300 KB, and events are too short to gain by it.
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        if connection.raw is not None:
            environ["gunicorn.socket"] = _SendsAll(connection.raw)
        try:
            return self._app(environ, start_response)  # returns when the socket is closed
        finally:
            with self._lock:
                self._open.discard(connection)

    def _admit(self, environ: dict[str, Any], connection: Connection) -> None:
        host_url = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        origin = environ.get("HTTP_ORIGIN", "")
        # Whoever sends none is no browser, and then nothing is lost by asking for it.
        if not is_own_origin(origin, public_url=self._public_url, host_url=host_url):
            raise Forbidden("web sockets are for the hub's own pages: the Origin must be the hub's")
        with self._lock:
            if self._closed or len(self._open) >= self._most:
                raise Unavailable("all web sockets are taken", RETRY_AFTER)
            self._open.add(connection)

    def cut_hopeless(self) -> None:
        """Ends connections that are nobody's or that do not keep up."""
        for connection in self._connections():
            if connection.is_hopeless:
                connection.cut()

    def close(self) -> None:
        """Ends all connections and lets nobody in any more."""
        with self._lock:
            self._closed = True
        for connection in self._connections():
            connection.cut()

    def _connections(self) -> list[Connection]:
        with self._lock:
            return list(self._open)


def _refusal(error: HubError, start_response: Callable[..., Any]) -> list[bytes]:
    """The same answer as from the API: a `Problem`."""
    body = json.dumps({"error_id": error.error_id, "message": str(error), "field": None, "rule": None}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if isinstance(error, Unavailable):
        headers.append(("Retry-After", str(error.retry_after)))
        start_response("503 Service Unavailable", headers)
    else:
        start_response("403 Forbidden", headers)
    return [body]
