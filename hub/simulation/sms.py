"""Customers with phones: texts and pictures through the simulator of Twilio, whose control API they hold."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx

from hub.domain.errors import Unavailable
from hub.simulation.calls import fetch
from hub.simulation.plan import Person
from hub.simulation.player import Stage
from hub.simulation.record import Ledger, Received, Taken

CHANNEL = "sms"
_PAGE = 1000
# Seconds: how long the simulator holds a question for news; between tries where it is away.
_LONG_POLL = 10
_AGAIN = 1.0
# Longer than the simulator waits for the hub with all its tries.
_PATIENCE = 90.0


class SmsPlayer:
    """See `hub.simulation.player.Player`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers: dict[str, str] = {}
        self._phones: dict[str, int] = {}
        self._began_texts = self._began_journal = 0

    async def open(self) -> None:
        try:
            found = await self._get("numbers")
            # 0 would not mean "from the beginning" but "the newest"; nothing stays as its first change left it.
            self._began_texts = max(1, (await self._get("texts", limit=1))["after"])
            self._began_journal = (await self._get("summary"))["last"]
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(
                f"no simulator answers at {self._stage.simulator_url} ({type(error).__name__}): "
                "start it with `make run`, or name its address in CENTRALITA_SIMULATOR_URL"
            ) from error
        self._numbers = {each["number"]: each["country"] for each in found["numbers"]}
        if not self._numbers:
            raise Unavailable(f"the simulator at {self._stage.simulator_url} has no number of the firm")

    async def say(self, person: Person, text: str, pictures: tuple[str, ...]) -> Taken:
        self._phones[person.phone] = person.number
        media = [
            {
                "content_base64": base64.b64encode(self._stage.pictures[name]).decode(),
                "media_type": "image/jpeg",
                "name": f"{name}.jpg",
            }
            for name in pictures
        ]
        asked = {"from": person.phone, "to": self._firm_number(person), "body": text, "media": media}
        try:
            answer = await self._stage.http.post(
                f"{self._stage.simulator_url}/control/texts", json=asked, timeout=_PATIENCE
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            return Taken("", accepted=False, why=f"the simulator: {type(error).__name__} {error}")
        sent = answer.json()
        took = [each["latency_ms"] / 1000 for each in sent["attempts"] if 200 <= each["status"] < 300]
        statuses = ", ".join(str(each["status"]) for each in sent["attempts"]) or "no attempt yet"
        return Taken(sent["sid"], sent["delivered"], min(took) if took else None, "" if took else statuses)

    async def listen(self) -> None:
        after = self._began_texts
        while True:
            try:
                page = await self._get("texts", after=after, limit=_PAGE, wait=_LONG_POLL)
            except httpx.HTTPError:
                await asyncio.sleep(_AGAIN)
                continue
            after = page["after"]
            for phone in {each["customer"] for each in page["texts"] if each["origin"] != "customer"}:
                if phone in self._phones:
                    self._stage.answered(CHANNEL, self._phones[phone])

    def leave(self, person: Person) -> None:
        """A phone stays on."""

    async def ledger(self) -> Ledger:
        texts = {each["sid"]: each async for each in self._texts() if each["channel"] == CHANNEL}
        accepted: dict[str, str] = {}
        async for entry in self._journal("webhook"):
            if 200 <= entry["status"] < 300 and entry["sid"] in texts:
                accepted.setdefault(entry["sid"], texts[entry["sid"]]["customer"])
        own = [each for each in texts.values() if each["id"] > self._began_journal]
        return Ledger(
            CHANNEL,
            list(accepted.items()),
            [
                (each["sid"], each["customer"])
                for each in own
                if each["origin"] == "customer" and each["sid"] not in accepted
            ],
            [
                Received(each["sid"], each["customer"], each["body"])
                for each in sorted(own, key=lambda each: int(each["id"]))
                if each["origin"] == "hub"
            ],
        )

    # --- how ---

    def _firm_number(self, person: Person) -> str:
        """The firm's number in the customer's country, else in a country of the language, else any."""
        home = {"es": "ES", "en": "GB"}
        for country in (person.region, home[person.language]):
            if number := next((each for each, where in self._numbers.items() if where == country), ""):
                return number
        return next(iter(self._numbers))

    async def _get(self, path: str, **query: Any) -> Any:
        return await fetch(self._stage.http, f"{self._stage.simulator_url}/control/{path}", headers={}, query=query)

    async def _texts(self) -> AsyncIterator[dict[str, Any]]:
        """Every message that has changed since the beginning, as it is now."""
        after, more = self._began_texts, True
        while more:
            page = await self._get("texts", after=after, limit=_PAGE)
            after, more = page["after"], len(page["texts"]) == _PAGE
            for each in page["texts"]:
                yield each

    async def _journal(self, kind: str) -> AsyncIterator[dict[str, Any]]:
        after, more = self._began_journal, True
        while more:
            page = await self._get("ledger", after=after, limit=_PAGE, kind=kind)
            after, more = page["after"], len(page["entries"]) == _PAGE
            for each in page["entries"]:
                yield each
