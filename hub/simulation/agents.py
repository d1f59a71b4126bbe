"""Agents of the demo who take what waits, answer it and resolve it, so that customers are not left in the queue."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.simulation.http import BadAnswer, NoAnswer
from hub.simulation.hub_api import HubSession

# Seconds: between two looks at the lists; since the last word until a conversation is resolved.
TICK = 1.0
QUIET = 8.0
# Agents do not all reach for the very first of the queue.
_REACH = 10
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Hello, thanks for waiting. I have read what you wrote and I am looking into it now.",
        "I am sorry about this. I have opened a case with our warehouse and will write as soon as they answer.",
        "Good news: that is possible. I have set it up for you; the confirmation comes by e-mail in a few minutes.",
        "Thank you for the details. A replacement leaves today, there is nothing to pay and nothing to send back.",
        "I have passed this on to my colleague from returns, who will ring you tomorrow between 9:00 and 12:00.",
        "You are welcome. If anything else comes up, just write here.",
    ),
    "es": (
        "Hola, gracias por esperar. He leído todo lo que nos ha escrito y lo estoy mirando ahora mismo.",
        "Siento mucho lo ocurrido. He abierto una incidencia con el almacén y le escribo en cuanto me contesten.",
        "Buenas noticias: se puede. Ya se lo he dejado hecho, en unos minutos le llegará la confirmación por correo.",
        "Gracias por los datos. Hoy mismo sale otro en su lugar; no tiene que pagar nada ni devolver el anterior.",
        "Se lo he pasado a mi compañera de devoluciones, que le llamará mañana entre las 9:00 y las 12:00.",
        "De nada. Si le surge cualquier otra cosa, escríbanos por aquí.",
    ),
}


class Agent:
    """One signed-in agent.

    Args:
        session: theirs.
        began: conversations without a word since then are not of this run, and are left alone.
        run: begins the ids of their messages.
        seed: which answers are given.
    """

    def __init__(self, session: HubSession, began: datetime, run: str, seed: str) -> None:
        self._session = session
        self._began = began
        self._run = run
        self._chance = random.Random(seed)  # noqa: S311  # nothing secret
        self._ids = itertools.count(1)

    async def work(self) -> None:
        """Works until it is cancelled."""
        while True:
            try:
                await self._look_after_own()
                await self._take_one()
            except NoAnswer:
                pass  # a hub that restarts: the lists say at the next look where things stand
            await asyncio.sleep(TICK)

    async def _take_one(self) -> None:
        waiting = [row for row in (await self._rows("queue")) if self._of_this_run(row)]
        if waiting:
            row = self._chance.choice(waiting[:_REACH])
            if await self._tried(f"/conversations/{row['id']}/take"):
                await self._answer(row)

    async def _look_after_own(self) -> None:
        for row in await self._rows("mine"):
            if not self._of_this_run(row):
                continue
            quiet = datetime.now(UTC) - _time(row["last_activity_at"])
            if row["unread"]:
                await self._answer(row)
            elif quiet > timedelta(seconds=QUIET):
                await self._tried(f"/conversations/{row['id']}/resolve")

    async def _answer(self, row: Mapping[str, Any]) -> None:
        text = self._chance.choice(ANSWERS.get(row["language"], ANSWERS["en"]))
        message = {"client_id": f"{self._run}-{next(self._ids)}", "text": text}
        await self._tried(f"/conversations/{row['id']}/messages", message)

    async def _rows(self, view: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self._session.get("/conversations", view=view, limit=50))["items"]
        return items

    async def _tried(self, path: str, body: object = None) -> bool:
        """Whether the hub took it: another agent may have been first, a customer may have written meanwhile."""
        try:
            await self._session.post(path, body)
        except BadAnswer as error:
            if error.may_change:
                raise
            return False
        return True

    def _of_this_run(self, row: Mapping[str, Any]) -> bool:
        return _time(row["last_activity_at"]) >= self._began


def _time(written: str) -> datetime:
    return datetime.fromisoformat(written)
