"""Real hubs in processes of their own, and the screens that are connected to them."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio

from hub.app import open_store
from hub.clock import SystemClock
from hub.services import people, sign_in
from hub.settings import from_environment
from hub.store.unit_of_work import Store
from scripts.processes import end, start
from tests import parts
from tests.fixtures_hub import ORIGIN, TEAM, furnish

Json = dict[str, Any]
PASSWORD = "correct horse battery"
EMAIL = "zoe@example.org"
PATIENCE = 60


@dataclass(frozen=True)
class Home:
    """Where a hub lives: its settings, with a furnished database."""

    environment: dict[str, str]

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Its database, for a test to write to as a process beside the server does."""
        store = open_store(from_environment(self.environment), SystemClock(), lambda _nudges, _events: None)
        try:
            yield store
        finally:
            store.close()


@dataclass(frozen=True)
class Server:
    """A hub that serves."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    home: Home


def hang_up(client: socketio.Client) -> None:
    """Ends a client for good: the library leaves its socket open where the hub was first."""
    transport = client.eio.ws
    client.disconnect()
    if transport is not None:
        transport.close()


@dataclass
class Screen:
    """An open screen, as a person has it: HTTP for what is kept, a socket for what is new.

    `entries` is what it shows: applied by the rules of resume in docs/api.md.
    """

    url: str
    namespace: str
    feed: str
    http: httpx.Client
    cursor: str = "0.0"
    entries: list[Json] = field(default_factory=list)
    pushes: queue.Queue[Json] = field(default_factory=queue.Queue)
    typing: queue.Queue[Json] = field(default_factory=queue.Queue)
    gaps: int = 0
    socket: socketio.Client | None = None

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()
        self.http.close()

    def auth(self) -> Json | None:
        return None

    def headers(self) -> dict[str, str]:
        return {}

    def connect(self) -> None:
        """First the socket joins; what was missed is asked for afterwards, by `catch_up`."""
        self.socket = socketio.Client(reconnection=False)
        self.socket.on("events", self.pushes.put, namespace=self.namespace)
        self.socket.on("typing", self.typing.put, namespace=self.namespace)
        self.socket.connect(
            self.url,
            transports=["websocket"],
            namespaces=[self.namespace],
            auth=self.auth(),
            headers=self.headers(),
            wait_timeout=PATIENCE,
        )

    def disconnect(self) -> None:
        if self.socket is not None:
            hang_up(self.socket)
            self.socket = None

    def emit(self, event: str, data: object) -> object:
        """Says something and waits for the answer."""
        assert self.socket is not None
        return self.socket.call(event, data, namespace=self.namespace, timeout=PATIENCE)

    def catch_up(self) -> None:
        """Asks the feed until there is no more."""
        more = True
        while more:
            page = self.get(f"{self.feed}?limit=3&after={self.cursor}")
            self._take(page["entries"], page["cursor"])
            more = page["more"]

    def get(self, path: str) -> Json:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def post(self, path: str, body: Json, status: int = 200) -> Json:
        answer = self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    def take_push(self, timeout: float = PATIENCE) -> Json:
        """The next push, applied. Raises queue.Empty when none comes in time."""
        push = self.pushes.get(timeout=timeout)
        if "after" in push and place(push["after"]) > place(self.cursor):
            self.gaps += 1
            self.catch_up()
        self._take(push["entries"], push["cursor"])
        return push

    def wait_for(self, condition: Callable[[], object], timeout: float = PATIENCE) -> None:
        """Takes pushes until the condition is true."""
        while not condition():
            self.take_push(timeout)

    def _take(self, entries: list[Json], cursor: str) -> None:
        for entry in entries:
            if place(entry["cursor"]) > place(self.cursor):
                self.entries.append(entry)
                self.cursor = entry["cursor"]
        if place(cursor) > place(self.cursor):
            self.cursor = cursor

    @property
    def texts(self) -> list[str]:
        """What was said, in the order in which it was shown. Agents see a message again at each of its deliveries."""
        said = [each for each in self.entries if each.get("message") and each.get("kind") != "DeliveryChanged"]
        return [each["message"]["text"] for each in said]


def place(cursor: str) -> tuple[int, int]:
    transaction, _, number = cursor.partition(".")
    return int(transaction), int(number)


@dataclass
class Chat(Screen):
    """A visitor's chat."""

    visit: Json = field(default_factory=dict)

    def open(self) -> None:
        token = self.visit.get("visitor_token")
        self.visit = self.post("/widget/v1/session", {"inbox": "key-webchat", "origin": ORIGIN, "visitor_token": token})
        self.http.headers["Authorization"] = f"Bearer {self.visit['visitor_token']}"
        if token is None:
            self._take(self.visit["entries"], self.visit["cursor"])

    def auth(self) -> Json:
        return {"token": self.visit["socket_token"]}

    def say(self, text: str) -> Json:
        return self.post("/widget/v1/messages", {"client_id": text[:40].strip().replace(" ", "-"), "text": text})


