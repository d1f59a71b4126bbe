"""Who takes part in a schedule: customers on each channel, the agent, and a screen that follows the feed. Each goes on
as programs and people do when a hub is away for a while: they try again, with the same ids."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import urllib3

from hub.simulation.record import Received, Said, Taken
from tests.faults.firm import CHAT_KEY, NUMBER, SignedIn
from tests.faults.providers import Providers

PATIENCE = 60.0  # seconds
AGAIN = 0.05
Result = TypeVar("Result")


class Stuck(Exception):
    """Somebody waited as long as nobody would."""


class Line:
    """HTTP to the hub. `until` calls until there is a 2xx; nobody is told twice of what was said twice."""

    def __init__(self, url: str, stopped: threading.Event, headers: Mapping[str, str] | None = None) -> None:
        self.url, self.headers = url, dict(headers or {})
        self._stopped = stopped
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=1, read=8), maxsize=4)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON; (0, None) where there was no answer."""
        try:
            answer = self._pool.request(method, self.url + path, headers=self.headers, json=body)
            return answer.status, json.loads(answer.data or b"null")
        except (urllib3.exceptions.HTTPError, ValueError):
            return 0, None

    def until(self, method: str, path: str, body: object = None, seconds: float = PATIENCE) -> Any:
        """Raises Stuck, and ValueError on what will not get better."""
        deadline = time.monotonic() + seconds
        while True:
            status, found = self.call(method, path, body)
            if 200 <= status < 300:
                return found
            if 400 <= status < 500 and status not in (409, 429):
                raise ValueError(f"{method} {path}: {status} {found}")
            if time.monotonic() > deadline or self._stopped.is_set():
                raise Stuck(f"{method} {path} got {status} {found}")
            time.sleep(AGAIN)

    def close(self) -> None:
        self._pool.clear()


@dataclass(slots=True)
class Customer:
    """What one customer said and knows of it. `answered_at` is when the first answer came."""

    number: int
    channel: str
    address: str
    said: list[Said] = field(default_factory=list)
    accepted_at: float = 0.0
    answered_at: float = 0.0

    def heard(self, text: str, provider_id: str, accepted: bool, at: float) -> None:
        self.said.append(Said(self.number, self.channel, text, Taken(provider_id, accepted)))
        if accepted and not self.accepted_at:
            self.accepted_at = at


def texts(customer: Customer, providers: Providers, count: int, to: str = NUMBER) -> None:
    """Says so many things by text, the next one when the one before has arrived."""
    for number in range(len(customer.said), len(customer.said) + count):
        text = f"Text {number} of {customer.number}"
        sending = providers.twilio.text(customer.address, to, text)
        if not sending.done.wait(PATIENCE):
            raise Stuck(f"the provider is still trying to hand over {text!r}")
        message = providers.ledger.message(sending.sid)
        assert message is not None
        customer.heard(text, sending.sid, message.status == "received", time.time())


def mails(customer: Customer, providers: Providers, count: int) -> None:
    """Writes so many mails, each about a matter of its own."""
    for number in range(count):
        text = f"Mail {number} of {customer.number}"
        sending = providers.mail.write(customer.address, text=text, subject=f"Matter {number} of {customer.number}")
        if not sending.done.wait(PATIENCE):
            raise Stuck(f"the mail server is still trying to hand over {text!r}")
        mail = providers.mail_ledger.mail(sending.mail.id)
        assert mail is not None
        customer.heard(text, mail.message_id, mail.status == "accepted", time.time())


