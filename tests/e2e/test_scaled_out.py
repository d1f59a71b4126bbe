"""The same path with PostgreSQL, Redis, one `serve` and two `worker` processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
import redis

from tests import parts
from tests.e2e.conftest import Running, run_hub

pytestmark = pytest.mark.timeout(900)
PATIENCE = 60.0


@dataclass
class Visitor:
    """A customer in the web chat, over its HTTP API."""

    http: httpx.Client
    cursor: str
    texts: list[str]

    @classmethod
    def arrives(cls, http: httpx.Client) -> Visitor:
        url = str(http.base_url).rstrip("/")
        session = http.post("/widget/v1/session", json={"inbox": "demo", "origin": url, "language": "en"}).json()
        http.headers["Authorization"] = f"Bearer {session['visitor_token']}"
        return cls(http, session["cursor"], [])

    def say(self, text: str, client_id: str) -> httpx.Response:
        return self.http.post("/widget/v1/messages", json={"client_id": client_id, "text": text})

    def look(self) -> None:
        page = self.http.get("/widget/v1/events", params={"after": self.cursor}).raise_for_status().json()
        self.texts += [entry["message"]["text"] for entry in page["entries"] if entry.get("message")]
        self.cursor = page["cursor"]

    def waits_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not any(text in each for each in self.texts):
            assert time.monotonic() < deadline, self.texts
            self.look()
            time.sleep(0.3)  # a visitor may ask five times a second


@pytest.fixture
def scaled_out(
    tmp_path_factory: pytest.TempPathFactory, make_postgres_database: Callable[..., str], fresh_redis_url: str
) -> Iterator[Running]:
    settings = {
        "CENTRALITA_DATABASE_URL": make_postgres_database().replace("postgresql+psycopg://", "postgresql://"),
        "CENTRALITA_REDIS_URL": fresh_redis_url,
        "CENTRALITA_KNOWLEDGE": "absent",
    }
    with run_hub(tmp_path_factory.mktemp("scaled"), parts.free_port(), settings, None, workers=2) as running:
        yield running


@pytest.fixture
def browsers(scaled_out: Running) -> Iterator[list[httpx.Client]]:
    clients = [httpx.Client(base_url=scaled_out.url, timeout=PATIENCE) for _ in range(3)]
    yield clients
    for client in clients:
        client.close()


def test_workers_do_what_follows_and_one_of_them_may_die(
    scaled_out: Running, browsers: list[httpx.Client], fresh_redis_url: str
) -> None:
    first = Visitor.arrives(browsers[0])
    assert first.say("I would like to talk to a person", "m1").status_code == 200
    first.waits_for("queue")
    _, worker, _ = scaled_out.processes
    os.kill(worker.pid, signal.SIGKILL)
    second = Visitor.arrives(browsers[1])
    second.say("I would like to talk to a person", "m1")
    second.waits_for("number 5 in the queue")
    with redis.Redis.from_url(fresh_redis_url) as client:
        client.flushall()
    third = Visitor.arrives(browsers[2])
    third.say("I would like to talk to a person", "m1")
    third.waits_for("queue")
    assert first.say("I would like to talk to a person", "m1").json()["duplicate"] is True
    first.look()
    assert len([each for each in first.texts if "queue" in each]) == 1
    checked = scaled_out.command("replay", "--check")
    assert checked.returncode == 0, checked.stdout
    assert " 0 differences" in checked.stdout
