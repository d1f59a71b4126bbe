"""Agents' open web sockets as benchmarks hold them: many, lean, in one thread."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from simple_websocket import AioClient

from hub.services import demo

# Engine.IO 4 with Socket.IO 5 inside: what the packets of the agents' namespace begin with.
_OPEN, _PING, _PONG = "0", "2", "3"
_AT_ONCE = 4
_JOIN, _JOINED, EVENT = "40/agents,", "40/agents,", "42/agents,"


def sign_in(address: str) -> str:
    """The cookie of the demo's supervisor."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    who = json.dumps({"email": "sofia@demo.example", "password": demo.PASSWORD})
    connection.request("POST", "/api/v1/session", who, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return (answer.headers["Set-Cookie"] or "").partition(";")[0]


@asynccontextmanager
async def opened(
    address: str, cookie: str, count: int, heard: Callable[[int, str, float], None]
) -> AsyncIterator[list[AioClient]]:
    """So many sockets, let into the agents' room.

    Args:
        address: the hub's.
        cookie: of a session, see `sign_in`.
        count: how many.
        heard: called with a socket's number, an event's packet and the moment (`time.perf_counter`).

    Raises ConnectionError where one is refused.
    """
    gate = asyncio.Semaphore(_AT_ONCE)  # who is not let in within ten seconds is cut off

    async def join() -> AioClient:
        async with gate:
            return await _join(address, cookie)

    sockets = await asyncio.gather(*(join() for _ in range(count)))
    listening = [asyncio.create_task(_listen(number, each, heard)) for number, each in enumerate(sockets)]
    try:
        yield sockets
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in sockets), return_exceptions=True)


async def _join(address: str, cookie: str) -> AioClient:
    place = urlsplit(address).netloc
    headers = {"Origin": address, "Cookie": cookie}
    socket = await AioClient.connect(f"ws://{place}/socket.io/?EIO=4&transport=websocket", headers=headers)
    # At once: the library shows what came together with the handshake only when something follows.
    await socket.send(_JOIN)
    while True:
        packet = await socket.receive()
        if packet.startswith(_JOINED):
            return socket
        if not packet.startswith(_OPEN):
            raise ConnectionError(f"a socket was not let in: {packet}")


async def _listen(number: int, socket: AioClient, heard: Callable[[int, str, float], None]) -> None:
    while True:
        packet = await socket.receive()
        if packet == _PING:
            await socket.send(_PONG)
        elif packet.startswith(EVENT):
            heard(number, packet, time.perf_counter())
