"""Open web sockets as benchmarks hold them, agents' and visitors': many, lean, in one thread."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from simple_websocket import AioClient

from hub.services import demo

# Engine.IO 4 with Socket.IO 5 inside: what packets begin with, and what an agent's event does.
OPEN, PING, PONG, _JOIN = "0", "2", "3", "40"
EVENT = "42/agents,"
# Who is not let in within ten seconds is cut off.
_AT_ONCE = 4


def sign_in(address: str) -> str:
    """The cookie of the demo's supervisor."""
    headers, _ = post(address, "/api/v1/session", {"email": "sofia@demo.example", "password": demo.PASSWORD})
    return (headers["Set-Cookie"] or "").partition(";")[0]


def visitors(address: str, count: int) -> list[str]:
    """Packets with which as many visitors of the demo's web chat join; good for a minute."""
    return [visitor(address)[0] for _ in range(count)]


def visitor(address: str) -> tuple[str, str]:
    """The packet with which one of them joins, and the token with which they write."""
    asked = {"inbox": demo.INBOX_KEY, "origin": address, "language": "en"}
    _, session = post(address, "/widget/v1/session", asked)
    return f"{_JOIN}/widget,{json.dumps({'token': session['socket_token']})}", session["visitor_token"]


@asynccontextmanager
async def opened(
    address: str, cookie: str, joins: Sequence[str], heard: Callable[[int, str, float], None]
) -> AsyncIterator[list[AioClient]]:
    """Sockets that were let in.

    Args:
        address: the hub's.
        cookie: of a session, see `sign_in`; may be empty for visitors.
        joins: the packet with which each joins, see `agents` and `visitors`.
        heard: called with a socket's number, an event's packet and the moment (`time.perf_counter`).

    Raises ConnectionError where one is refused.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def join(packet: str) -> AioClient:
        async with gate:
            return await _join(address, cookie, packet)

    sockets = await asyncio.gather(*map(join, joins))
    listening = [asyncio.create_task(_listen(number, each, heard)) for number, each in enumerate(sockets)]
    try:
        yield sockets
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in sockets), return_exceptions=True)


def agents(count: int) -> list[str]:
    """The packets with which as many agents' screens join."""
    return [f"{_JOIN}/agents,"] * count


async def _join(address: str, cookie: str, join: str) -> AioClient:
    headers = {"Origin": address} | ({"Cookie": cookie} if cookie else {})
    url = f"ws://{urlsplit(address).netloc}/socket.io/?EIO=4&transport=websocket"
    socket = await AioClient.connect(url, headers=headers)
    # At once: the library shows what came together with the handshake only when something follows.
    await socket.send(join)
    joined = join.partition(",")[0]
    while True:
        packet = await socket.receive()
        if packet.startswith(joined):
            return socket
        if not packet.startswith(OPEN):
            raise ConnectionError(f"a socket was not let in: {packet}")


async def _listen(number: int, socket: AioClient, heard: Callable[[int, str, float], None]) -> None:
    while True:
        packet = await socket.receive()
        if packet == PING:
            await socket.send(PONG)
        elif packet.startswith("42"):
            heard(number, packet, time.perf_counter())


def post(address: str, path: str, body: object, **headers: str) -> tuple[http.client.HTTPMessage, Any]:
    """What the hub answers, over a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return answer.headers, said
