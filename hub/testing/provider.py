"""A provider's HTTP interface on loopback: it answers as it is told, hangs or hangs up, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs

# Long enough for a busy machine to be answered on loopback, short enough to wait for in a test.
SHORT_TIMEOUT = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says. `behaviour`: `answers`; `hangs` (reads, then says nothing); `drops` (reads, hangs up)."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    behaviour: Literal["answers", "hangs", "drops"] = "answers"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the provider got. `headers` has lower-case names; `path` holds the query too."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(errors="replace"), keep_blank_values=True)


class Provider:
    """A context manager. `asked` is the ledger; `answer` is what the next requests get, after those in `first`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer = Answer()
        self.first: list[Answer] = []
        self._closing = threading.Event()
        self._came = threading.Condition()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def _ask(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length))
                with provider._came:
                    provider.asked.append(asked)
                    provider._came.notify_all()
                answer = provider.first.pop(0) if provider.first else provider.answer
                if answer.behaviour == "hangs":
                    provider._closing.wait()
                if answer.behaviour != "answers":
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _ask  # noqa: N815  # the library's names

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: ARG002
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.01), daemon=True)

    def wait(self, count: int, seconds: float) -> Asked:
        """The request with this number, from 1, once it has come. Raises TimeoutError."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.asked) >= count, seconds):
                raise TimeoutError(f"the provider was asked {len(self.asked)} times within {seconds} s, not {count}")
            return self.asked[count - 1]

    def __enter__(self) -> Provider:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def nobody_there() -> str:
    """A loopback address that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextlib.contextmanager
def short_timeouts() -> Iterator[None]:
    """Cuts every time-out that a socket is given here to `SHORT_TIMEOUT`; who gives none still waits for ever."""

    def settimeout(self: socket.socket, value: float | None) -> None:
        super(socket.socket, self).settimeout(value if value is None else min(value, SHORT_TIMEOUT))

    socket.socket.settimeout = settimeout  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del socket.socket.settimeout
