"""Deliveries a second of the server's processor time to a room of a hundred, against bare `websockets` on uvloop.

Agents' sockets say that somebody is writing, and all hundred are told: the hub checks whose socket it is, reads what
it says, and sends it to the room. The yardstick sends on what it gets, as it is. Both are asked at the same pace, in
turns; processor time is that of the server's processes alone, and a run counts only when everything that was said has
reached everybody. The hub is asked in both profiles, with threads on SQLite and with greenlets on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from simple_websocket import AioClient

from benchmarks import screens, sockets_10k
from benchmarks.harness import Context, Figure, children, free_port, hub, median, process, wait_for

ROOM = 100
SECONDS = 20.0
RATE = 60.0  # things said a second, by all together: a socket may say two
ROUNDS = 3
ALL_ROUNDS_FROM = 0.1
THREADS = 192
LEAST_RATIO, LEAST_GEVENT = 0.2, 0.28


def run(context: Context) -> dict[str, Figure]:
    """The ratio is that with threads; both are in `runs`. Raises ValueError when somebody was not told."""
    said = context.scaled(int(RATE * SECONDS), 60)
    runs: list[dict[str, float]] = []
    beside, port = context.folder / "gevent", free_port()
    beside.mkdir()
    command = [sys.executable, "-m", "benchmarks.yardsticks.room", str(port)]
    with (
        hub(context.folder, CENTRALITA_THREADS=str(THREADS)) as threads,
        sockets_10k.gevent_hub(beside, THREADS) as greenlets,
        process(command, {}, context.folder / "room.log") as bare,
    ):
        wait_for(f"http://127.0.0.1:{port}")
        cookies = {address: screens.sign_in(address) for address, _ in (threads, greenlets)}
        places = {address: conversation(address, cookie) for address, cookie in cookies.items()}
        for _ in range(ROUNDS if context.size >= ALL_ROUNDS_FROM else 1):
            found = {"bare": asyncio.run(in_bare_room(f"ws://127.0.0.1:{port}/", bare.pid, said))}
            for name, (address, server) in (("deliveries", threads), ("gevent", greenlets)):
                found[name] = asyncio.run(in_hub(address, cookies[address], server.pid, places[address], said))
            runs.append({f"{name}_per_cpu_second": round(each) for name, each in found.items()})
    value, gevent, limit = (
        median([each[f"{name}_per_cpu_second"] for each in runs]) for name in ("deliveries", "gevent", "bare")
    )
    runs.append({"gevent_ratio": round(gevent / limit, 2)})
    holds = value / limit >= LEAST_RATIO and gevent / limit >= LEAST_GEVENT
    return {"fanout": Figure(value, "deliveries/CPU s", holds, limit, value / limit, runs)}


def conversation(address: str, cookie: str) -> str:
    """One that is there."""
    asked = urllib.request.Request(f"{address}/api/v1/conversations?view=all&limit=1", headers={"Cookie": cookie})  # noqa: S310  # loopback
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310  # loopback
        return str(json.load(answer)["items"][0]["id"])


async def in_hub(address: str, cookie: str, pid: int, place: str, said: int) -> float:
    told: Counter[int] = Counter()
    async with screens.opened(
        address, cookie, screens.agents(ROOM), lambda number, *_: told.update([number])
    ) as sockets:
        packets = [screens.EVENT + json.dumps(["typing", {"conversation_id": place, "on": on}]) for on in (True, False)]
        return await _measured(pid, said, told, lambda number: sockets[number % ROOM].send(packets[number // ROOM % 2]))


async def in_bare_room(url: str, pid: int, said: int) -> float:
    told: Counter[int] = Counter()
    sockets = await asyncio.gather(*(AioClient.connect(url) for _ in range(ROOM)))

    async def listen(number: int) -> None:
        while True:
            await sockets[number].receive()
            told[number] += 1

    listening = [asyncio.create_task(listen(number)) for number in range(ROOM)]
    packet = json.dumps(["typing", {"conversation_id": "0" * 26, "on": True}])
    try:
        return await _measured(pid, said, told, lambda number: sockets[number % ROOM].send(packet))
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in sockets), return_exceptions=True)


async def _measured(pid: int, said: int, told: Counter[int], say: Callable[[int], Awaitable[None]]) -> float:
    """Deliveries for each second of the server's processor time."""
    await asyncio.sleep(0.5)
    told.clear()
    before, at = processor(pid), time.perf_counter()
    for number in range(said):
        at += 1 / RATE
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        await say(number)
    deadline = time.perf_counter() + 30
    while (least := said - said // ROOM - 1) > min(told[number] for number in range(ROOM)):
        if time.perf_counter() > deadline:
            raise ValueError(f"somebody was told {min(told.values(), default=0)} of {least} things")
        await asyncio.sleep(0.05)
    return sum(told.values()) / (processor(pid) - before)


def processor(pid: int) -> float:
    """Seconds of processor time of a process and all that come from it."""
    ticks = 0
    for each in children(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=fanout`")
