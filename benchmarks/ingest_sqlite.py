"""Durable inbound messages a second on SQLite: one process, 32 connections, everything on that a real one has.

Each request is a text message as Twilio's webhook brings it: its signature is verified, the customer matched, message,
event and outbox row committed (synchronous=FULL) before the 200; the outbox is run meanwhile by the same process, and
what it answers goes to a simulated Twilio. A run counts only when as many rows are stored as 200s were given, the hub's
own connections wait for the disk, and the outbox is empty within a minute.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.harness import (
    Context,
    Figure,
    Load,
    command,
    free_port,
    hub,
    hub_environment,
    load,
    median,
    process,
    until_none,
    wait_for,
    yardstick,
)
from channels.simulators.twilio_webhooks import signature
from hub.store.unit_of_work import sqlite_engine

CONNECTIONS = 32
MESSAGES = 6000
CUSTOMERS = 1500
THREADS = 192
ROUNDS = 3
ALL_ROUNDS_FROM = 0.1  # below this share of the size nobody reads the figure
SYNCHRONOUS_FULL = 2  # as SQLite's PRAGMA reads it
LEAST_RATIO = 0.30
MOST_P99 = 4.0
TEAM = "First line"  # the demo firm's
NUMBER = "+34910000001"
ACCOUNT, TOKEN = f"AC{'0' * 32}", "the token of an account that is nobody's"
UNDONE = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'claimed')"
# Of messages that went by the simulated provider, whose ids begin so: on the demo firm's own history nobody reports.
UNREPORTED = "SELECT count(*) FROM message WHERE state = 'sent' AND provider_id LIKE 'SM%'"
SIMULATED = {"CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT, "CENTRALITA_SIMULATOR_TOKEN": TOKEN}


def run(context: Context) -> dict[str, Figure]:
    messages, rounds = context.scaled(MESSAGES, 60), ROUNDS if context.size >= ALL_ROUNDS_FROM else 1
    ours: list[Load] = []
    plain: list[Load] = []
    plain_on_one_core: list[Load] = []
    for number in range(rounds):
        folder = context.folder / str(number)
        folder.mkdir()
        plain.append(bare_route(folder, messages))
        plain_on_one_core.append(bare_route(folder, messages, one_core=True))
        with hub(folder, CENTRALITA_THREADS=str(THREADS)) as (address, _):
            provider = free_port()
            webhook = connect(folder, address, provider)
            customers = context.scaled(CUSTOMERS, 15)
            first, then = range(messages // 4), range(messages // 4, messages // 4 + messages)
            with twilio(folder, provider, webhook):
                load(address, requests(webhook, first, customers), connections=CONNECTIONS)
                settled(folder)
                before = stored(folder)
                ours.append(load(address, requests(webhook, then, customers), connections=CONNECTIONS))
                counts(folder, before, ours[-1])
    runs = [
        {
            "messages_per_second": round(our.rate, 1),
            "p50_ms": round(our.p(0.5), 2),
            "p99_ms": round(our.p(0.99), 2),
            "plain_per_second": round(bare.rate, 1),
            "plain_p99_ms": round(bare.p(0.99), 2),
            "client_busy": round(our.busy, 2),
            "plain_client_busy": round(bare.busy, 2),
            "plain_on_one_core_per_second": round(bound.rate, 1),
        }
        for our, bare, bound in zip(ours, plain, plain_on_one_core, strict=True)
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


def bare_route(folder: Path, messages: int, *, one_core: bool = False) -> Load:
    """The yardstick: as many requests to a plain-text route. On one core, where the hub's threads are, it takes more of
    them; the floors go by gunicorn as it comes, and both are told."""
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 60\r\n\r\n" + b"x" * 60
    with yardstick("plain", folder, THREADS, one_core=one_core) as address:
        load(address, [request] * (messages // 4), connections=CONNECTIONS)
        return load(address, [request] * messages, connections=CONNECTIONS)


def connect(folder: Path, address: str, provider: int, **more: str) -> str:
    """Connects an inbox for text messages as an administrator does, of the Twilio that is simulated at the port
    `provider`. `more` are settings of the hub. Returns its webhook's address.

    Raises ValueError when the hub does not say where its provider calls.
    """
    own = {
        "account_sid": ACCOUNT,
        "numbers": [NUMBER],
        "default_region": "ES",
        "api_url": f"http://127.0.0.1:{provider}",
        "messages_per_second": 0,  # the provider's own queue is as long as the run
    }
    options = ["--name", "Text messages of the run", "--team", TEAM, "--settings", json.dumps(own)]
    environment = hub_environment(folder, urlsplit(address).port or 0, **more)
    said = command(["connect", "sms", *options], environment, json.dumps({"auth_token": TOKEN}))
    found = re.search(r"calls (http\S+)", said)
    if found is None:
        raise ValueError(f"where is the webhook? {said}")
    return found[1]


@contextmanager
def twilio(folder: Path, port: int, webhook: str) -> Iterator[None]:
    """The provider's side in a process of its own: takes what each new conversation is answered, and reports on it."""
    command = [sys.executable, "-m", "channels.simulators", "--port", str(port), "--number", f"{NUMBER}={webhook}"]
    with process(command, SIMULATED, folder / "simulator.log"):
        wait_for(f"http://127.0.0.1:{port}")
        yield


def requests(webhook: str, numbers: range, customers: int) -> list[bytes]:
    """Raw requests, signed beforehand, each a message of its own, the customers in turn.

    The fields are all that Twilio documents for a text (channels/sms/payloads/help.form).
    """
    path = urlsplit(webhook).path
    found = []
    for number in numbers:
        sid = f"SM{number:032x}"
        fields = {
            **dict.fromkeys(("ToState", "ToCity", "ToZip", "FromState", "FromCity", "FromZip"), ""),
            **dict.fromkeys(("MessageSid", "SmsMessageSid", "SmsSid"), sid),
            **{"ToCountry": "ES", "FromCountry": "ES", "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received"},
            **{"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", "To": NUMBER},
            "From": f"+34600{number % customers:06}",
            "Body": f"Where is my order A{100000 + number}?",
        }
        body = urlencode(fields).encode()
        found.append(
            f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature(webhook, tuple(fields.items()), TOKEN)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
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
    until_none(lambda: ask(folder, UNDONE), "the outbox did not drain within a minute", seconds)


def settled(folder: Path, seconds: float = 60.0) -> None:
    """Waits until the provider has also reported on every message of ours: what it still has to say of those that were
    sent beforehand would come among the messages that count, three reports for each.

    Raises TimeoutError after a minute.
    """
    drained(folder, seconds)
    late = "the provider did not report on every message within a minute"
    until_none(lambda: ask(folder, UNREPORTED), late, seconds)


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
