"""Durable inbound messages a second on SQLite: one process, 32 connections, everything on that a real one has.

Each request is a web chat message: its token is verified, the customer matched, message, event and outbox row committed
(synchronous=FULL) before the 200; the outbox is run meanwhile by the same process. A run counts only when as many rows
are stored as 200s were given, the hub's own connections wait for the disk, and the outbox is empty within a minute.
"""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from pathlib import Path

from benchmarks.harness import Context, Figure, Load, hub, load, median, yardstick
from hub.store.unit_of_work import sqlite_engine

CONNECTIONS = 32
MESSAGES = 6000
VISITORS = 1500
THREADS = 192
ROUNDS = 3
SYNCHRONOUS_FULL = 2  # as SQLite's PRAGMA reads it
LEAST_RATIO = 0.30
MOST_P99 = 4.0


def run(context: Context) -> dict[str, Figure]:
    messages, rounds = context.scaled(MESSAGES, 60), ROUNDS if context.size == 1 else 1
    ours: list[Load] = []
    plain: list[Load] = []
    for number in range(rounds):
        folder = context.folder / str(number)
        folder.mkdir()
        with yardstick("plain", folder, THREADS) as address:
            request = (
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 60\r\n\r\n" + b"x" * 60
            )
            load(address, [request] * (messages // 4), connections=CONNECTIONS)
            plain.append(load(address, [request] * messages, connections=CONNECTIONS))
        with hub(folder, CENTRALITA_THREADS=str(THREADS)) as (address, _):
            tokens = [token(address) for _ in range(context.scaled(VISITORS, 20))]
            load(address, requests(tokens, messages // 4, "warm"), connections=CONNECTIONS)
            drained(folder)
            before = stored(folder)
            ours.append(load(address, requests(tokens, messages, "run"), connections=CONNECTIONS))
            counts(folder, before, ours[-1])
    runs = [
        {
            "messages_per_second": round(our.rate, 1),
            "p50_ms": round(our.p(0.5), 2),
            "p99_ms": round(our.p(0.99), 2),
            "plain_per_second": round(bare.rate, 1),
            "plain_p99_ms": round(bare.p(0.99), 2),
        }
        for our, bare in zip(ours, plain, strict=True)
    ]
    value, limit = median([each.rate for each in ours]), median([each.rate for each in plain])
    p99, p50 = median([each.p(0.99) for each in ours]), median([each.p(0.5) for each in ours])
    plain_p99 = median([each.p(0.99) for each in plain])
    return {
        "ingest_sqlite": Figure(value, "messages/s", value / limit >= LEAST_RATIO, limit, value / limit, runs),
        "ingest_sqlite_p99": Figure(
            p99, "ms", p99 <= MOST_P99 * p50 and p99 <= MOST_P99 * plain_p99, plain_p99, p99 / plain_p99, runs
        ),
    }


def token(address: str) -> str:
    """A new visitor's token."""
    body = json.dumps({"inbox": "demo", "origin": address, "language": "en"}).encode()
    request = urllib.request.Request(  # noqa: S310  # loopback
        f"{address}/widget/v1/session", body, {"Content-Type": "application/json", "Origin": address}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(json.loads(answer.read())["visitor_token"])


def requests(tokens: list[str], count: int, name: str) -> list[bytes]:
    """Raw requests, each a message of its own, the visitors in turn."""
    found = []
    for number in range(count):
        body = json.dumps({"client_id": f"{name}-{number}", "text": f"Where is my order A{100000 + number}?"}).encode()
        found.append(
            b"POST /widget/v1/messages HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {tokens[number % len(tokens)]}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return found


def ask(folder: Path, statement: str) -> int:
    with sqlite3.connect(f"file:{folder}/centralita.sqlite3?mode=ro", uri=True) as connection:
        return int(connection.execute(statement).fetchone()[0])


def stored(folder: Path) -> int:
    return ask(folder, "SELECT count(*) FROM message WHERE kind = 'incoming'")


def drained(folder: Path, seconds: float = 60.0) -> None:
    """Raises TimeoutError when rows are left after a minute."""
    deadline = time.monotonic() + seconds
    while ask(folder, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'claimed')"):
        if time.monotonic() > deadline:
            raise TimeoutError("the outbox did not drain within a minute")
        time.sleep(0.1)


def counts(folder: Path, before: int, result: Load) -> None:
    """Raises ValueError unless the run may count."""
    if set(result.statuses) != {200}:
        raise ValueError(f"not every message was taken: {result.statuses}")
    drained(folder)
    rows = stored(folder) - before
    if rows != result.statuses[200]:
        raise ValueError(f"{result.statuses[200]} messages were acknowledged and {rows} stored")
    if (level := synchronous(folder)) != SYNCHRONOUS_FULL:
        raise ValueError(f"a commit is not on the disk when it returns: PRAGMA synchronous reads {level}")


def synchronous(folder: Path) -> int:
    """What `PRAGMA synchronous` reads where the hub writes. Each connection has its own, so it is asked of one that
    the hub's code makes, on the same file."""
    engine = sqlite_engine(f"{folder}/centralita.sqlite3", writing=True)
    connection = engine.raw_connection()  # without a BEGIN, which would wait for the hub's own writer
    try:
        return int(connection.cursor().execute("PRAGMA synchronous").fetchone()[0])
    finally:
        connection.close()
        engine.dispose()


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=ingest_sqlite`")
