"""A simulated Twilio on a real port, a hub that only listens, and Twilio's own client between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest
from flask import Flask
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client
from werkzeug.serving import WSGIRequestHandler, make_server

from channels.simulators.lanes import Lanes, ManualTime
from channels.simulators.ledger import Ledger
from channels.simulators.server import create_app
from channels.simulators.twilio import Timing, Twilio
from channels.simulators.twilio_account import Account, Number

ACCOUNT = Account("AC" + "0a" * 16, "a token of a test account", ("webhooks_sharedkey_1", "the shared secret"))
SERVICE = "MG" + "1b" * 16
SPAIN, UK = "+34644010203", "+447400123123"
CARMEN, OLIVER = "+34611223344", "+447400654321"


@dataclass(frozen=True)
class Heard:
    """One call that the hub got."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def is_genuine(self) -> bool:
        """What Twilio's own library says of its signature."""
        algorithm = get_signature_algorithm(self.headers.get("X-Twilio-Webhooks-Signature-Settings", ""))
        assert ACCOUNT.shared_key is not None
        secret = ACCOUNT.shared_key[1] if algorithm == "HMAC_SHA256" else ACCOUNT.token
        json = self.headers["Content-Type"] == "application/json"
        signature = self.headers.get("X-Twilio-Signature", "")
        return bool(
            RequestValidator(secret).validate(
                self.url, self.body.decode() if json else self.form, signature, algorithm
            )
        )  # fmt: skip


@dataclass
class ListeningHub:
    """Keeps what it is sent, and answers what a test tells it to: (status, body, content type) by call."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], tuple[int, str, str]] = lambda _: (200, "<Response/>", "text/xml")
    files: dict[str, tuple[int, bytes, str]] = field(default_factory=dict)
    lock: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["REQUEST_METHOD"] == "GET":
            status, content, kind = self.files.get(environ["PATH_INFO"], (404, b"", "text/plain"))
            start_response(f"{status} -", [("Content-Type", kind), ("Content-Length", str(len(content)))])
            return [content]
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        headers = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        headers = {
            "X-Twilio-Webhooks-Signature-Settings": headers.get("X-Twilio-Webhooks-Signature-Settings", ""),
            **headers,
            "Content-Type": environ.get("CONTENT_TYPE", "").partition(";")[0],
        }
        call = Heard(f"{self.url}{environ['PATH_INFO']}{query}", headers, body)
        with self.lock:
            self.heard.append(call)
            self.lock.notify_all()
        status, text, kind = self.answer(call)
        start_response(f"{status} -", [("Content-Type", kind), ("Content-Length", str(len(text.encode())))])
        return [text.encode()]

    def wait_for(self, count: int) -> list[Heard]:
        """The calls, as soon as there are this many."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.heard) >= count, 20), [call.form for call in self.heard]
            return list(self.heard)

    def texts(self) -> list[str]:
        return [call.form["Body"] for call in self.heard if "Body" in call.form]

    def reports(self) -> list[str]:
        return [call.form["MessageStatus"] for call in self.heard if "MessageStatus" in call.form]


class Handler(WSGIRequestHandler):
    """Keeps connections open, and quiet."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any, **__: Any) -> None:
        return


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The application's address while it is served."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ToSimulator(TwilioHttpClient):
    """Twilio's HTTP client, led to another host: its addresses are absolute."""

    def __init__(self, base_url: str, timeout: float = 10) -> None:
        super().__init__(pool_connections=False, timeout=timeout)
        self._base = urlsplit(base_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        moved = urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc)
        return super().request(method, urlunsplit(moved), *args, **kwargs)


@dataclass
class World:
    """What a test plays with."""

    hub: ListeningHub
    app: Flask
    url: str
    twilio: Twilio
    ledger: Ledger
    lanes: Lanes
    clock: ManualTime | None

    @property
    def callback(self) -> str:
        return f"{self.hub.url}/webhooks/sms?what=status"

    def client(self, timeout: float = 10, token: str = ACCOUNT.token) -> Client:
        return Client(ACCOUNT.sid, token, http_client=ToSimulator(self.url, timeout))

    def number(self, number: str = SPAIN, **settings: Any) -> None:
        self.twilio.set_number(Number(number, settings.pop("webhook_url", f"{self.hub.url}/webhooks/sms"), **settings))

    def text(self, body: str = "hola", **values: Any) -> dict[str, Any]:
        """A customer's text through the control API."""
        wanted = {"from": CARMEN, "to": SPAIN, "body": body} | values
        response = self.app.test_client().post("/control/texts", json=wanted)
        assert response.status_code == 201, response.text
        return dict(response.get_json())

    def fault(self, **values: Any) -> None:
        response = self.app.test_client().post("/control/faults", json=values)
        assert response.status_code == 201, response.text

    def play(self, seconds: float = 60) -> int:
        assert self.clock is not None
        return self.lanes.play(self.clock, seconds)


@pytest.fixture
def hub() -> Iterator[ListeningHub]:
    hub = ListeningHub()
    with served(hub) as hub.url:
        yield hub


def _world(hub: ListeningHub, clock: ManualTime | None) -> Iterator[World]:
    ledger, lanes = Ledger(), Lanes(clock) if clock else Lanes()
    quick = Timing(queued=0, sent=0, final=0, retry=0)
    timing = {"clock": clock} if clock else {"timing": quick}
    twilio = Twilio(ACCOUNT, ledger, lanes, base_url="", **timing)  # type: ignore[arg-type]
    app = create_app(twilio)
    with served(app) as twilio.base_url:
        if not clock:
            lanes.start(4)
        world = World(hub, app, twilio.base_url, twilio, ledger, lanes, clock)
        world.number(SPAIN)
        world.number(UK)
        yield world
        lanes.stop()
        twilio.close()
    ledger.close()


@pytest.fixture
def world(hub: ListeningHub) -> Iterator[World]:
    """Everything happens at once, in threads."""
    yield from _world(hub, None)


@pytest.fixture
def still_world(hub: ListeningHub) -> Iterator[World]:
    """Nothing happens before the test plays it: time stands still."""
    yield from _world(hub, ManualTime())
