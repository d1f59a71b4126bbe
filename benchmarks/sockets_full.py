"""Webhooks while every socket that is allowed is taken: their 99th percentile, against that with none, in turns.

The sockets are visitors' open chats. A further one must be refused, else there was room.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import ingest_sqlite as ingest
from benchmarks import screens
from benchmarks.harness import Context, Figure, Load, free_port, hub, load, median

MESSAGES = 2_000
CONNECTIONS = 8
CUSTOMERS = 500
THREADS = 192
ROUNDS = 3
RESERVED = 64  # threads that sockets may not take (docs/live.md)
MOST_TIMES = 2.0


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError when a run may not count, ConnectionError when sockets do not come about."""
    messages, customers = context.scaled(MESSAGES, 40), context.scaled(CUSTOMERS, 10)
    rounds = ROUNDS if context.size >= ingest.ALL_ROUNDS_FROM else 1
    threads = THREADS if context.size >= ingest.ALL_ROUNDS_FROM else RESERVED + 16
    runs: dict[str, list[Load]] = {"none": [], "full": []}
    with hub(context.folder, CENTRALITA_THREADS=str(threads)) as (address, _):
        provider = free_port()
        webhook = ingest.connect(context.folder, address, provider)
        numbers = iter(range(0, 10**9, messages))
        with ingest.twilio(context.folder, provider, webhook):

            def measured() -> Load:
                begin = next(numbers)
                before = ingest.stored(context.folder)
                requests = ingest.requests(webhook, range(begin, begin + messages), customers)
                found = load(address, requests, connections=CONNECTIONS)
                ingest.counts(context.folder, before, found)
                return found

            measured()
            for _ in range(rounds):
                runs["none"].append(measured())
                with taken(address, threads - RESERVED):
                    runs["full"].append(measured())
    full, none = (median([each.p(0.99) for each in runs[name]]) for name in ("full", "none"))
    summary = [
        {"p99_ms": round(each.p(0.99), 2), "p50_ms": round(each.p(0.5), 2), "none_p99_ms": round(bare.p(0.99), 2)}
        for each, bare in zip(runs["full"], runs["none"], strict=True)
    ]
    return {"sockets_full": Figure(full, "ms p99", full <= MOST_TIMES * none, none, full / none, summary)}


@contextmanager
def taken(address: str, count: int) -> Iterator[None]:
    """All the sockets that there are, held by a thread of their own."""
    ready, over, wrong = threading.Event(), threading.Event(), list[BaseException]()

    async def hold() -> None:
        async with screens.opened(address, "", screens.visitors(address, count), lambda *_: None):
            try:
                async with screens.opened(address, "", screens.visitors(address, 1), lambda *_: None):
                    wrong.append(ValueError(f"there was room for more than {count} sockets"))
            except Exception:  # noqa: S110  # as it must be: by whatever error the library has for a 503
                pass
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.05)

    def thread() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:
            wrong.append(error)
            ready.set()

    holder = threading.Thread(target=thread)
    holder.start()
    try:
        ready.wait(120)
        if wrong:
            raise wrong[0]
        yield
    finally:
        over.set()
        holder.join(60)


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=sockets_full`")
