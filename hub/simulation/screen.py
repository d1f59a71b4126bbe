"""An agent's open screen: when each message of customers was pushed to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from simple_websocket import AioClient, ConnectionClosed
from simple_websocket import ConnectionError as SocketRefused

from hub.domain.errors import Unavailable

# Engine.IO 4 with Socket.IO 5 inside: what the packets of our namespace begin with.
_OPEN, _PING, _PONG = "0", "2", "3"
_JOIN, _JOINED, _EVENT = "40/agents,", "40/agents,", "42/agents,"
_AGAIN = 0.5
_PATIENCE = 30.0


class Screen:
    """Somebody's screen.

    Args:
        hub_url: the hub's public address.
        cookie: of a session that may read conversations.

    `seen` is, by a message's id, the moment at which it came (seconds since 1970-01-01 UTC). What was said while the
    socket was away is not in it: screens find it in the feed.
    """

    def __init__(self, hub_url: str, cookie: str) -> None:
        self._url, self._cookie = hub_url, cookie
        self.seen: dict[str, float] = {}
        self._open = asyncio.Event()

    async def opened(self) -> None:
        """Waits until the socket is there. Raises Unavailable where it does not come about."""
        try:
            await asyncio.wait_for(self._open.wait(), _PATIENCE)
        except TimeoutError as error:
            raise Unavailable(f"the hub at {self._url} opens no web socket to an agent's screen") from error

    async def watch(self) -> None:
        """Holds the socket open until it is cancelled."""
        while True:
            with contextlib.suppress(SocketRefused, ConnectionClosed, OSError):
                await self._connected()
            await asyncio.sleep(_AGAIN)

    async def _connected(self) -> None:
        parts = urlsplit(self._url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        headers = {"Origin": self._url, "Cookie": self._cookie}
        address = f"{scheme}://{parts.netloc}/socket.io/?EIO=4&transport=websocket"
        socket = await AioClient.connect(address, headers=headers)
        try:
            # At once: the library shows what came together with the handshake only when something follows.
            await socket.send(_JOIN)
            while True:
                packet = await socket.receive()
                if packet.startswith(_JOINED):
                    self._open.set()
                elif packet.startswith(_OPEN):
                    continue
                elif packet == _PING:
                    await socket.send(_PONG)
                elif packet.startswith(_EVENT):
                    self._pushed(packet.removeprefix(_EVENT), time.time())
                else:
                    return  # refused, or shown out
        finally:
            with contextlib.suppress(ConnectionClosed, OSError):
                await socket.close()

    def _pushed(self, packet: str, now: float) -> None:
        name, data = json.loads(packet)
        if name != "events":
            return
        for entry in data["entries"]:
            message: Mapping[str, str] | None = entry["message"]
            if message is not None and entry["kind"] == "MessageReceived":
                self.seen.setdefault(message["id"], now)
