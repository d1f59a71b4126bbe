"""Calls over HTTP/1.1 on connections that stay open, at a small part of what a general client takes for each.

The hub is to be measured with the simulators on the same cores: a call of theirs must cost next to nothing.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit

_MOST_IDLE = 64  # connections to one server that wait for the next call
_MOST_LINE = 65_536
_BODILESS = frozenset({204, 304})


class NoConnection(OSError):
    """Nobody took the connection."""


class NoAnswer(OSError):
    """The connection broke, or the answer did not come in time or made no sense."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    reader: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self.reader = self.socket.makefile("rb")

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def is_usable(self) -> bool:
        """What can be read where nothing was asked is the end of it."""
        look = select.poll()
        look.register(self.socket, select.POLLIN)
        return not look.poll(0)


class Lines:
    """The connections. Safe for threads; to be closed."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[_Connection]] = defaultdict(list)
        self._lock = threading.Lock()
        self._secure = ssl.create_default_context()

    def close(self) -> None:
        with self._lock:
            idle = [each for connections in self._idle.values() for each in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, connect: float, read: float) -> Reply:
        """One POST; redirects are the caller's.

        Args:
            url: with `http://` or `https://`, without fragment.
            body: as it is sent.
            headers: besides Host and Content-Length.
            connect: seconds until the connection must have come about.
            read: seconds between two pieces of the answer.

        Raises:
            NoConnection, NoAnswer.
        """
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
        key = (parts.scheme, parts.netloc)
        connection = self._take(key) or self._open(key, connect)
        keep = False
        try:
            connection.socket.settimeout(read)
            connection.socket.sendall(request)
            reply, keep = _read(connection.reader)
        except (OSError, ValueError) as error:
            raise NoAnswer(str(error)) from error
        finally:
            if not (keep and self._put_back(key, connection)):
                connection.close()
        return reply

    def _take(self, key: tuple[str, str]) -> _Connection | None:
        while True:
            with self._lock:
                if not self._idle[key]:
                    return None
                connection = self._idle[key].pop()
            if connection.is_usable():
                return connection
            connection.close()

    def _put_back(self, key: tuple[str, str], connection: _Connection) -> bool:
        with self._lock:
            if len(self._idle[key]) < _MOST_IDLE:
                self._idle[key].append(connection)
                return True
        return False

    def _open(self, key: tuple[str, str], timeout: float) -> _Connection:
        scheme, place = key
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname or "", parts.port or (443 if scheme == "https" else 80)
        try:
            plain = socket.create_connection((host, port), timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Connection(self._secure.wrap_socket(plain, server_hostname=host) if scheme == "https" else plain)
        except OSError as error:
            raise NoConnection(str(error)) from error


def _read(reader: BinaryIO) -> tuple[Reply, bool]:
    """An answer, and whether the connection stays open. Raises ValueError where it is none."""
    status, headers = _head(reader)
    while 100 <= status < 200:
        status, headers = _head(reader)
    keep = headers.get("connection", "").lower() != "close"
    if status in _BODILESS:
        data = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        data = b"".join(iter(lambda: _chunk(reader), b""))
    elif "content-length" in headers:
        data = _exactly(reader, int(headers["content-length"]))
    else:
        data, keep = reader.read(), False
    return Reply(status, headers, data), keep


def _head(reader: BinaryIO) -> tuple[int, dict[str, str]]:
    protocol, _, rest = _line(reader).partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError("the answer is no HTTP")
    headers: dict[str, str] = {}
    while line := _line(reader):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if protocol == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return int(rest[:3]), headers


def _line(reader: BinaryIO) -> str:
    line = reader.readline(_MOST_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("the answer ended early")
    return line.rstrip(b"\r\n").decode("latin-1")


def _chunk(reader: BinaryIO) -> bytes:
    size = int(_line(reader).partition(";")[0], 16)
    data = _exactly(reader, size)
    if size == 0:
        while _line(reader):
            pass  # trailers
    else:
        _line(reader)
    return data


def _exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise ValueError("the answer ended early")
    return data
