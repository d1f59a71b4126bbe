"""Visitors of the web chat who have it open and say nothing, very many from one process: what `sockets_10k` holds.

Run as `python -m benchmarks.idle_chats ADDRESS COUNT`. Each visitor begins a session over HTTP as the chat does, opens
a web socket with a browser's headers, joins with the session's token and answers the server's pings. It prints a line
when all are in, and ends with its standard input; the line that it prints then is JSON: how many were open to the end,
and how many pings the one who was asked least has answered.
"""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.parse import urlsplit

from benchmarks import screens

# So many come in at a time; a token is good for a minute, and who is not let in within ten seconds is cut off.
_AT_ONCE = 8
_TEXT = 0x81
_CLOSE = 0x88
_SHORT, _LONGER = 126, 127
# As Chrome asks, with its offer to compress, which would cost the server 300 KB a socket where it took it.
_HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nPragma: no-cache\r\n"
    "Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://{host}\r\nSec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


class Chat(asyncio.Protocol):
    """One visitor's socket. `joined` is done when it was let in, and fails where it was not."""

    __slots__ = ("_handshake", "_join", "_received", "_transport", "_upgraded", "joined", "open", "pings")

    def __init__(self, host: str, join: str) -> None:
        self._handshake, self._join = _HANDSHAKE.format(host=host).encode(), join
        self._received = b""
        self._upgraded = self.open = False
        self.pings = 0
        self._transport: asyncio.Transport | None = None
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # it is a stream's
        self._transport, self.open = transport, True
        transport.write(self._handshake)
        self._handshake = b""

    def connection_lost(self, _: Exception | None) -> None:
        self.open = False
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("a socket was closed before it was let in"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._upgraded:
            head, ended, rest = self._received.partition(b"\r\n\r\n")
            if not ended:
                return
            if not head.startswith(b"HTTP/1.1 101 ") or b"sec-websocket-extensions" in head.lower():
                self._give_up(head.decode())
                return
            self._upgraded, self._received = True, rest
            self._say(self._join)
        while (packet := self._take()) is not None:
            if packet == screens.PING:
                self.pings += 1
                self._say(screens.PONG)
            elif packet.startswith("40/widget"):
                self.joined.set_result(None)
            elif not packet.startswith(screens.OPEN):
                self._give_up(packet)

    def _take(self) -> str | None:
        """The next packet that is there whole. What the hub says is never masked, and in one piece."""
        received = self._received
        if len(received) < 2:
            return None
        length, begin = received[1], 2
        if length == _SHORT:
            length, begin = int.from_bytes(received[2:4]), 4
        elif length == _LONGER:
            length, begin = int.from_bytes(received[2:10]), 10
        if len(received) < begin + length:
            return None
        self._received = received[begin + length :]
        if received[0] != _TEXT:
            self._give_up("it was closed" if received[0] == _CLOSE else f"a frame that begins with {received[0]:#x}")
            return None
        return received[begin : begin + length].decode()

    def _say(self, packet: str) -> None:
        assert self._transport is not None  # noqa: S101  # said when something came
        data = packet.encode()
        length = bytes((0x80 | len(data),)) if len(data) < _SHORT else b"\xfe" + len(data).to_bytes(2)
        self._transport.write(bytes((_TEXT,)) + length + bytes(4) + data)  # a mask of zeros changes nothing

    def _give_up(self, why: str) -> None:
        assert self._transport is not None  # noqa: S101  # given up when something came
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"a socket was not let in: {why}"))
        self._transport.abort()


async def hold(address: str, count: int) -> None:
    place = urlsplit(address)
    loop = asyncio.get_running_loop()
    chats: list[Chat] = []
    missing = iter(range(count))

    async def come_in() -> None:
        for _ in missing:
            join, _ = await loop.run_in_executor(None, screens.visitor, address)
            _, chat = await loop.create_connection(
                lambda join=join: Chat(place.netloc, join), place.hostname, place.port
            )
            await chat.joined
            chats.append(chat)

    await asyncio.gather(*(come_in() for _ in range(_AT_ONCE)))
    print("in", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    still = [each for each in chats if each.open]
    print(json.dumps({"open": len(still), "least_pings": min((each.pings for each in still), default=0)}), flush=True)


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], int(sys.argv[2])))
