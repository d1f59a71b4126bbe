"""The gevent profile: a hub that serves sockets as greenlets, over PostgreSQL and Redis (docs/live.md)."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests import parts
from tests.live.conftest import Chat, Desk, Home, Server, running
from tests.live.test_sockets import handshake


def test_a_visitor_and_an_agent_talk_while_the_database_holds_up_another(
    make_home: Callable[[str], Home], open_chat: Callable[[Server], Chat], open_desk: Callable[[Server], Desk]
) -> None:
    home = make_home("postgres")
    with running(home, CENTRALITA_PROFILE="gevent", CENTRALITA_THREADS="2000") as server:
        desk, ana, ben = open_desk(server), open_chat(server), open_chat(server)
        for screen in (desk, ana, ben):
            screen.connect()
            screen.catch_up()
        conversation_id = ana.say("hello")["conversation_id"]
        desk.wait_for(lambda: "hello" in desk.texts)
        ana.emit("typing", {"on": True})
        assert desk.typing.get(timeout=60)["conversation_id"] == conversation_id
        desk.post(f"/api/v1/conversations/{conversation_id}/messages", {"client_id": "one", "text": "Hello Ana"})
        ana.wait_for(lambda: "Hello Ana" in ana.texts)

        url = home.environment["CENTRALITA_DATABASE_URL"].replace("+psycopg", "")
        with ThreadPoolExecutor(1) as waiting, psycopg.connect(url) as holding, psycopg.connect(url) as watching:
            holding.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            held_up = waiting.submit(ben.say, "who waits for me")
            watching.autocommit = True
            while not watching.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                assert not held_up.done()
            # A library that waited in the kernel would hold up the whole process.
            bare = handshake(server)
            assert bare.recv().startswith("0")
            bare.close()
            assert not held_up.done()
            holding.rollback()
            held_up.result(60)
        desk.wait_for(lambda: "who waits for me" in desk.texts)
        assert desk.gaps == 0

        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("soft", [256, 1024])
def test_the_server_may_have_as_many_sockets_as_it_has_threads(soft: int) -> None:
    limits = (
        "import resource; from hub.web import server; "
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, hard)); "
        "server._allow_open(2000); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], hard)"
    )
    done = subprocess.run([sys.executable, "-c", limits], cwd=parts.ROOT, capture_output=True, text=True, check=True)
    allowed, hard = map(int, done.stdout.split())
    assert allowed == (2000 if hard == -1 else min(2000, hard))
