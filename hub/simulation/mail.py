"""Customers with mailboxes: mails and answers in threads through the simulated mail servers, whose control API they
hold."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime
from typing import Any

from hub.domain.errors import Unavailable
from hub.simulation.http import BadAnswer, NoAnswer
from hub.simulation.plan import Person, Step
from hub.simulation.player import Stage
from hub.simulation.record import Ledger, Received, Taken
from hub.simulation.script import MAIL, Mail
from hub.simulation.trouble import Fault

CHANNEL = MAIL
_PAGE = 1000
# Seconds: how long the simulator holds a question for news; between two questions; between tries where it is away.
_LONG_POLL = 10
_GATHER = 0.2
_AGAIN = 1.0
# Longer than a server tries to hand a mail over.
_PATIENCE = 150.0
# What has become of a mail in the end: whether the hub took it.
_FATES = {"accepted": True, "failed": False}
# Whose quoting a customer's program has, where the script does not say.
_PROGRAMS = ("gmail", "outlook", "apple", "thunderbird")
# A new mail's subject, where the script names none, is its first words.
_SUBJECT_WORDS = 6


class MailPlayer:
    """See `hub.simulation.player.Player`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people: dict[str, int] = {}
        # By address: the mail that an answer answers, the last that came or else the last that was sent.
        self._answered: dict[str, int] = {}
        self._fates: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._began = 0
        self._seen: set[int] = set()

    async def open(self) -> None:
        try:
            self._began = (await self._get("mails", limit=1))["after"]
        except (NoAnswer, BadAnswer, ValueError) as error:
            raise Unavailable(
                f"no simulator with mail answers at {self._stage.network.url} ({type(error).__name__}): "
                "start it with `make run`, or name its address in CENTRALITA_SIMULATOR_URL"
            ) from error

    async def say(self, step: Step, fault: Fault | None = None) -> Taken:
        person, mail = step.person, step.mail or Mail()
        self._people[person.email] = person.number
        if fault:
            (await self._stage.network.post("mail/faults", {**fault, "number": person.email})).json()
        asked: dict[str, Any] = {
            "from": person.email,
            "name": person.name,
            "body": step.text,
            "language": person.language,
            "program": mail.program or _PROGRAMS[person.number % len(_PROGRAMS)],
            "files": [
                {
                    "content_base64": base64.b64encode(self._stage.pictures[name]).decode(),
                    "media_type": "image/jpeg",
                    "name": f"{name}.jpg",
                }
                for name in step.pictures
            ],
            "wait": False,
        }
        if mail.subject is None and person.email in self._answered:
            asked |= {"answers": self._answered[person.email], "out_of_office": mail.out_of_office}
        else:
            asked["subject"] = " ".join(step.text.split()[:_SUBJECT_WORDS]) if mail.subject is None else mail.subject
        try:
            sent = (await self._stage.network.post("mail/mails", asked)).json()
        except (NoAnswer, BadAnswer) as error:
            return Taken("", accepted=False, why=f"the simulator: {error}")
        if "answers" not in asked:
            self._answered[person.email] = sent["id"]
        try:
            fate = await asyncio.wait_for(self._fate(sent["id"]), _PATIENCE)
        except TimeoutError:
            return Taken(sent["message_id"], accepted=False, why="the mail server was still trying")
        if not _FATES[fate["status"]]:
            return Taken(sent["message_id"], accepted=False, why=f"the hub answered {fate['code']} {fate['words']}")
        return Taken(sent["message_id"], True, latency=fate["latency_ms"] / 1000, at=_moment(fate["accepted_at"]))

    async def listen(self) -> None:
        after = self._began
        while True:
            try:
                page = await self._get("mails", after=after, limit=_PAGE, wait=_LONG_POLL)
            except (NoAnswer, BadAnswer):
                await asyncio.sleep(_AGAIN)
                continue
            after = page["after"]
            for each in page["mails"]:
                if each["origin"] == "hub":
                    self._came(each)
                elif each["status"] in _FATES and not self._fate(each["id"]).done():
                    self._fate(each["id"]).set_result(each)
            await asyncio.sleep(_GATHER)  # under load there is always something new

    def leave(self, person: Person) -> None:
        """A mailbox stays."""

    async def ledger(self) -> Ledger:
        mails = await self._mails()
        # The report of a mail that did not arrive is news of the hub's message, and no message itself.
        written = [each for each in mails if each["origin"] != "hub" and each["kind"] != "bounce"]
        return Ledger(
            CHANNEL,
            [(each["message_id"], each["customer"]) for each in written if each["status"] == "accepted"],
            [(each["message_id"], each["customer"]) for each in written if each["status"] != "accepted"],
            [
                # Our number stands before the @ of its Message-ID, the agent's signature below the text.
                Received(
                    each["message_id"].partition("@")[0],
                    each["customer"],
                    each["text"].partition("\n\n-- \n")[0],
                    _moment(each["at"]),
                )
                for each in mails
                if each["origin"] == "hub" and each["status"] == "received"
            ],
        )

    # --- how ---

    def _fate(self, mail_id: int) -> asyncio.Future[dict[str, Any]]:
        """What becomes of a mail, as soon as that is known; the news may come before the mail's own id."""
        if mail_id not in self._fates:
            self._fates[mail_id] = asyncio.get_running_loop().create_future()
        return self._fates[mail_id]

    def _came(self, mail: dict[str, Any]) -> None:
        """Something has come for a customer."""
        number = self._people.get(mail["customer"])
        if number is None or mail["status"] != "received" or mail["id"] in self._seen:
            return
        self._seen.add(mail["id"])
        self._answered[mail["customer"]] = mail["id"]
        self._stage.answered(CHANNEL, number)

    async def _get(self, path: str, **query: Any) -> Any:
        return await self._stage.http.get(f"{self._stage.network.url}/control/mail/{path}", **query)

    async def _mails(self) -> list[dict[str, Any]]:
        """Every mail that has changed since the beginning, as it is now, the oldest first."""
        found: dict[int, dict[str, Any]] = {}
        after, more = self._began, True
        while more:
            page = await self._get("mails", after=after, limit=_PAGE)
            after, more = page["after"], len(page["mails"]) == _PAGE
            found |= {each["id"]: each for each in page["mails"]}
        return [found[number] for number in sorted(found)]


def _moment(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
