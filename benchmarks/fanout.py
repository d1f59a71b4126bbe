"""Deliveries a second of the server's processor time to a room of a hundred, against bare `websockets` on uvloop.

Agents' sockets say that somebody is writing, and all hundred are told: the hub checks whose socket it is, reads what
it says, and sends it to the room. The yardstick sends on what it gets, as it is. Both are asked at the same pace, in
turns; processor time is that of the server's processes alone, and a run counts only when everything that was said has
reached everybody.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from simple_websocket import AioClient

from benchmarks import screens
from benchmarks.harness import Context, Figure, children, free_port, hub, median, process, wait_for

ROOM = 100
SECONDS = 20.0
RATE = 60.0  # things said a second, by all together: a socket may say two
ROUNDS = 3
ALL_ROUNDS_FROM = 0.1
THREADS = 192
LEAST_RATIO = 0.2


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError when somebody was not told."""
    said = context.scaled(int(RATE * SECONDS), 60)
    runs: list[dict[str, float]] = []
    with hub(context.folder, CENTRALITA_THREADS=str(THREADS)) as (address, server):
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.yardsticks.room", str(port)]
        with process(command, {}, context.folder / "room.log") as bare:
            wait_for(f"http://127.0.0.1:{port}")
            place = conversation(context.folder)
            cookie = screens.sign_in(address)
            for _ in range(ROUNDS if context.size >= ALL_ROUNDS_FROM else 1):
                theirs = asyncio.run(in_bare_room(f"ws://127.0.0.1:{port}/", bare.pid, said))
                ours = asyncio.run(in_hub(address, cookie, server.pid, place, said))
                runs.append({"deliveries_per_cpu_second": round(ours), "bare_per_cpu_second": round(theirs)})
    value, limit = (
        median([each[name] for each in runs]) for name in ("deliveries_per_cpu_second", "bare_per_cpu_second")
    )
    return {"fanout": Figure(value, "deliveries/CPU s", value / limit >= LEAST_RATIO, limit, value / limit, runs)}


def conversation(folder: Path) -> str:
    """One that is there."""
    with sqlite3.connect(f"file:{folder}/centralita.sqlite3?mode=ro", uri=True) as connection:
        return str(connection.execute("SELECT id FROM conversation LIMIT 1").fetchone()[0])


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
