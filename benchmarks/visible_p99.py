"""From a text message's arrival to an agent's open screen, at fifty messages a second, 99th percentile.

The texts come at the moments of a Poisson process, whatever became of those before; the time runs from the moment that
was meant, so that a hub which falls behind is not excused. It ends when the socket of a signed-in agent has brought the
event. The messages are those of `ingest_sqlite`, with everything on, the outbox too.
"""

from __future__ import annotations

import asyncio
import json
import random
import time

from benchmarks import ingest_sqlite as ingest
from benchmarks import screens
from benchmarks.harness import Context, Figure, free_port, hub, load, percentile

RATE = 50.0
SECONDS = 60.0
CONNECTIONS = 32
CUSTOMERS = 500
MOST_MS = 25.0


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError when a message was refused or never came to the screen."""
    messages = context.scaled(int(RATE * SECONDS), 50)
    with hub(context.folder, CENTRALITA_THREADS=str(ingest.THREADS)) as (address, _):
        provider = free_port()
        webhook = ingest.connect(context.folder, address, provider)
        cookie = screens.sign_in(address)
        customers = context.scaled(CUSTOMERS, 10)
        first, then = range(customers), range(customers, customers + messages)
        with ingest.twilio(context.folder, provider, webhook):
            # Everybody has written once: what is measured are conversations, not their beginnings.
            load(address, ingest.requests(webhook, first, customers), connections=4)
            ingest.settled(context.folder)
            began = time.process_time()
            times = asyncio.run(measure(address, cookie, ingest.requests(webhook, then, customers)))
            busy = (time.process_time() - began) / (messages / RATE)
            ingest.drained(context.folder)
    value = percentile(times, 0.99)
    summary = {"messages": float(messages), "p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95)}
    summary |= {"p99_ms": value, "client_busy": busy}
    summary = {name: round(each, 2) for name, each in summary.items()}
    return {"visible_p99": Figure(value, "ms p99", value <= MOST_MS, runs=[summary])}


async def measure(address: str, cookie: str, requests: list[bytes]) -> list[float]:
    """Milliseconds from each request's moment to its event on the screen."""
    chance = random.Random(50)  # noqa: S311  # nothing secret
    meant: dict[str, float] = {}
    came: dict[str, float] = {}
    done = asyncio.Event()

    def heard(_: int, packet: str, now: float) -> None:
        name, data = json.loads(packet.removeprefix(screens.EVENT))
        for entry in data["entries"] if name == "events" else ():
            if entry["kind"] == "MessageReceived" and entry["message"]["provider_id"] in meant:
                came.setdefault(entry["message"]["provider_id"], now)
        if len(came) == len(requests):
            done.set()

    host, port = address.removeprefix("http://").split(":")
    lines: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        lines.put_nowait(await asyncio.open_connection(host, int(port)))

    async def send(request: bytes) -> None:
        reader, writer = await lines.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if int(head[9:12]) != 200:
            raise ValueError(f"not taken: {head!r}")
        at = head.lower().find(b"content-length:")
        await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)]) if at >= 0 else 0)
        lines.put_nowait((reader, writer))

    async with screens.opened(address, cookie, screens.agents(1), heard), asyncio.TaskGroup() as sending:
        at = time.perf_counter() + 0.2
        for request in requests:
            at += chance.expovariate(RATE)
            await asyncio.sleep(at - time.perf_counter())
            sid = request.partition(b"MessageSid=")[2][:34].decode()
            meant[sid] = at
            sending.create_task(send(request))
        try:
            await asyncio.wait_for(done.wait(), 30)
        except TimeoutError as error:
            raise ValueError(f"{len(requests) - len(came)} messages never came to the screen") from error
    for _, writer in [lines.get_nowait() for _ in range(CONNECTIONS)]:
        writer.close()
    return [(came[sid] - moment) * 1000 for sid, moment in meant.items()]


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=visible_p99`")
