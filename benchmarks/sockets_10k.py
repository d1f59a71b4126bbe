"""Memory of one process of the gevent profile with 10,000 visitors' chats open, who say nothing.

The process is as it is run beside others: over PostgreSQL and Redis, without models. Each chat has a session and a
token of its own, and a real web socket with what a browser's has (`benchmarks/idle_chats.py`). It counts when all are
still open after each has answered a ping, and when one more visitor, among all those, hears at once what they said
themselves.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import screens
from benchmarks.harness import ROOT, Context, Figure, hub, median, memory
from tests import parts

CHATS = 10_000
CLIENTS = 2  # processes that hold them
BESIDE = 100  # greenlets for HTTP, and the one who speaks
MOST_MB = 800.0
SETTLED = 8.0  # seconds after which the hub has loaded the libraries of its channels; it tells nobody
# Seconds in which every chat is asked once and has answered; see Engine.IO's interval, which is 25.
PINGED = 35.0
SAID = 20  # by the one who speaks
PINGED_FROM = 0.1  # below this share of the size nobody reads the figure


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError when a chat was closed or was not asked, ConnectionError where one is not let in."""
    chats = context.scaled(CHATS, 20)
    whole = context.size >= PINGED_FROM
    with gevent_hub(context.folder, chats + BESIDE) as (address, process):
        time.sleep(SETTLED if whole else 0)
        before, began = memory(process.pid), time.monotonic()
        with held(address, chats, context.folder) as clients:
            joined = time.monotonic() - began
            time.sleep(PINGED if whole else 0)
            found = memory(process.pid)
            heard = asyncio.run(said_to_heard(address, SAID if whole else 1))
            held_to_the_end = [ended(each) for each in clients]
    still = sum(each["open"] for each in held_to_the_end)
    pings = min(each["least_pings"] for each in held_to_the_end)
    if still != chats or pings < whole:
        raise ValueError(f"{still} of {chats} chats were open to the end, one of them was asked {pings} times")
    run = {
        "chats": float(chats),
        "before_mb": round(before, 1),
        "kb_each": round((found - before) * 1024 / chats, 1),
        "joined_seconds": round(joined, 1),
        "said_to_heard_p50_ms": round(median(heard), 1),
        "said_to_heard_most_ms": round(max(heard), 1),
    }
    return {"sockets_10k": Figure(found, "MB", found <= MOST_MB, None, None, [run])}


@contextmanager
def gevent_hub(folder: Path, threads: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A hub of that profile with the demo firm, over PostgreSQL and Redis of its own: (address, process)."""
    with parts.run_postgres() as server, parts.run_redis() as redis:
        told = {"CENTRALITA_DATABASE_URL": server.create_database("hub"), "CENTRALITA_REDIS_URL": redis}
        told |= {"CENTRALITA_PROFILE": "gevent", "CENTRALITA_THREADS": str(threads)}
        with hub(folder, **told) as served:
            yield served


@contextmanager
def held(address: str, count: int, folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes that hold as many chats, all of which were let in. Raises ConnectionError."""
    with ExitStack() as stack:
        clients = []
        for number in range(CLIENTS):
            share = len(range(number, count, CLIENTS))
            command = [sys.executable, "-m", "benchmarks.idle_chats", address, str(share)]
            log = stack.enter_context((folder / f"chats-{number}.log").open("w"))
            pipe = subprocess.PIPE
            client = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log, text=True)  # noqa: S603  # our own
            stack.enter_context(client)
            stack.callback(client.kill)
            clients.append(client)
        for number, client in enumerate(clients):
            assert client.stdout is not None  # noqa: S101  # it is a pipe
            if client.stdout.readline() != "in\n":
                raise ConnectionError((folder / f"chats-{number}.log").read_text()[-2000:])
        yield clients


def ended(client: subprocess.Popen[str]) -> dict[str, int]:
    """What a process that held chats says at its end."""
    said, _ = client.communicate()
    found: dict[str, int] = json.loads(said)
    return found


async def said_to_heard(address: str, times: int) -> list[float]:
    """Milliseconds from each thing that one more visitor says to its coming over that visitor's own socket."""
    join, token = screens.visitor(address)
    took: list[float] = []
    came: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    async with screens.opened(address, "", [join], lambda _, packet, now: came.put_nowait((packet, now))):
        for number in range(times):
            text = f"Is this the thing number {number}?"
            began = time.perf_counter()
            await asyncio.to_thread(
                screens.post,
                address,
                "/widget/v1/messages",
                {"client_id": f"say-{number}", "text": text},
                Authorization=f"Bearer {token}",
            )
            packet, now = "", 0.0
            while text not in packet:
                packet, now = await asyncio.wait_for(came.get(), 30)
            took.append((now - began) * 1000)
    return took


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=sockets_10k`")
