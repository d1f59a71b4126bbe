"""What the simulated telephones' network knows, asked for once for all the channels that are played on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from hub.domain.errors import Unavailable
from hub.simulation.http import Answer, BadAnswer, Http, NoAnswer

_PAGE = 1000
# Seconds: how long the simulator holds a question for news; between two questions; between tries where it is away.
_LONG_POLL = 10
_GATHER = 0.2
_AGAIN = 1.0
# What has become of a text in the end: whether the hub took it.
_FATES = {"received": True, "failed": False}


class Network:
    """The control API of the simulated providers, for text messages and the messaging apps alike.

    Args:
        http: for every call.
        url: the simulators' address.

    `accepted_in` and `accepted_at` are, by a text's id, the seconds until the hub's 200 and the moment of it (seconds
    since 1970-01-01 UTC).
    """

    def __init__(self, http: Http, url: str) -> None:
        self._http, self.url = http, url
        self.numbers: Mapping[str, str] = {}  # the firm's, with their countries
        self.apps: frozenset[str] = frozenset()
        self.accepted_in: dict[str, float] = {}
        self.accepted_at: dict[str, float] = {}
        self.began_journal = 0
        self._began_texts = 0
        self._fates: dict[str, asyncio.Future[bool]] = {}
        self._hearers: dict[str, Callable[[str, str], None]] = {}
        self._following: asyncio.Task[None] | None = None
        self._all: list[dict[str, Any]] | None = None

    async def open(self, channel: str, hear: Callable[[str, str], None]) -> None:
        """Gets ready for a channel. Raises Unavailable, saying what is missing.

        Args:
            channel: `sms` or an app.
            hear: called with a message's id and a customer's number when something of the firm's has come for them.
        """
        if not self._began_texts:
            try:
                found = await self._get("numbers")
                # 0 would not mean "from the beginning" but "the newest"; nothing stays as its first change left it.
                self._began_texts = max(1, (await self._get("texts", limit=1))["after"])
                self.began_journal = (await self._get("summary"))["last"]
            except (NoAnswer, BadAnswer, ValueError) as error:
                raise Unavailable(
                    f"no simulator answers at {self.url} ({type(error).__name__}): "
                    "start it with `make run`, or name its address in CENTRALITA_SIMULATOR_URL"
                ) from error
            self.numbers = {each["number"]: each["country"] for each in found["numbers"]}
            self.apps = frozenset(found["apps"])
        if channel not in self.apps and not (channel == "sms" and self.numbers):
            raise Unavailable(f"the simulator at {self.url} has no {channel} of the firm")
        self._hearers[channel] = hear

    async def follow(self) -> None:
        """Hears what is new, until it is cancelled; every channel waits for the same news."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        await self._following

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """One call of the control API. Raises NoAnswer."""
        return await self._http.call("POST", f"{self.url}/control/{path}", body=body)

    async def delete(self, path: str) -> None:
        """Takes something back. Raises NoAnswer."""
        await self._http.call("DELETE", f"{self.url}/control/{path}")

    async def clear_faults(self) -> None:
        """Takes back what was to go wrong and has not. Raises NoAnswer."""
        for path in ("faults", "mail/faults"):
            await self.delete(path)

    def fate(self, sid: str) -> asyncio.Future[bool]:
        """Whether the hub takes a text, as soon as that is known; the news may come before the text's own id."""
        if sid not in self._fates:
            self._fates[sid] = asyncio.get_running_loop().create_future()
        return self._fates[sid]

    async def texts(self) -> list[dict[str, Any]]:
        """Every message that has changed since the beginning, as it was when this was first asked."""
        if self._all is None:
            self._all, after, more = [], self._began_texts, True
            while more:
                page = await self._get("texts", after=after, limit=_PAGE)
                after, more = page["after"], len(page["texts"]) == _PAGE
                self._all += page["texts"]
        return self._all

    async def journal(self, kind: str) -> AsyncIterator[dict[str, Any]]:
        """The entries of a kind since the beginning."""
        after, more = self.began_journal, True
        while more:
            page = await self._get("ledger", after=after, limit=_PAGE, kind=kind)
            after, more = page["after"], len(page["entries"]) == _PAGE
            for each in page["entries"]:
                yield each

    async def _follow(self) -> None:
        texts, journal = self._began_texts, self.began_journal
        while True:
            try:
                page = await self._get("texts", after=texts, limit=_PAGE, wait=_LONG_POLL)
                # What has changed above is noted here already.
                noted = await self._get("ledger", after=journal, limit=_PAGE, kind="webhook")
            except (NoAnswer, BadAnswer):
                await asyncio.sleep(_AGAIN)
                continue
            texts, journal = page["after"], noted["after"]
            for entry in noted["entries"]:
                if 200 <= entry["status"] < 300:
                    self.accepted_in.setdefault(entry["sid"], entry["latency_ms"] / 1000)
                    self.accepted_at.setdefault(entry["sid"], entry["at"])
            for each in page["texts"]:
                if each["origin"] == "customer" and each["status"] in _FATES:
                    fate = self.fate(each["sid"])
                    if not fate.done():
                        fate.set_result(_FATES[each["status"]])
                elif each["origin"] != "customer" and each["channel"] in self._hearers:
                    self._hearers[each["channel"]](each["sid"], each["customer"])
            await asyncio.sleep(_GATHER)  # under load there is always something new

    async def _get(self, path: str, **query: Any) -> Any:
        return await self._http.get(f"{self.url}/control/{path}", **query)
