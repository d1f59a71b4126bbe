"""Customers with phones: texts and pictures through the simulator of Twilio, whose control API they hold."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

from hub.domain.errors import Unavailable
from hub.simulation.http import BadAnswer, NoAnswer
from hub.simulation.plan import Person, Step
from hub.simulation.player import Stage
from hub.simulation.record import Ledger, Received, Taken

CHANNEL = "sms"
_PAGE = 1000
# Seconds: how long the simulator holds a question for news; between two questions; between tries where it is away.
_LONG_POLL = 10
_GATHER = 0.2
# Longer than the provider tries to hand a text over.
_PATIENCE = 120.0
# What has become of a text in the end: whether the hub took it.
_FATES = {"received": True, "failed": False}
_AGAIN = 1.0


class SmsPlayer:
    """See `hub.simulation.player.Player`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers: dict[str, str] = {}
        self._phones: dict[str, int] = {}
        self._fates: dict[str, asyncio.Future[bool]] = {}
        self._latencies: dict[str, float] = {}
        self._seen: set[str] = set()
        self._began_texts = self._began_journal = 0

    async def open(self) -> None:
        try:
            found = await self._get("numbers")
            # 0 would not mean "from the beginning" but "the newest"; nothing stays as its first change left it.
            self._began_texts = max(1, (await self._get("texts", limit=1))["after"])
            self._began_journal = (await self._get("summary"))["last"]
        except (NoAnswer, BadAnswer, ValueError) as error:
            raise Unavailable(
                f"no simulator answers at {self._stage.simulator_url} ({type(error).__name__}): "
                "start it with `make run`, or name its address in CENTRALITA_SIMULATOR_URL"
            ) from error
        self._numbers = {each["number"]: each["country"] for each in found["numbers"]}
        if not self._numbers:
            raise Unavailable(f"the simulator at {self._stage.simulator_url} has no number of the firm")

    async def say(self, step: Step) -> Taken:
        person = step.person
        self._phones[person.phone] = person.number
        media = [
            {
                "content_base64": base64.b64encode(self._stage.pictures[name]).decode(),
                "media_type": "image/jpeg",
                "name": f"{name}.jpg",
            }
            for name in step.pictures
        ]
        asked = {
            "from": person.phone,
            "to": self._firm_number(person),
            "body": step.text,
            "media": media,
            "wait": False,
        }
        try:
            answer = await self._stage.http.call("POST", f"{self._stage.simulator_url}/control/texts", body=asked)
            sid = answer.json()["sid"]
        except (NoAnswer, BadAnswer) as error:
            return Taken("", accepted=False, why=f"the simulator: {error}")
        try:
            accepted = await asyncio.wait_for(self._fate(sid), _PATIENCE)
        except TimeoutError:
            return Taken(sid, accepted=False, why="the provider was still trying")
        if accepted:
            return Taken(sid, accepted=True, latency=self._latencies.get(sid))
        statuses = [str(entry["status"]) async for entry in self._journal("webhook") if entry["sid"] == sid]
        return Taken(sid, accepted=False, why=f"the hub answered {', '.join(statuses)}")

    async def listen(self) -> None:
        texts, journal = self._began_texts, self._began_journal
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
                    self._latencies.setdefault(entry["sid"], entry["latency_ms"] / 1000)
            for each in page["texts"]:
                if each["origin"] == "customer" and each["status"] in _FATES:
                    fate = self._fate(each["sid"])
                    if not fate.done():
                        fate.set_result(_FATES[each["status"]])
                elif each["origin"] != "customer" and each["customer"] in self._phones:
                    self._heard(each["sid"], self._phones[each["customer"]])
            await asyncio.sleep(_GATHER)  # under load there is always something new

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

    def _fate(self, sid: str) -> asyncio.Future[bool]:
        """Whether the hub takes a text, as soon as that is known; the news may come before the text's own id."""
        if sid not in self._fates:
            self._fates[sid] = asyncio.get_running_loop().create_future()
        return self._fates[sid]

    def _heard(self, sid: str, customer: int) -> None:
        """Something has come for a customer; its later states are no news to them."""
        if sid not in self._seen:
            self._seen.add(sid)
            self._stage.answered(CHANNEL, customer)

    def _firm_number(self, person: Person) -> str:
        """The firm's number in the customer's country, else in a country of the language, else any."""
        home = {"es": "ES", "en": "GB"}
        for country in (person.region, home[person.language]):
            if number := next((each for each, where in self._numbers.items() if where == country), ""):
                return number
        return next(iter(self._numbers))

    async def _get(self, path: str, **query: Any) -> Any:
        return await self._stage.http.get(f"{self._stage.simulator_url}/control/{path}", **query)

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
