"""The gate by itself: counting, cutting, letting go. That it does so behind the real server is test_sockets.py's."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hub.live import gate as gate_module
from hub.live.gate import ENVIRON_KEY, Connection, SocketGate

PUBLIC = "https://hub.example"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)
    yield ours, theirs
    ours.close()
    theirs.close()


def environ(raw: socket.socket | None = None, **more: str) -> dict[str, Any]:
    return {
        "PATH_INFO": "/socket.io/",
        "HTTP_UPGRADE": "WebSocket",
        "HTTP_ORIGIN": PUBLIC,
        "HTTP_HOST": "hub.example",
        "wsgi.url_scheme": "https",
        "gunicorn.socket": raw,
        **more,
    }


class Answers:
    """A `start_response` that remembers."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)


def test_a_place_is_free_again_whatever_ends_the_socket() -> None:
    def app(_: dict[str, Any], __: Any) -> list[bytes]:
        raise ConnectionError

    gate = SocketGate(app, most=1, public_url=PUBLIC)
    for _ in range(3):
        with pytest.raises(ConnectionError):
            gate(environ(), Answers())


def test_over_the_limit_and_after_the_end_it_says_when_to_come_again() -> None:
    answers = Answers()

    def app(_: dict[str, Any], __: Any) -> list[bytes]:
        assert b'"unavailable"' in b"".join(gate(environ(), answers))
        return []

    gate = SocketGate(app, most=1, public_url=PUBLIC)
    gate(environ(), Answers())
    assert (answers.status, answers.headers["Retry-After"]) == ("503 Service Unavailable", "5")
    gate.close()
    closed = Answers()
    gate(environ(), closed)
    assert closed.status.startswith("503")


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (PUBLIC, "hub.example", True),
        ("https://hub.example:443", "hub.example", False),
        ("http://hub.example", "hub.example", False),
        ("https://shop.example", "hub.example", False),
        ("https://evil.example", "evil.example", False),
        ("https://localhost:8000", "localhost:8000", True),
        ("https://127.0.0.1:8000", "localhost:8000", False),
        ("", "localhost:8000", False),
        ("null", "null", False),
    ],
)
def test_the_origin_is_the_hubs_exactly(origin: str, host: str, allowed: bool) -> None:
    gate = SocketGate(lambda _, __: [], most=1, public_url=PUBLIC)
    answers = Answers()
    gate(environ(HTTP_ORIGIN=origin, HTTP_HOST=host), answers)
    assert answers.status == ("" if allowed else "403 Forbidden")


def test_http_passes_whatever_its_origin() -> None:
    gate = SocketGate(lambda environ, _: [environ["PATH_INFO"].encode()], most=0, public_url=PUBLIC)
    assert gate({"PATH_INFO": "/webhooks/x"}, Answers()) == [b"/webhooks/x"]
    assert gate({"PATH_INFO": "/socket.io/"}, Answers()) == [b"/socket.io/"]


def test_who_is_nobodys_or_does_not_keep_up_is_cut(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: queue.Queue[Any] = queue.Queue()
    seen: list[Connection] = []

    def app(environ: dict[str, Any], _: Any) -> list[bytes]:
        connection: Connection = environ[ENVIRON_KEY]
        seen.append(connection)
        gate.cut_hopeless()  # has just come: it may still say who it is
        pair[0].sendall(b"1")
        assert pair[1].recv(1) == b"1"
        connection.joined(waiting)
        monkeypatch.setattr(gate_module, "NOBODYS", -1.0)
        gate.cut_hopeless()
        pair[0].sendall(b"2")
        assert pair[1].recv(1) == b"2"
        for _ in range(gate_module.BACKLOG + 1):
            waiting.put(None)
        gate.cut_hopeless()
        assert pair[1].recv(1) == b""
        return []

    gate = SocketGate(app, most=1, public_url=PUBLIC)
    gate(environ(pair[0]), Answers())
    connection = seen[0]
    assert connection.is_hopeless
    connection.waiting = queue.Queue()
    assert not connection.is_hopeless
    connection.left()
    assert connection.is_hopeless


def test_what_is_sent_is_sent_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    """The websocket library calls `send` and takes it for sent: a socket that does not block would send a part."""
    pair[0].settimeout(60)
    sent = b"x" * 4_000_000
    received: queue.Queue[int] = queue.Queue()

    def app(environ: dict[str, Any], _: Any) -> list[bytes]:
        def read() -> None:
            total = 0
            while total < len(sent):
                total += len(pair[1].recv(65536))
            received.put(total)

        reader = threading.Thread(target=read)
        reader.start()
        environ["gunicorn.socket"].send(sent)
        reader.join(60)
        return []

    SocketGate(app, most=1, public_url=PUBLIC)(environ(pair[0]), Answers())
    assert received.get(timeout=60) == len(sent)
