"""HTTP for hundreds of customers at once, with little work for each call: the hub is to be measured, not this.

Calls run in threads over kept-alive connections; asyncio's clients cost several times as much for each.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

# Each customer whose message is under way holds one.
_THREADS = 256
_TIMEOUT = urllib3.Timeout(connect=10, read=100)
# Seconds before each try of a call that may be made again.
TRIES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)


class NoAnswer(Exception):
    """The call broke: nobody is there, or hung up."""


class BadAnswer(Exception):
    """An answer that is not 2xx."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.content[:200].decode(errors='replace')}")
        self.status = answer.status

    @property
    def may_change(self) -> bool:
        """Whether the same call may be answered otherwise later."""
        return self.status >= 500 or self.status == 429


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` from the call to the answer's last byte, without any waiting for a free thread."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """What the body holds. Raises BadAnswer where it is not 2xx, ValueError where it is no JSON."""
        if not self.is_good:
            raise BadAnswer(self)
        return json.loads(self.content)


class Http:
    """A client, to be closed."""

    def __init__(self) -> None:
        # No proxy of the environment: the hub of a demo is here.
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=_THREADS, retries=False, timeout=_TIMEOUT)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="http")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        file: tuple[str, bytes, str] | None = None,
    ) -> Answer:
        """One call.

        Args:
            method: of HTTP.
            url: without a query.
            headers: besides those of the body.
            query: values of any kind that reads well.
            body: sent as JSON, unless None.
            file: (name, content, media type) of a form's field `file`.

        Raises:
            NoAnswer: the connection could not be made, or broke.
        """
        address = f"{url}?{urlencode(query)}" if query else url
        sent = dict(headers or {})

        def blocking() -> Answer:
            began = time.perf_counter()
            try:
                if file is not None:
                    answer = self._pool.request(method, address, headers=sent, fields={"file": file})
                elif body is not None:
                    answer = self._pool.request(method, address, headers=sent, json=body)
                else:
                    answer = self._pool.request(method, address, headers=sent)
            except urllib3.exceptions.HTTPError as error:
                raise NoAnswer(type(error).__name__) from error
            return Answer(answer.status, answer.headers, answer.data, time.perf_counter() - began)

        return await asyncio.get_running_loop().run_in_executor(self._threads, blocking)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, **query: Any) -> Any:
        """The JSON of a GET; one that breaks is made again. Raises NoAnswer after the last try, BadAnswer at once."""
        for pause in TRIES[:-1]:
            await asyncio.sleep(pause)
            try:
                return (await self.call("GET", url, headers=headers, query=query)).json()
            except NoAnswer:
                continue
        await asyncio.sleep(TRIES[-1])
        return (await self.call("GET", url, headers=headers, query=query)).json()
