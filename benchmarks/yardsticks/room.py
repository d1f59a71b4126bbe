"""The least that says one thing to everybody in a room: bare `websockets` on uvloop, in a process of its own.

`python -m benchmarks.yardsticks.room PORT`: what one says, all are sent.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(port: int) -> None:
    everybody: set[ServerConnection] = set()

    async def member(connection: ServerConnection) -> None:
        everybody.add(connection)
        try:
            async for said in connection:
                broadcast(everybody, said)
        finally:
            everybody.discard(connection)

    async with serve(member, "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
