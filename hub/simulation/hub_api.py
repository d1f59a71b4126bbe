"""The hub as somebody who is signed in sees it, over its public API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from hub.domain.errors import Unavailable
from hub.simulation.http import Answer, BadAnswer, Http, NoAnswer

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

    def __init__(self, http: Http, url: str, signed_in: Answer) -> None:
        self._http = http
        self._url = f"{url}/api/v1"
        self.cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
        self._headers = {"Cookie": self.cookie, "X-CSRF-Token": signed_in.json()["csrf_token"]}

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a call. Raises NoAnswer, BadAnswer."""
        return await self._http.get(f"{self._url}{path}", headers=self._headers, **query)

    async def post(self, path: str, body: object = None) -> Any:
        """The JSON of a changing call. Raises NoAnswer, BadAnswer."""
        return (await self._http.call("POST", f"{self._url}{path}", headers=self._headers, body=body)).json()

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


async def sign_in(http: Http, url: str, login: Login) -> HubSession:
    """A session of this person. Raises Unavailable, saying what is missing."""
    who = {"email": login.email, "password": login.password}
    try:
        return HubSession(http, url, await http.call("POST", f"{url}/api/v1/session", body=who))
    except NoAnswer as error:
        raise Unavailable(
            f"no hub answers at {url} ({error}): start it with `make run`, or name its address in CENTRALITA_PUBLIC_URL"
        ) from error
    except (BadAnswer, KeyError, ValueError) as error:
        raise Unavailable(
            f"{login.email} cannot sign in at {url} ({error}): "
            "simulated customers are for the demo firm, which `centralita seed` makes"
        ) from error