@dataclass
class Desk(Screen):
    """An agent's screen."""

    def sign_in(self) -> None:
        session = self.post("/api/v1/session", {"email": EMAIL, "password": PASSWORD})
        self.http.headers["X-CSRF-Token"] = session["csrf_token"]
        self.cursor = self.get("/api/v1/events")["cursor"]

    def headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())}


@pytest.fixture(scope="session")
def make_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Home]:
    """`make_home("sqlite")` or `("postgres")` is a database of its own with a small firm and an agent in it."""

    def make(database: str) -> Home:
        folder = tmp_path_factory.mktemp("home")
        if database == "sqlite":
            shutil.copy(request.getfixturevalue("sqlite_template"), folder / "hub.sqlite3")
            given = {"CENTRALITA_DATABASE_URL": f"sqlite:///{folder}/hub.sqlite3"}
        else:
            template = request.getfixturevalue("postgres_template")
            given = {
                "CENTRALITA_DATABASE_URL": request.getfixturevalue("make_postgres_database")(template),
                "CENTRALITA_REDIS_URL": request.getfixturevalue("redis_url"),
            }
        home = Home(
            given
            | {
                "CENTRALITA_DATA": str(folder),
                "CENTRALITA_SECRET_KEY": "a key for tests that is long enough",
                "CENTRALITA_BOT": "absent",
                "CENTRALITA_KNOWLEDGE": "absent",
            }
        )
        with home.store() as store:
            store.write(furnish)
            password_hash = sign_in.hash_password(PASSWORD)
            store.write(
                lambda tx: people.create_agent(
                    tx,
                    name="Zoe",
                    email=EMAIL,
                    role="agent",
                    language="en",
                    password_hash=password_hash,
                    team_ids=(TEAM,),
                )
            )
        return home

    return make


# A hub whose screens hear of what is new by hints alone: it looks by itself once an hour.
BY_HINTS = (
    "-c",
    "import runpy, hub.live.push as push; push.POLL = 3600; "
    "runpy.run_module('hub', run_name='__main__', alter_sys=True)",
)


@contextmanager
def running(home: Home, how: tuple[str, ...] = ("-m", "hub"), **environment: str) -> Iterator[Server]:
    """A hub that serves a home; `how` is Python's part of the command."""
    port, folder = parts.free_port(), Path(home.environment["CENTRALITA_DATA"])
    log = folder / f"log-{port}"
    given = {**os.environ, **home.environment, "CENTRALITA_PORT": str(port), **environment}
    process = start([sys.executable, *how, "serve"], log=log, env=given, cwd=parts.ROOT)
    try:
        parts.wait_until(lambda: "answers on" in log.read_text(), process, log)
        yield Server(process, f"http://127.0.0.1:{port}", log, home)
    finally:
        end(process)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, make_home: Callable[[str], Home]) -> Iterator[Server]:
    """A hub for all tests that leave it as it is; a test sees only what its own screens do."""
    with running(make_home(request.param)) as server:
        yield server


@pytest.fixture
def open_chat() -> Iterator[Callable[[Server], Chat]]:
    """`open_chat(server)` is a visitor's chat with its session, not connected yet."""
    opened: list[Chat] = []

    def make(server: Server) -> Chat:
        chat = Chat(server.url, "/widget", "/widget/v1/events", httpx.Client(base_url=server.url, timeout=PATIENCE))
        opened.append(chat)
        chat.open()
        return chat

    yield make
    for chat in opened:
        chat.__exit__()


@pytest.fixture
def open_desk() -> Iterator[Callable[[Server], Desk]]:
    """`open_desk(server)` is an agent's screen, signed in, not connected yet."""
    opened: list[Desk] = []

    def make(server: Server) -> Desk:
        desk = Desk(server.url, "/agents", "/api/v1/events", httpx.Client(base_url=server.url, timeout=PATIENCE))
        opened.append(desk)
        desk.sign_in()
        return desk

    yield make
    for desk in opened:
        desk.__exit__()
