"""Customers in the web chat: the widget's own calls, its socket, and its feed where the hub has no socket to spare."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from simple_websocket import AioClient, ConnectionClosed
from simple_websocket import ConnectionError as SocketRefused

from hub.domain.errors import Unavailable
from hub.simulation.http import TRIES, Answer, BadAnswer, NoAnswer
from hub.simulation.plan import Person, Step
from hub.simulation.player import Stage
from hub.simulation.record import Ledger, Received, Taken
from hub.simulation.trouble import Fault

CHANNEL = "webchat"
# As the widget: how often it asks where it has no socket, in seconds.
POLL = 3.0
# How long a customer keeps the page open after the last word.
LINGER = 3.0
# Visitors whose feed is read at the same time at the end.
_AT_ONCE = 8
# Engine.IO 4 with Socket.IO 5 inside: what the packets of our namespace begin with.
_OPEN, _PING, _PONG = "0", "2", "3"
_JOIN, _JOINED, _EVENT = "40/widget,", "40/widget,", "42/widget,"


@dataclass(slots=True)
class Visit:
    """One person's chat. `cursor` is how far the page has read, `began` where it started, `dropped` that its socket is
    to break."""

    person: Person
    token: str
    socket_token: str
    began: str
    cursor: str
    left_at: float | None = None
    page: asyncio.Task[None] | None = None
    dropped: bool = False
    client_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def is_over(self) -> bool:
        return self.left_at is not None and time.monotonic() > self.left_at + LINGER


class WebchatPlayer:
    """See `hub.simulation.player.Player`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._visits: dict[int, Visit] = {}
        self._pages: asyncio.Queue[Visit] = asyncio.Queue()
        self._accepted: list[tuple[str, str]] = []
        self._refused: list[tuple[str, str]] = []
        self._shown_at: dict[str, float] = {}

    async def open(self) -> None:
        answer = await self._stage.http.call("GET", f"{self._stage.hub_url}/widget/frame", query={"inbox": self._inbox})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Unavailable(f"the hub has no web chat with the key {self._inbox}: `centralita seed` makes one")

    async def say(self, step: Step, fault: Fault | None = None) -> Taken:
        person = step.person
        visit = self._visits.get(person.number)
        if visit is None:
            visit = self._visits[person.number] = await self._begin(person)
            self._pages.put_nowait(visit)
        files = [await self._upload(visit, name) for name in step.pictures]
        client_id = f"{self._stage.run}-{person.number}-{next(visit.client_ids)}"
        message = {"client_id": client_id, "text": step.text, "attachments": files}
        if fault and fault["do"] == "drop":
            visit.dropped = True
        why = ""
        for pause in TRIES:
            await asyncio.sleep(pause)
            try:
                answer = await self._said(visit, message, fault)
            except BadAnswer as error:
                why = str(error)
                if not error.may_change:
                    break
            except NoAnswer as error:
                why = str(error)
            else:
                self._accepted.append((client_id, str(person.number)))
                return Taken(client_id, accepted=True, latency=answer.seconds, at=time.time())
        self._refused.append((client_id, str(person.number)))
        return Taken(client_id, accepted=False, why=why)

    async def listen(self) -> None:
        try:
            while True:
                visit = await self._pages.get()
                visit.page = asyncio.create_task(self._page(visit))
        finally:
            pages = [visit.page for visit in self._visits.values() if visit.page is not None]
            for visit in self._visits.values():
                # Python 3.11's wait_for may swallow a cancellation: the page then ends by itself.
                visit.left_at = float("-inf")
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)

    def leave(self, person: Person) -> None:
        if visit := self._visits.get(person.number):
            visit.left_at = time.monotonic()

    async def ledger(self) -> Ledger:
        """What each visitor's own feed shows from the beginning: what they would see if they came back."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def seen(visit: Visit) -> list[Received]:
            async with gate:
                visit.cursor = visit.began
                return [
                    Received(
                        (message := entry["message"])["id"],
                        str(visit.person.number),
                        message["text"],
                        self._shown_at.get(message["id"]),
                    )
                    async for entry in self._news(visit)
                    if _is_ours(entry)
                ]

        received = await asyncio.gather(*map(seen, self._visits.values()))
        return Ledger(
            CHANNEL, self._accepted, self._refused, list(itertools.chain.from_iterable(received)), self._stage.run
        )

    # --- how ---

    @property
    def _inbox(self) -> str:
        return self._stage.inbox_key

    async def _begin(self, person: Person) -> Visit:
        asked = {"inbox": self._inbox, "origin": self._stage.hub_url, "language": person.language}
        session = (await self._stage.http.call("POST", f"{self._stage.hub_url}/widget/v1/session", body=asked)).json()
        visit = Visit(
            person, session["visitor_token"], session["socket_token"], session["cursor"], cursor=session["cursor"]
        )
        details = {"name": person.name, "email": person.email, "phone": person.phone}
        if told := {name: value for name, value in details.items() if name in person.tells}:
            await self._call(visit, "details", body=told)
        return visit

    async def _said(self, visit: Visit, message: dict[str, Any], fault: Fault | None) -> Answer:
        """Says it, and again where the page believes that it was not heard."""
        do, copies = (fault["do"], fault.get("copies", 2)) if fault else ("", 1)
        if do == "parallel":
            said = await asyncio.gather(*(self._call(visit, "messages", body=message) for _ in range(copies)))
            return min(said, key=lambda answer: answer.seconds)
        answer = await self._call(visit, "messages", body=message)
        for _ in range(copies - 1 if do in ("duplicate", "lose_answer") else 0):
            await self._call(visit, "messages", body=message)
        return answer

    async def _upload(self, visit: Visit, picture: str) -> str:
        content = self._stage.pictures[picture]
        sent = await self._call(visit, "attachments", file=(f"{picture}.jpg", content, "image/jpeg"))
        return str(sent.json()["id"])

    async def _call(self, visit: Visit, path: str, **more: Any) -> Answer:
        url = f"{self._stage.hub_url}/widget/v1/{path}"
        answer = await self._stage.http.call("POST", url, headers=_bearer(visit), **more)
        if not answer.is_good:
            raise BadAnswer(answer)
        return answer

    async def _news(self, visit: Visit) -> AsyncIterator[dict[str, Any]]:
        """What the feed has after the page's cursor, which moves on."""
        more = True
        while more:
            page = await self._stage.http.get(
                f"{self._stage.hub_url}/widget/v1/events", headers=_bearer(visit), after=visit.cursor, limit=500
            )
            visit.cursor, more = page["cursor"], page["more"]
            for entry in page["entries"]:
                yield entry

    async def _page(self, visit: Visit) -> None:
        """The open page: with a socket where the hub has one to spare, asking now and then where it has none."""
        while True:
            with contextlib.suppress(SocketRefused, ConnectionClosed, OSError, NoAnswer, BadAnswer):
                await self._connected(visit)
            if not visit.dropped:
                break
            visit.dropped = False  # and opened again
        while not visit.is_over:
            await asyncio.sleep(POLL)
            with contextlib.suppress(NoAnswer, BadAnswer):
                await self._look(visit)

    async def _connected(self, visit: Visit) -> None:
        parts = urlsplit(self._stage.hub_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        socket = await AioClient.connect(
            f"{scheme}://{parts.netloc}/socket.io/?EIO=4&transport=websocket",
            headers={"Origin": self._stage.hub_url},
        )
        try:
            # At once: the library shows what came together with the handshake only when something follows.
            await socket.send(_JOIN + json.dumps({"token": visit.socket_token}))
            while not visit.is_over:
                packet = await socket.receive(timeout=1.0)
                if visit.dropped:
                    return
                if packet is None:
                    continue
                if packet.startswith(_OPEN):
                    continue
                if packet == _PING:
                    await socket.send(_PONG)
                elif packet.startswith(_JOINED):
                    await self._look(visit)  # what came between the session and now
                elif packet.startswith(_EVENT):
                    await self._pushed(visit, packet.removeprefix(_EVENT))
                else:
                    return  # refused, or shown out
        finally:
            with contextlib.suppress(ConnectionClosed, OSError):
                await socket.close()

    async def _pushed(self, visit: Visit, packet: str) -> None:
        name, data = json.loads(packet)
        if name != "events":
            return
        entries = [entry for entry in data["entries"] if _place(entry["cursor"]) > _place(visit.cursor)]
        if entries:
            visit.cursor = entries[-1]["cursor"]
            await self._shown(visit, entries)

    async def _look(self, visit: Visit) -> None:
        await self._shown(visit, [entry async for entry in self._news(visit)])

    async def _shown(self, visit: Visit, entries: list[dict[str, Any]]) -> None:
        """The page shows messages, and says so to the hub."""
        ours = [entry for entry in entries if _is_ours(entry)]
        if not ours:
            return
        for entry in ours:
            self._shown_at.setdefault(entry["message"]["id"], time.time())
        self._stage.answered(CHANNEL, visit.person.number)
        await self._call(visit, "seen", body={"message_id": ours[-1]["message"]["id"], "state": "read"})


def _bearer(visit: Visit) -> dict[str, str]:
    return {"Authorization": f"Bearer {visit.token}"}


def _is_ours(entry: dict[str, Any]) -> bool:
    """Whether an entry of a visitor's feed is a message of the firm's."""
    return entry["message"] is not None and entry["message"]["sender"] != "me"


def _place(cursor: str) -> tuple[int, int]:
    transaction, _, event_id = cursor.partition(".")
    return int(transaction), int(event_id)
