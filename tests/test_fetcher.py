"""Files from others' addresses, over real sockets: what is refused, and that nothing gets round it."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.domain.errors import ChannelError
from hub.fetcher import PublicFetcher, is_public

NAME, OTHER, PUBLIC = "files.example", "cdn.example", "93.184.216.34"
LIMIT = 1000


class Page(BaseHTTPRequestHandler):
    """What the server says under a path; each test writes its own."""

    protocol_version = "HTTP/1.1"
    pages: ClassVar[dict[str, Callable[[Page], None]]] = {}
    heard: ClassVar[list[tuple[str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        self.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.pages[self.path](self)

    def say(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:  # a client that has heard enough hangs up
        return


def serve(context: ssl.SSLContext | None) -> Iterator[int]:
    server = Server(("127.0.0.1", 0), Page)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key, good for NAME and OTHER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName(OTHER)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture(scope="module")
def https(certificate: Path) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    yield from serve(context)


@pytest.fixture
def http() -> Iterator[int]:
    yield from serve(None)


class Network:
    """Names that lead to public addresses, and a wire that ends at the local server."""

    def __init__(self, port: int) -> None:
        self.names: dict[str, list[list[str]]] = {NAME: [[PUBLIC]], OTHER: [["93.184.216.35"]]}
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.dead: set[str] = set()
        self._port = port

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        try:
            answers = self.names[host]
        except KeyError:
            raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.connected.append(address)
        if address[0] in self.dead:
            raise ConnectionRefusedError(address)
        return socket.create_connection(("127.0.0.1", self._port), timeout)


@pytest.fixture
def network(https: int) -> Network:
    Page.pages.clear()
    Page.heard.clear()
    return Network(https)


@pytest.fixture
def make(network: Network, certificate: Path) -> Callable[..., PublicFetcher]:
    trusted = ssl.create_default_context(cafile=str(certificate))

    def make(*allow: str, **options: Any) -> PublicFetcher:
        ways: dict[str, Any] = {"resolve": network.resolve, "connect": network.connect, "certificates": trusted}
        return PublicFetcher(allow, **(ways | options))

    return make


def page(path: str, answer: Callable[[Page], None]) -> str:
    Page.pages[path] = answer
    return f"https://{NAME}{path}"


def error_of(fetcher: PublicFetcher, url: str, **options: Any) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        fetcher.fetch(url, limit=LIMIT, **options)
    return raised.value


def test_a_file_comes_with_its_type_and_name(make: Callable[..., PublicFetcher], network: Network) -> None:
    url = page(
        "/cat?size=1",
        lambda it: it.say(
            200,
            b"x" * LIMIT,
            Content_Type="image/png; charset=x",
            Content_Disposition="attachment; filename*=UTF-8''gat%C3%B3.png",
            Set_Cookie="a=b",
        ),
    )
    fetcher = make()
    for _ in range(2):
        found = fetcher.fetch(url, limit=LIMIT, authorization="Basic abc")
    assert (found.content, found.media_type, found.name) == (b"x" * LIMIT, "image/png", "gató.png")
    path, headers = Page.heard[-1]
    assert path == "/cat?size=1"
    assert headers == {
        "host": NAME,
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "Centralita",
        "authorization": "Basic abc",
    }
    assert network.connected == [(PUBLIC, 443)] * 2


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example/cat",
        "ftp://files.example/cat",
        "file:///etc/passwd",
        "//files.example/cat",
        "files.example",
        "",
        "https://",
        "https://user:secret@files.example/cat",
        "https://user@files.example/cat",
        "https://files.example:8443/cat",
        "https://files.example:80/cat",
        "https://files.example:0/cat",
        "https://files.example:99999/cat",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://0x7f.0.0.1/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://8.8.8.010/",
        "https://134744072/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:93.184.216.34]/",
        "https://[64:ff9b::5db8:d822]/",
        "https://[2002:5db8:d822::1]/",
        "https://[2001:0:5db8:d822::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.100.100.200/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://198.18.0.1/",
        "https://192.0.2.1/",
        "https://192.88.99.1/",
        "https://files.example%2f.evil.example/",
        "https://files example/",
        "https://files..example/",
        "https://files.example\\@evil.example/",
        "https://１２７.0.0.1/",
        "https://files.example/\r\nX-Evil: yes",
    ],
)
def test_an_address_that_is_not_a_public_https_one_is_refused_unasked(
    url: str, make: Callable[..., PublicFetcher], network: Network
) -> None:
    found = error_of(make(), url)
    assert (found.code, found.permanent) == ("address_refused", True)
    assert (network.asked, network.connected) == ([], [])


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::1"],
        ["fe80::1%eth0"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["fec0::1"],
        ["ff02::1"],
        [PUBLIC, "127.0.0.1"],
        ["2606:2800:220:1::1", "10.0.0.1"],
    ],
)
def test_a_name_with_one_answer_that_is_not_public_is_refused_unasked(
    answers: list[str], make: Callable[..., PublicFetcher], network: Network
) -> None:
    network.names[NAME] = [answers]
    found = error_of(make(), f"https://{NAME}/cat")
    assert (found.code, found.permanent, network.connected) == ("address_refused", True, [])


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00:1450:4003::1"])
def test_what_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_name_that_changes_its_mind_is_held_to_its_first_answer(
    make: Callable[..., PublicFetcher], network: Network
) -> None:
    network.names[NAME] = [[PUBLIC], ["127.0.0.1"]]
    url = page("/cat", lambda it: it.say(200, b"cat"))
    fetcher = make()
    assert fetcher.fetch(url, limit=LIMIT).content == b"cat"
    assert (network.asked, network.connected) == ([NAME], [(PUBLIC, 443)])
    assert error_of(fetcher, url).code == "address_refused", "the next fetch asks anew"
    assert len(network.connected) == 1


def test_the_certificate_must_be_the_names_not_the_addresss(
    make: Callable[..., PublicFetcher], network: Network
) -> None:
    network.names["evil.example"] = [[PUBLIC]]
    Page.pages["/cat"] = lambda it: it.say(200, b"cat")
    found = error_of(make(), "https://evil.example/cat")
    assert (found.code, found.permanent) == ("not_reached", False)
    assert "certificate" in str(found)
    assert Page.heard == []


def test_every_redirect_is_an_address_like_any_other(make: Callable[..., PublicFetcher], network: Network) -> None:
    for number, target in enumerate(
        ("https://127.0.0.1/", "http://files.example/", "https://inside.example/", "//[::1]/")
    ):
        network.names["inside.example"] = [["10.0.0.1"]]
        url = page(f"/{number}", lambda it, target=target: it.say(302, Location=target))  # type: ignore[misc]
        found = error_of(make(), url)
        assert (found.code, found.permanent) == ("address_refused", True), target
    assert {address for address, _ in network.connected} == {PUBLIC}


def test_credentials_stay_with_the_first_request(make: Callable[..., PublicFetcher], network: Network) -> None:
    url = page("/first", lambda it: it.say(307, Location=f"https://{OTHER}/second"))
    page("/second", lambda it: it.say(301, Location="third"))
    page("/third", lambda it: it.say(200, b"cat"))
    assert make().fetch(url, limit=LIMIT, authorization="Basic abc").content == b"cat"
    assert [(path, headers["host"], "authorization" in headers) for path, headers in Page.heard] == [
        ("/first", NAME, True),
        ("/second", OTHER, False),
        ("/third", OTHER, False),
    ]
    assert network.connected == [(PUBLIC, 443), ("93.184.216.35", 443), ("93.184.216.35", 443)]


def test_three_redirects_and_no_more(make: Callable[..., PublicFetcher]) -> None:
    for number in range(4):
        page(f"/{number}", lambda it, number=number: it.say(302, Location=f"/{number + 1}"))  # type: ignore[misc]
    page("/4", lambda it: it.say(200, b"cat"))
    assert make().fetch(f"https://{NAME}/1", limit=LIMIT).content == b"cat"
    found = error_of(make(), f"https://{NAME}/0")
    assert (found.code, found.permanent) == ("redirects", True)


def endless(it: Page, written: queue.SimpleQueue[int], **headers: str) -> None:
    """Writes until the other side hangs up, and tells how much that was."""
    it.send_response(200)
    for name, value in headers.items():
        it.send_header(name.replace("_", "-"), value)
    it.end_headers()
    count = 0
    try:
        while count < 200_000_000:
            it.wfile.write(b"x" * 10_000)
            count += 10_000
    except OSError:
        pass
    it.close_connection = True
    written.put(count)


def test_what_is_too_large_is_not_read_to_its_end(make: Callable[..., PublicFetcher]) -> None:
    honest = page("/honest", lambda it: it.say(200, b"x" * (LIMIT + 1)))
    written: queue.SimpleQueue[int] = queue.SimpleQueue()
    silent = page("/silent", lambda it: endless(it, written, Connection="close"))
    promised = page("/promised", lambda it: endless(it, written, Content_Length="900000000"))
    for url in (honest, silent, promised):
        found = error_of(make(), url)
        assert (found.code, found.permanent) == ("too_large", True), url
    assert max(written.get(timeout=60), written.get(timeout=60)) < 20_000_000, "no more than fits on the wire"


def test_chunks_are_counted_too(make: Callable[..., PublicFetcher]) -> None:
    def chunked(it: Page) -> None:
        it.send_response(200)
        it.send_header("Transfer-Encoding", "chunked")
        it.end_headers()
        for _ in range(11):
            it.wfile.write(b"64\r\n" + b"x" * 100 + b"\r\n")
        it.wfile.write(b"0\r\n\r\n")

    assert error_of(make(), page("/chunked", chunked)).code == "too_large"


def test_a_body_that_is_shorter_than_promised_is_not_taken_for_the_file(make: Callable[..., PublicFetcher]) -> None:
    def short(it: Page) -> None:
        it.say(200, b"half", Content_Length="900")
        it.close_connection = True

    found = error_of(make(), page("/short", short))
    assert (found.code, found.permanent) == ("not_reached", False)


def test_compression_that_nobody_asked_for_is_refused(make: Callable[..., PublicFetcher]) -> None:
    url = page("/bomb", lambda it: it.say(200, b"x", Content_Encoding="gzip"))
    found = error_of(make(), url)
    assert (found.code, found.permanent) == ("encoded", True)


@pytest.mark.parametrize("slow", ["head", "body", "redirects", "handshake", "name"])
def test_everything_together_has_one_deadline(slow: str, make: Callable[..., PublicFetcher]) -> None:
    ended = threading.Event()

    def drip(it: Page) -> None:
        if slow == "redirects":
            ended.wait(0.3)
            it.say(302, Location="/slow")
            return
        if slow == "body":
            it.send_response(200)
            it.send_header("Content-Length", "500")
            it.end_headers()
        while not ended.wait(0.05):
            it.wfile.write(b"x")

    url = page("/slow", drip)
    options: dict[str, Any] = {"deadline": 0.6}
    if slow == "name":
        options["resolve"] = lambda _host, _port: ended.wait(20) and []
    if slow == "handshake":
        silent = socket.create_server(("127.0.0.1", 0))
        options["connect"] = lambda _address, timeout: socket.create_connection(silent.getsockname(), timeout)
    began = time.monotonic()
    found = error_of(make(**options), url)
    took = time.monotonic() - began
    ended.set()
    if slow == "handshake":
        silent.close()
    assert (found.code, found.permanent) == ("timeout", False)
    assert 0.5 < took < 10


@pytest.mark.parametrize(
    ("status", "code", "permanent", "retry_after"),
    [
        (404, "gone", True, None),
        (410, "gone", True, None),
        (401, "http_401", True, None),
        (403, "http_403", True, None),
        (204, "http_204", True, None),
        (304, "http_304", True, None),
        (429, "http_429", False, 7.0),
        (500, "http_500", False, 7.0),
        (503, "http_503", False, 7.0),
    ],
)
def test_what_the_server_says_decides_whether_to_ask_again(
    status: int, code: str, permanent: bool, retry_after: float | None, make: Callable[..., PublicFetcher]
) -> None:
    found = error_of(make(), page("/status", lambda it: it.say(status, Retry_After="7")))
    assert (found.code, found.permanent, found.retry_after) == (code, permanent, retry_after)


def test_an_address_that_does_not_answer_leaves_room_for_the_next(
    make: Callable[..., PublicFetcher], network: Network
) -> None:
    network.names[NAME] = [["2606:2800:220:1::1", PUBLIC]]
    network.dead = {"2606:2800:220:1::1"}
    url = page("/cat", lambda it: it.say(200, b"cat"))
    assert make().fetch(url, limit=LIMIT).content == b"cat"
    network.dead.add(PUBLIC)
    assert error_of(make(), url).code == "not_reached"
    assert error_of(make(), "https://nowhere.example/").code == "not_reached"


def test_what_is_allowed_is_that_host_and_port_alone(http: int, network: Network) -> None:
    """The real resolver and sockets: the server is on loopback."""
    Page.pages["/cat"] = lambda it: it.say(200, b"cat")
    Page.pages["/inside"] = lambda it: it.say(302, Location="http://127.0.0.1:1/secrets")
    fetcher = PublicFetcher([f"127.0.0.1:{http}", f"localhost:{http}"])
    assert fetcher.fetch(f"http://127.0.0.1:{http}/cat", limit=LIMIT).content == b"cat"
    assert fetcher.fetch(f"http://LOCALHOST:{http}/cat", limit=LIMIT).content == b"cat"
    for url in (f"http://127.0.0.1:{http}/inside", f"http://127.0.0.2:{http}/cat", "http://127.0.0.1/cat"):
        assert error_of(fetcher, url).code == "address_refused", url
    assert error_of(PublicFetcher(()), f"http://127.0.0.1:{http}/cat").code == "address_refused"


def test_the_environment_names_no_proxy(
    http: int, make: Callable[..., PublicFetcher], monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{http}")
    assert make().fetch(page("/cat", lambda it: it.say(200, b"cat")), limit=LIMIT).content == b"cat"
    assert network.connected == [(PUBLIC, 443)]