class Visitor:
    """A customer in the web chat. `received` is what their page would show if they came back."""

    def __init__(self, customer: Customer, line: Line) -> None:
        self.customer, self.line = customer, line
        self._began = ""

    def chats(self, count: int) -> None:
        """Says so many things; the page that is open looks for the answer."""
        asked = {"inbox": CHAT_KEY, "origin": self.line.url, "language": "en"}
        session = self.line.until("POST", "/widget/v1/session", asked)
        self.line.headers["Authorization"] = f"Bearer {session['visitor_token']}"
        self._began = session["cursor"]
        for number in range(count):
            text, client_id = f"Chat {number} of {self.customer.number}", f"visit-{self.customer.number}-{number}"
            self.line.until("POST", "/widget/v1/messages", {"client_id": client_id, "text": text})
            self.customer.heard(text, client_id, True, time.time())
            if not number:
                self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.received(once=True):
            if time.monotonic() > deadline:
                raise Stuck(f"visitor {self.customer.number} never got an answer")
            time.sleep(0.25)
        self.customer.answered_at = time.time()

    def received(self, *, once: bool = False) -> list[Received]:
        found: list[Received] = []
        cursor, more = self._began, True
        while more:
            page = self.line.until("GET", f"/widget/v1/events?after={cursor}&limit=100")
            cursor, more = page["cursor"], page["more"]
            for entry in page["entries"]:
                message = entry.get("message")
                if message is not None and message["sender"] != "me":
                    found.append(Received(message["id"], str(self.customer.number), message["text"]))
            if once and found:
                break
        return found


class Follower:
    """A screen that reads the feed as it grows, from the beginning on. `entries` is all that it was ever told."""

    def __init__(self, line: Line, on_entry: Callable[[dict[str, Any]], None]) -> None:
        self.entries: list[dict[str, Any]] = []
        self.downs: list[tuple[float, float]] = []
        self.cursor = "0.0"
        self._line, self._on_entry = line, on_entry
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._away_since = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def away(self, since: float) -> None:
        """A process died at this time."""
        self._away_since = self._away_since or since

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self.look() is not True:
                self._stopping.wait(0.06)

    def look(self) -> bool | None:
        """Reads on. Returns whether there was anything; None where nobody answered."""
        asked = time.time()
        status, page = self._line.call("GET", f"/api/v1/events?after={self.cursor}&limit=200")
        if status != 200:
            return None
        if self._away_since and asked > self._away_since:
            self.downs.append((self._away_since, time.time()))
            self._away_since = 0.0
        for entry in page["entries"]:
            self.entries.append(entry)
            self._on_entry(entry)
        self.cursor = page["cursor"]
        return bool(page["entries"])


class Agent:
    """Answers each conversation once, as soon as the screen shows a customer's message in it. `quick`: takes it first,
    perhaps while the bot thinks."""

    def __init__(self, line: Line, *, quick: bool) -> None:
        self.replied: dict[str, str] = {}
        self.took: dict[str, float] = {}
        self.failed: list[str] = []
        self._line, self._quick = line, quick
        self._known: set[str] = set()
        self._threads: list[threading.Thread] = []

    def saw(self, entry: dict[str, Any]) -> None:
        """An entry of the feed."""
        message = entry["message"]
        if message is None or entry["kind"] != "MessageReceived" or message["conversation_id"] in self._known:
            return
        self._known.add(message["conversation_id"])
        thread = threading.Thread(target=self._answer, args=(message["conversation_id"],), daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, conversations: int) -> None:
        """Until so many are answered. Raises Stuck."""
        deadline = time.monotonic() + PATIENCE
        while len(self.replied) < conversations and not self.failed:
            if time.monotonic() > deadline:
                raise Stuck(f"the agent has answered {len(self.replied)} of {conversations} conversations")
            time.sleep(0.02)
        if self.failed:
            raise Stuck(self.failed[0])

    def _answer(self, conversation_id: str) -> None:
        path = f"/api/v1/conversations/{conversation_id}"
        try:
            if self._quick:
                self._line.call("POST", f"{path}/take")
            text = f"Answer to {conversation_id}"
            self._line.until("POST", f"{path}/messages", {"text": text, "client_id": f"a-{conversation_id}"})
            self.replied[conversation_id] = text
        except (Stuck, ValueError) as error:
            self.failed.append(str(error))


def agent_line(url: str, stopped: threading.Event, signed_in: SignedIn) -> Line:
    return Line(url, stopped, signed_in.headers)
