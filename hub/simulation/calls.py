"""Calls that may be made again: what a kept-alive connection that just closed, or a restart, costs is a second try."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

# Seconds before each try.
TRIES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)


async def fetch(http: httpx.AsyncClient, url: str, *, headers: dict[str, str], query: dict[str, Any]) -> Any:
    """The JSON of a GET. Raises httpx.HTTPError: a refusal at once, a broken connection after the last try."""
    for number, pause in enumerate(TRIES, 1):
        await asyncio.sleep(pause)
        try:
            answer = await http.get(url, params=query, headers=headers)
        except httpx.TransportError:
            if number == len(TRIES):
                raise
            continue
        answer.raise_for_status()
        return answer.json()
    raise AssertionError("the last try returns or raises")
