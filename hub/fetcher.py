"""Files from addresses that somebody else wrote: a webhook's, a mail's, a redirect's.

Whoever writes an address may wish it to be one inside our network. So each is read strictly, its host resolved once,
every answer looked at, and the connection made to exactly what was looked at; the certificate is still the name's. A
redirect is an address like any other. HTTP itself is httpcore's, whose network backend is ours: the check stands where
the socket is opened, so nothing gets round it.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore
import httpx

from hub.domain.errors import ChannelError
from hub.ports import FetchedFile

REDIRECTS = 3
DEADLINE = 30.0  # seconds, for everything: names, redirects, the last byte
_HTTPS_PORT = 443
_ADDRESSES_TRIED = 4
_HOST = re.compile(rb"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*\.?")
# As browsers judge it (WHATWG URL, "ends in a number"): such a host is an IPv4 address, however oddly it is written.
_NUMBER = re.compile(rb"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")

_NOT_PUBLIC_V4 = (IPv4Network("192.88.99.0/24"),)  # relays of 6to4, which `is_global` still counts as public
# All that is given out of IPv6. What wraps an IPv4 address is outside (::ffff:0:0/96, 64:ff9b::/96) or named below.
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)

# (host, port) -> addresses; raises OSError where the name has none.
Resolve = Callable[[str, int], Iterable[str]]
# ((address, port), timeout in seconds) -> socket; raises OSError.
Connect = Callable[[tuple[str, int], float], socket.socket]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system finds them. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one host of the open internet, and not an IPv4 address in a wrapping."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in net for net in _NOT_PUBLIC_V6)


class PublicFetcher:
    """Fetches over https from public hosts.

    It sends no cookies, takes no proxy from the environment, and asks for the bytes as they are: what unpacks to a
    thousand times its size is refused unread.

    Args:
        allow: `host:port` that may be fetched from though they are not public; these also by http.
        resolve: finds a host's addresses.
        connect: opens a socket.
        certificates: whom to believe; the system's (`SSL_CERT_FILE`) or certifi's unless given.
        deadline: seconds that a fetch may take, redirects and all.
    """

    def __init__(
        self,
        allow: Collection[str],
        *,
        resolve: Resolve = resolve,
        connect: Connect = socket.create_connection,
        certificates: ssl.SSLContext | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        self._allow = frozenset(each.lower() for each in allow)
        self._resolve = resolve
        self._connect = connect
        self._certificates = certificates
        self._deadline = deadline
        # Asking for a name cannot be broken off: what does not answer keeps its thread, and not us.
        self._resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolver")

    def fetch(self, url: str, *, limit: int, authorization: str = "") -> FetchedFile:
        """Gets at most `limit` bytes. `authorization` goes with the first request alone, never along a redirect.

        Raises ChannelError. Permanent: `address_refused`, `too_large`, `gone`, `encoded`, `redirects`, `http_4xx`. To
        be tried again: `timeout`, `not_reached`, `http_429` (with what the server asked for), `http_5xx`.
        """
        until = time.monotonic() + self._deadline
        if self._certificates is None:
            self._certificates = httpx.create_ssl_context()
        try:
            for _ in range(REDIRECTS + 1):
                answer = self._get(self._target(url), limit, authorization, until)
                if isinstance(answer, FetchedFile):
                    return answer
                url, authorization = answer, ""
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise ChannelError("timeout", f"{url} took more than {self._deadline:g} s") from error
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ChannelError("not_reached", f"{url}: {error}") from error
        raise ChannelError("redirects", f"more than {REDIRECTS} redirects, the last to {url}", permanent=True)

    def _target(self, url: str) -> _Target:
        try:
            parsed = httpx.URL(url)
            port = (_HTTPS_PORT if parsed.scheme == "https" else 80) if parsed.port is None else parsed.port
        except (httpx.InvalidURL, ValueError) as error:
            raise _refused(url, "it cannot be read") from error
        host = parsed.raw_host.lower()
        name = host.decode("ascii")
        allowed = f"{name}:{port}" in self._allow
        if parsed.scheme != "https" and not (allowed and parsed.scheme == "http"):
            raise _refused(url, "it must begin with https://")
        if parsed.userinfo:
            raise _refused(url, "it must not carry credentials")
        if port != _HTTPS_PORT and not allowed:
            raise _refused(url, f"its port must be {_HTTPS_PORT}")
        literal = _literal(host)
        if literal is None and (_HOST.fullmatch(host) is None or _NUMBER.fullmatch(host)):
            raise _refused(url, "its host must be a name or an address in its usual spelling")
        if literal is not None and not allowed and not is_public(literal):
            raise _refused(url, f"{literal} is not public")
        return _Target(url, parsed, name, port, allowed)

    def _get(self, target: _Target, limit: int, authorization: str, until: float) -> FetchedFile | str:
        """The file, or the address that the server redirects to."""
        headers = [
            (b"Host", target.url.netloc),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", b"Centralita"),
        ]
        if authorization:
            headers.append((b"Authorization", authorization.encode("ascii")))
        where = httpcore.URL(
            scheme=target.url.raw_scheme, host=target.host.encode(), port=target.port, target=target.url.raw_path
        )
        backend = _CheckedBackend(target, self._addresses, self._connect, until)
        with (
            httpcore.ConnectionPool(ssl_context=self._certificates, network_backend=backend) as pool,
            pool.stream("GET", where, headers=headers) as response,
        ):
            said = _Headers(response.headers)
            if response.status in (301, 302, 303, 307, 308) and said.get("location"):
                return _joined(target, said.get("location"))
            _require_success(target.text, response.status, said)
            return FetchedFile(_content(target.text, response, said, limit), said.media_type(), said.file_name())

    def _addresses(self, target: _Target, until: float) -> list[str]:
        """What to connect to. Raises ChannelError where one answer is not public: a name is taken whole or not."""
        asked: Future[list[str]] = self._resolvers.submit(lambda: list(self._resolve(target.host, target.port)))
        found = asked.result(timeout=max(0.0, until - time.monotonic()))
        if not found:
            raise OSError(f"{target.host} has no address")
        if not target.allowed:
            for each in found:
                if not is_public(ip_address(each)):
                    raise _refused(target.text, f"{target.host} is at {each}, which is not public")
        return list(dict.fromkeys(found))[:_ADDRESSES_TRIED]


@dataclass(frozen=True, slots=True)
class _Target:
    """An address that was read and may be asked, as far as one can tell by its letters."""

    text: str
    url: httpx.URL
    host: str
    port: int
    allowed: bool


class _CheckedBackend(httpcore.NetworkBackend):
    """Opens the connection of one request: to addresses that were looked at, and until one moment for everything."""

    def __init__(
        self, target: _Target, addresses: Callable[[_Target, float], list[str]], connect: Connect, until: float
    ) -> None:
        self._target = target
        self._addresses = addresses
        self._connect = connect
        self._until = until

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        if (host, port) != (self._target.host, self._target.port):
            raise _refused(self._target.text, f"it leads to {host}:{port}")
        addresses = self._addresses(self._target, self._until)
        for tried, address in enumerate(addresses, start=1):
            # Whoever does not answer leaves time for the next one.
            timeout = _left(self._until) / (len(addresses) - tried + 1)
            try:
                return _TimedStream(self._connect((address, port), timeout), self._until)
            except OSError:
                if tried == len(addresses):
                    raise
        raise OSError(f"{host} has no address")


class _TimedStream(httpcore.NetworkStream):
    """A socket of which every step ends by one moment, however slowly the bytes drip."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  # the moment counts
        self._connection.settimeout(_left(self._until))
        return self._connection.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._connection.settimeout(_left(self._until))
        self._connection.sendall(buffer)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        try:
            self._connection.settimeout(_left(self._until))
            secured = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return _TimedStream(secured, self._until)

    def close(self) -> None:
        self._connection.close()

    def get_extra_info(self, info: str) -> Any:
        # httpcore asks for the protocol that was agreed on (none: HTTP/1.1) and whether the server has hung up.
        return self._connection if info == "ssl_object" and isinstance(self._connection, ssl.SSLSocket) else None


