"""Durable inbound messages a second on PostgreSQL: `serve` and one `worker` over Redis, 32 connections, everything on.

As `ingest_sqlite`: the same requests, the same yardstick in turns, and a run counts only when as many rows are stored
as 200s were given, the server waits for its disk (`fsync`, `synchronous_commit`) and the outbox is empty within a
minute.
"""

from __future__ import annotations

import sys

from benchmarks import ingest_sqlite as ingest
from benchmarks.harness import (
    Context,
    Figure,
    Load,
    free_port,
    hub,
    hub_environment,
    load,
    median,
    process,
    until_none,
)
from tests import parts

LEAST_RATIO = 0.25
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError or TimeoutError when a run may not count."""
    messages, customers = context.scaled(ingest.MESSAGES, 60), context.scaled(ingest.CUSTOMERS, 15)
    ours: list[Load] = []
    plain: list[Load] = []
    plain_on_one_core: list[Load] = []
    with parts.run_postgres(durable=True) as server, parts.run_redis() as redis:
        for number in range(ingest.ROUNDS if context.size >= ingest.ALL_ROUNDS_FROM else 1):
            folder = context.folder / str(number)
            folder.mkdir()
            plain.append(ingest.bare_route(folder, messages))
            plain_on_one_core.append(ingest.bare_route(folder, messages, one_core=True))
            database = f"run{number}"
            url = server.create_database(database).replace("+psycopg", "")
            told = {"CENTRALITA_DATABASE_URL": url, "CENTRALITA_REDIS_URL": redis}
            told["CENTRALITA_THREADS"] = str(ingest.THREADS)
            port = free_port()
            worker = process(
                [sys.executable, "-m", "hub", "worker"], hub_environment(folder, port, **told), folder / "worker.log"
            )
            with hub(folder, port=port, **told) as (address, _), worker:
                provider = free_port()
                webhook = ingest.connect(folder, address, provider, **told)
                first, then = range(messages // 4), range(messages // 4, messages // 4 + messages)
                with ingest.twilio(folder, provider, webhook):
                    load(address, ingest.requests(webhook, first, customers), connections=ingest.CONNECTIONS)
                    settled(server, database)
                    before = stored(server, database)
                    requests = ingest.requests(webhook, then, customers)
                    ours.append(load(address, requests, connections=ingest.CONNECTIONS))
                    counts(server, database, before, ours[-1])
    value, limit = median([each.rate for each in ours]), median([each.rate for each in plain])
    runs = [
        {
            "messages_per_second": round(our.rate, 1),
            "p50_ms": round(our.p(0.5), 2),
            "p99_ms": round(our.p(0.99), 2),
            "plain_per_second": round(bare.rate, 1),
            "plain_on_one_core_per_second": round(bound.rate, 1),
        }
        for our, bare, bound in zip(ours, plain, plain_on_one_core, strict=True)
    ]
    return {"ingest_postgres": Figure(value, "messages/s", value / limit >= LEAST_RATIO, limit, value / limit, runs)}


def ask(server: parts.PostgresServer, database: str, statement: str) -> str:
    with server.connect(database) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return str(row[0]) if row else ""


def stored(server: parts.PostgresServer, database: str) -> int:
    return int(ask(server, database, "SELECT count(*) FROM message WHERE kind = 'incoming'"))


def drained(server: parts.PostgresServer, database: str) -> None:
    """As `ingest_sqlite.drained`. Raises TimeoutError after a minute."""
    until_none(lambda: int(ask(server, database, ingest.UNDONE)), "the outbox did not drain within a minute")


def settled(server: parts.PostgresServer, database: str) -> None:
    """As `ingest_sqlite.settled`. Raises TimeoutError after a minute."""
    drained(server, database)
    late = "the provider did not report on every message within a minute"
    until_none(lambda: int(ask(server, database, ingest.UNREPORTED)), late)


def counts(server: parts.PostgresServer, database: str, before: int, result: Load) -> None:
    """Raises ValueError unless the run may count."""
    if set(result.statuses) != {200}:
        raise ValueError(f"not every message was taken: {result.statuses}")
    drained(server, database)
    rows = stored(server, database) - before
    if rows != result.statuses[200]:
        raise ValueError(f"{result.statuses[200]} messages were acknowledged and {rows} stored")
    for name in DURABLE:
        if (found := ask(server, database, f"SHOW {name}")) != "on":
            raise ValueError(f"a commit is not on the disk when it returns: {name} is {found}")


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=ingest_postgres`")
