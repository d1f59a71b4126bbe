"""Customers with telephones: texts and pictures by SMS and by the messaging apps, through the simulated providers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.simulation.http import BadAnswer, NoAnswer
from hub.simulation.plan import Person, Step
from hub.simulation.player import Stage
from hub.simulation.record import Ledger, Received, Taken

# Longer than a provider tries to hand a text over, but Meta, which never gives up.
_PATIENCE = 180.0


class PhonePlayer:
    """See `hub.simulation.player.Player`."""

    def __init__(self, stage: Stage, channel: str) -> None:
        self._stage, self._network = stage, stage.network
        self._channel = channel
        self._phones: dict[str, int] = {}
        self._seen: set[str] = set()
        self._changed: dict[str, tuple[str, str]] = {}

    async def open(self) -> None:
        await self._network.open(self._channel, self._heard)

    async def plant(self, person: Person, fault: Mapping[str, Any]) -> None:
        planted = {**fault, "channel": self._channel}
        (await self._network.post("faults", planted | ({"number": person.phone} if person.phone else {}))).json()

    async def say(self, step: Step, fault: Mapping[str, Any] | None = None) -> Taken:
        person = step.person
        self._phones[person.phone] = person.number
        if fault:
            await self.plant(person, fault)
        media = [
            {
                "content_base64": base64.b64encode(self._stage.pictures[name]).decode(),
                "media_type": "image/jpeg",
                "name": f"{name}.jpg",
            }
            for name in step.pictures
        ]
        asked: dict[str, Any] = {"from": person.phone, "body": step.text, "media": media}
        if self._channel == "sms":
            asked |= {"to": self._firm_number(person), "wait": False}
        else:
            asked["channel"] = self._channel
        try:
            sid = (await self._network.post("texts", asked)).json()["sid"]
        except (NoAnswer, BadAnswer) as error:
            return Taken("", accepted=False, why=f"the simulator: {error}")
        try:
            accepted = await asyncio.wait_for(self._network.fate(sid), _PATIENCE)
        except TimeoutError:
            return Taken(sid, accepted=False, why="the provider was still trying")
        if accepted:
            await self._change(step, sid)
            return Taken(sid, True, self._network.accepted_in.get(sid), at=self._network.accepted_at.get(sid))
        statuses = [str(each["status"]) async for each in self._network.journal("webhook") if each["sid"] == sid]
        return Taken(sid, accepted=False, why=f"the hub answered {', '.join(statuses)}")

    async def listen(self) -> None:
        await self._network.follow()

    def leave(self, person: Person) -> None:
        """A phone stays on."""

    async def ledger(self) -> Ledger:
        texts = {each["sid"]: each for each in await self._network.texts() if each["channel"] == self._channel}
        accepted: dict[str, str] = {}
        async for entry in self._network.journal("webhook"):
            if 200 <= entry["status"] < 300 and entry["sid"] in texts:
                accepted.setdefault(entry["sid"], texts[entry["sid"]]["customer"])
        own = [each for each in texts.values() if each["id"] > self._network.began_journal]
        return Ledger(
            self._channel,
            list(accepted.items()),
            [
                (each["sid"], each["customer"])
                for each in own
                if each["origin"] == "customer" and each["sid"] not in accepted
            ],
            [
                Received(each["sid"], each["customer"], each["body"], datetime.fromisoformat(each["at"]).timestamp())
                for each in sorted(own, key=lambda each: int(each["id"]))
                if each["origin"] == "hub"
            ],
            changed=self._changed,
        )

    # --- how ---

    async def _change(self, step: Step, sid: str) -> None:
        if not step.then:
            return
        words = {"edit": f"{step.text[:1000]} (corrected)", "react": "👍"}.get(step.then, "")
        asked = {"from": step.person.phone, "channel": self._channel, "sid": sid, "do": step.then, "words": words}
        if (await self._network.post("changes", asked)).json()["changed"]:
            self._changed[sid] = (step.then, words)

    def _heard(self, sid: str, phone: str) -> None:
        """Something has come for a customer; its later states are no news to them."""
        if sid not in self._seen and phone in self._phones:
            self._seen.add(sid)
            self._stage.answered(self._channel, self._phones[phone])

    def _firm_number(self, person: Person) -> str:
        """The firm's number in the customer's country, else in a country of the language, else any."""
        home = {"es": "ES", "en": "GB"}
        numbers = self._network.numbers
        for country in (person.region, home[person.language]):
            if number := next((each for each, where in numbers.items() if where == country), ""):
                return number
        return next(iter(numbers))