class _Headers:
    """A response's headers."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._message = Message()
        for name, value in pairs:
            self._message[name.decode("latin-1")] = value.decode("latin-1")

    def get(self, name: str) -> str:
        return str(self._message.get(name, ""))

    def media_type(self) -> str:
        return self._message.get_content_type() if "content-type" in self._message else ""

    def file_name(self) -> str:
        return self._message.get_filename() or ""


def _left(until: float) -> float:
    """Seconds until a moment. Raises TimeoutError when it has passed."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _literal(host: bytes) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.decode("ascii"))
    except ValueError:
        return None


def _joined(target: _Target, location: str) -> str:
    try:
        return str(target.url.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused(location, "it cannot be read") from error


def _require_success(url: str, status: int, said: _Headers) -> None:
    if status == 200:
        return
    if status in (404, 410):
        raise ChannelError("gone", f"{url}: HTTP {status}", permanent=True)
    again = status in (408, 425, 429) or status >= 500
    asked = said.get("retry-after")
    raise ChannelError(
        f"http_{status}",
        f"{url}: HTTP {status}",
        permanent=not again,
        retry_after=float(asked) if again and asked.isascii() and asked.isdigit() else None,
    )


def _content(url: str, response: httpcore.Response, said: _Headers, limit: int) -> bytes:
    """The body. What the server says of its length can only shorten the work; what comes is counted."""
    if said.get("content-encoding").lower() not in ("", "identity"):
        raise ChannelError("encoded", f"{url} is compressed though nobody asked for that", permanent=True)
    promised = said.get("content-length")
    too_large = ChannelError("too_large", f"{url} has more than {limit} bytes", permanent=True)
    if promised.isascii() and promised.isdigit() and int(promised[:20]) > limit:
        raise too_large
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > limit:
            raise too_large
    return bytes(content)


def _refused(url: str, why: str) -> ChannelError:
    return ChannelError("address_refused", f"{url[:200]}: {why}", permanent=True)
