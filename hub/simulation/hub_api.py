"""The hub as somebody who is signed in sees it, over its public API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from hub.domain.errors import Unavailable
from hub.simulation.calls import fetch

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Login:
    """One of the demo's people."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Work:
    """How far the hub is behind. `late` is in seconds."""

    late: int
    dead: str


class HubSession:
    """Somebody's session. Made by `sign_in`."""

    def __init__(self, http: httpx.AsyncClient, url: str, cookies: httpx.Cookies, csrf_token: str) -> None:
        self._http = http
        self._url = f"{url}/api/v1"
        # Set by hand: the client is shared, and its own jar would mix the sessions up.
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self._headers = {"Cookie": cookie, "X-CSRF-Token": csrf_token}

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a call. Raises httpx.HTTPError."""
        return await fetch(self._http, f"{self._url}{path}", headers=self._headers, query=query)

    async def post(self, path: str, body: object = None) -> Any:
        """The JSON of a changing call. Raises httpx.HTTPError."""
        answer = await self._http.post(f"{self._url}{path}", json=body, headers=self._headers)
        answer.raise_for_status()
        return answer.json()

    async def cursor(self) -> str:
        """The feed's place of now."""
        return str((await self.get("/events"))["cursor"])

    async def events(self, after: str) -> AsyncIterator[dict[str, Any]]:
        """The feed's entries from a cursor to its end."""
        more = True
        while more:
            page = await self.get("/events", after=after, limit=_PAGE)
            after, more = page["cursor"], page["more"]
            for entry in page["entries"]:
                yield entry

    async def work(self) -> Work:
        """How far the outbox is behind."""
        parts = {part["name"]: part for part in (await self.get("/health"))["parts"]}
        detail = parts["work"]["detail"]
        return Work(int(detail["oldest_due_seconds"]), str(detail["dead"]))


async def sign_in(http: httpx.AsyncClient, url: str, login: Login) -> HubSession:
    """A session of this person. Raises Unavailable, saying what is missing."""
    try:
        answer = await http.post(f"{url}/api/v1/session", json={"email": login.email, "password": login.password})
    except httpx.HTTPError as error:
        raise Unavailable(
            f"no hub answers at {url} ({type(error).__name__}): start it with `make run`, "
            "or name its address in CENTRALITA_PUBLIC_URL"
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(
            f"{login.email} cannot sign in at {url} ({answer.status_code}): "
            "simulated customers are for the demo firm, which `centralita seed` makes"
        )
    session = HubSession(http, url, answer.cookies, answer.json()["csrf_token"])
    http.cookies.clear()
    return session
