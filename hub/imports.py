"""What a process loads, and what it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Imported by others only where they are there, for what the hub does not use: Redis by Socket.IO (22 MB), aiohttp and
# requests by its clients, rich and pygments by the command lines of httpx and mako.
OPTIONAL = ("aiohttp", "pygments", "redis", "requests", "rich", "valkey")


@contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """Meanwhile these packages count as not installed, unless they are loaded already. Afterwards they can be imported
    as ever, by whoever needs them."""
    left_out = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]  # Python's word for "there is none"
    try:
        yield
    finally:
        for name in left_out:
            if sys.modules.get(name, sys) is None:
                del sys.modules[name]
