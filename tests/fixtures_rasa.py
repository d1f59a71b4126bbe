"""The real Rasa server for tests, as a pytest plugin: `pytest_plugins = ["tests.fixtures_rasa"]` in the root conftest.

Tests that use it carry the marker `rasa`. Without Rasa's environment they are skipped, saying so; in CI they fail.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.rasa import RasaBot
from bot.server import ENVIRONMENT, PROJECT, RasaServer, find_environment, train

ROOT = Path(__file__).parents[1]
HUB_TOKEN = "the hub's token for its bot"

CUSTOMERS = {"12345678": ("28013", "Ana García"), "87654321": ("SW1A 1AA", "John Smith")}
ORDERS: dict[str, dict[str, Any]] = {
    "A100234": {"owner": "12345678", "state": "shipped", "carrier": "Correos", "expected": "2026-11-25"},
    "A100235": {"owner": "12345678", "state": "processing", "carrier": None, "expected": None},
    "A100236": {"owner": "87654321", "state": "delivered", "carrier": "Royal Mail", "expected": None},
}


@dataclass
class HubApi:
    """The hub's `/bot/v1` in small: it checks the token, remembers who is verified, and can be told to misbehave.

    `mode`: `well`, `hung` (answers nothing until the test ends), `broken` (500) or `enough` (429). `asked` holds every
    call as (method, path).
    """

    url: str = ""
    mode: str = "well"
    asked: list[tuple[str, str]] = field(default_factory=list)
    verified: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if method == "POST" and path == "/bot/v1/verify":
            number, postcode = body["customer_number"], body["postcode"]
            known = CUSTOMERS.get(number)
            if known is None or known[0].replace(" ", "") != postcode.replace(" ", ""):
                return 200, {"verified": False, "name": None}
            self.verified[body["conversation_id"]] = number
            return 200, {"verified": True, "name": known[1]}
        if method == "GET" and path.startswith("/bot/v1/orders/"):
            order_id = path.rsplit("/", 1)[1]
            (conversation_id,) = parse_qs(query)["conversation_id"]
            order = ORDERS.get(order_id)
            if order is None or order["owner"] != self.verified.get(conversation_id):
                return 404, {"error_id": "not_found"}
            return 200, {"order_id": order_id, **{name: order[name] for name in ("state", "carrier", "expected")}}
        return 404, {"error_id": "not_found"}


def serve_hub_api(api: HubApi) -> ThreadingHTTPServer:
    """A server of `api` on a free loopback port, already serving in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            api.asked.append((method, url.path))
            if api.mode == "hung":
                api.released.wait(60)
                self.close_connection = True
                return
            if self.headers.get("Authorization") != f"Bearer {HUB_TOKEN}":
                status, answer = 401, {"error_id": "not_signed_in"}
            elif api.mode == "broken":
                status, answer = 500, {"error_id": "error"}
            elif api.mode == "enough":
                status, answer = 429, {"error_id": "too_many"}
            else:
                status, answer = api.answer(method, url.path, url.query, json.loads(body or b"{}"))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@pytest.fixture(scope="session")
def rasa_python() -> Path:
    """The Python of Rasa's environment."""
    python = find_environment(ROOT)
    if python is None:
        missing = "NO RASA ENVIRONMENT: make .venv-rasa or set CENTRALITA_RASA_ENV; the bot is not tested without it"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return python


@pytest.fixture(scope="session")
def run_in_rasa(rasa_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Runs a program, given as its text, beside the project in Rasa's environment: what its last line says, as JSON."""

    def run(program: str, *arguments: str) -> dict[str, Any]:
        home = str(tmp_path_factory.mktemp("rasa_home"))
        done = subprocess.run(
            [str(rasa_python), "-c", program, *arguments],
            cwd=PROJECT,
            env={**ENVIRONMENT, "HOME": home, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said

    return run


def project_module(name: str) -> ModuleType:
    """A module of the Rasa project that needs nothing of Rasa."""
    spec = importlib.util.spec_from_file_location(name, PROJECT / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def rasa_model(rasa_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's model, trained where the project has changed since."""
    return train(rasa_python, log=tmp_path_factory.mktemp("train") / "train.log")


@pytest.fixture(scope="session")
def start_rasa(
    rasa_python: Path, rasa_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RasaServer]]:
    """Starts a Rasa server whose actions ask the hub at `hub_url`; ended with the session."""
    started: list[RasaServer] = []

    def start(hub_url: str, hub_token: str = HUB_TOKEN, runtime: Path | None = None) -> RasaServer:
        server = RasaServer(
            python=rasa_python,
            model=rasa_model,
            runtime=runtime or tmp_path_factory.mktemp("rasa"),
            hub_url=hub_url,
            hub_token=hub_token,
        )
        server.start()
        started.append(server)
        server.wait_ready(600)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def _hub_api_server() -> Iterator[HubApi]:
    api = HubApi()
    server = serve_hub_api(api)
    yield api
    api.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub_api(_hub_api_server: HubApi) -> Iterator[HubApi]:
    """The stand-in for the hub that the session's Rasa server asks; well-behaved at the start of each test."""
    yield _hub_api_server
    _hub_api_server.mode = "well"
    _hub_api_server.released.set()
    _hub_api_server.released = threading.Event()
    _hub_api_server.asked.clear()


@pytest.fixture(scope="session")
def rasa_server(start_rasa: Callable[..., RasaServer], _hub_api_server: HubApi) -> RasaServer:
    """One real Rasa server for the session, ready, with its action server. Use a conversation id of your own."""
    return start_rasa(_hub_api_server.url)


@pytest.fixture
def rasa_bot(rasa_server: RasaServer) -> Iterator[RasaBot]:
    """The bot's port on the real server."""
    bot = RasaBot(rasa_server.url, rasa_server.token)
    yield bot
    bot.close()
