"""The bot's port over HTTP: a Rasa 3.6 server with our own channel (`bot/project/hub_channel.py`, docs/bot.md).

Time-outs nest: this client's deadline (4.5 s) > the channel's (3.8 s) > a custom action's (2.5 s). The client gives up
last, so that it normally hears what went wrong instead of only hanging up.
"""

from __future__ import annotations

import json
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from hub.domain.errors import BotError, BotTimeout
from hub.domain.knowledge import BotMessage, BotReply
from hub.domain.messages import Button

TEXT_LIMIT = 2000  # characters; Rasa has one event loop, so a long paste would delay everybody
CONNECT_TIMEOUT = 0.5  # seconds
PROBE_TIMEOUT = 1.0  # seconds


class RasaBot:
    """`hub.ports.Bot` on one Rasa server. Thread-safe; opens no connection before the first call.

    Args:
        base_url: where the Rasa server answers, without a path.
        token: the bearer token of its hub channel.
        deadline: seconds within which `reply` returns or raises.
        clock: seconds that only move forward.
    """

    def __init__(
        self, base_url: str, token: str, *, deadline: float = 4.5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._deadline = deadline
        self._clock = clock
        self._circuit = Circuit(clock)
        self._turns = Turns()
        self._http = httpx.Client(
            base_url=base_url.rstrip("/") + "/webhooks/hub",
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
            trust_env=False,  # a proxy from the environment has no business between the hub and its bot
        )

    def close(self) -> None:
        """Closes the pooled connections."""
        self._http.close()

    def reply(
        self,
        *,
        conversation_id: str,
        message_id: str,
        text: str,
        channel: str,
        language: str,
        trusted: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> BotReply:
        """The bot's turn; see `hub.ports.Bot.reply`.

        A reply without messages and without a handoff reason means that the bot did not understand. Its `confidence` is
        that of the best intent, or 0 where the bot understood but knows that it has no answer (out of scope, a "yes"
        to nothing).

        Raises:
            BotTimeout: nothing within the deadline, or Rasa gave up the turn at its own.
            BotError: `circuit_open`, `unreachable`, `unauthorized`, `refused`, `failed`, `empty`, `bad_answer`,
                `empty_text`.
        """
        give_up = self._clock() + self._deadline
        cleaned = clean(text)
        if not cleaned:
            raise BotError("empty_text")
        body = {
            "conversation_id": conversation_id,
            "message_id": message_id,
            "text": cleaned,
            "channel": channel,
            "language": language,
            "trusted": trusted,
            "metadata": dict(metadata or {}),
        }
        with self._turns.one_at_a_time(conversation_id, give_up - self._clock()):
            self._ensure_circuit()
            return reply_from(self._post("/reply", body, give_up))

    def told(self, *, conversation_id: str, text: str, author: str) -> None:
        """Writes into the bot's memory what somebody else told the customer; see `hub.ports.Bot.told`."""
        give_up = self._clock() + self._deadline
        cleaned = clean(text)
        if not cleaned:
            return
        body = {"conversation_id": conversation_id, "text": cleaned, "author": author}
        with self._turns.one_at_a_time(conversation_id, give_up - self._clock()):
            self._ensure_circuit()
            self._post("/told", body, give_up)

    def status(self) -> Mapping[str, str]:
        """`state` is `ready` or `down`; with it the model, the action server's state, or the reason."""
        try:
            answer = self._probe()
        except BotError as error:
            return {"state": "down", "reason": error.reason, "circuit": self._circuit.state}
        found = {name: str(answer.get(name, "")) for name in ("model_id", "version", "actions")}
        return {"state": "ready", "circuit": self._circuit.state, **found}

    def _ensure_circuit(self) -> None:
        """Lets the call through, after a probe where the circuit was open long enough; else raises BotError."""
        if self._circuit.admit():
            return
        try:
            self._probe()
        except BotError as error:
            self._circuit.failed()
            raise BotError("circuit_open") from error
        self._circuit.probed()

    def _probe(self) -> Mapping[str, Any]:
        return self._call("GET", "/status", None, self._clock() + CONNECT_TIMEOUT + PROBE_TIMEOUT)

    def _post(self, path: str, body: Mapping[str, Any], give_up: float) -> Mapping[str, Any]:
        """One call that counts for the circuit."""
        try:
            answer = self._call("POST", path, body, give_up)
        except BotError as error:
            # An empty turn or a refused message is the answer of a server that lives.
            if error.reason in ("empty", "refused"):
                self._circuit.succeeded()
            else:
                self._circuit.failed()
            raise
        self._circuit.succeeded()
        return answer

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, give_up: float) -> Mapping[str, Any]:
        try:
            status, content = self._exchange(method, path, body, give_up)
        except httpx.TimeoutException as error:
            raise BotTimeout from error
        except httpx.HTTPError as error:
            raise BotError("unreachable", str(error)) from error
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise BotError("bad_answer", f"status {status}, not JSON") from error
        if not isinstance(answer, dict):
            raise BotError("bad_answer", f"status {status}, not an object")
        if status == 200:
            return answer
        reason = str(answer.get("error", ""))
        if reason == "timeout":
            raise BotTimeout
        raise BotError(_REASONS.get(status, "empty" if reason == "empty" else "failed"), f"status {status}: {reason}")

    def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None, give_up: float) -> tuple[int, bytes]:
        """Status and content of one request. A connection that broke is tried once more: message ids make it safe."""
        for last_try in (False, True):
            wait = give_up - self._clock() - CONNECT_TIMEOUT
            if wait <= 0:
                raise httpx.ReadTimeout("deadline")
            timeout = httpx.Timeout(wait, connect=CONNECT_TIMEOUT)
            try:
                with self._http.stream(method, path, json=body, timeout=timeout) as response:
                    content = b""
                    for part in response.iter_bytes():
                        content += part
                        if self._clock() > give_up:  # httpx counts from byte to byte; the deadline is for the whole
                            raise httpx.ReadTimeout("deadline")
                    return response.status_code, content
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if last_try:
                    raise
        raise AssertionError("unreachable")


_REASONS: Mapping[int, str] = {401: "unauthorized", 413: "refused", 422: "refused"}


def clean(text: str) -> str:
    """The text as Rasa may see it: no control characters, no half surrogate pairs, at most `TEXT_LIMIT` characters."""
    beginning = text[: 2 * TEXT_LIMIT]
    readable = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in beginning)
    return readable.strip()[:TEXT_LIMIT]


def reply_from(answer: Mapping[str, Any]) -> BotReply:
    """The channel's answer (its shape is documented in docs/bot.md) as a value.

    Raises BotError: `empty` when Rasa neither spoke, nor handed over, nor said that it did not understand (that is how
    it looks from outside when an action fails); `bad_answer` when the shape is not ours.
    """
    try:
        fallback = answer["fallback"]
        messages = tuple(
            BotMessage(
                text=_text(message["text"]),
                buttons=tuple(
                    Button(title=_text(button["title"]), payload=_text(button["payload"]))
                    for button in message["buttons"]
                ),
            )
            for message in answer["messages"]
        )
        reply = BotReply(
            messages=messages,
            intent=_text(answer["intent"]),
            confidence=float(answer["confidence"]),
            handoff_reason=_text(answer["handoff_reason"]),
            in_form=bool(answer["in_form"]),
            slots=tuple(sorted((name, _text(value)) for name, value in answer["slots"].items())),
            verified_level=_text(answer["verified_level"]),
            verification_failed=bool(answer["verification_failed"]),
            model_id=_text(answer["model_id"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BotError("bad_answer", f"unexpected shape: {error!r}") from error
    if not (messages or reply.handoff_reason or fallback):
        raise BotError("empty")
    return reply


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    return value


class Circuit:
    """Spares a broken server and the customers who would wait for it.

    Opens at `threshold` failures in a row. After `cool_down` seconds one caller is asked to probe; the others go on
    being turned away. A failure right after a successful probe opens it again at once.
    """

    def __init__(self, clock: Callable[[], float], *, threshold: int = 3, cool_down: float = 10.0) -> None:
        self._clock = clock
        self._threshold = threshold
        self._cool_down = cool_down
        self._lock = threading.Lock()
        self._failures = 0
        self._next_probe = 0.0

    @property
    def state(self) -> str:
        """`closed` or `open`."""
        return "open" if self._failures >= self._threshold else "closed"

    def admit(self) -> bool:
        """True: go on; False: probe first. Raises BotError (`circuit_open`) for everybody else."""
        with self._lock:
            if self._failures < self._threshold:
                return True
            if self._clock() < self._next_probe:
                raise BotError("circuit_open")
            self._next_probe = self._clock() + self._cool_down  # nobody else probes meanwhile
            return False

    def probed(self) -> None:
        with self._lock:
            self._failures = self._threshold - 1

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= self._threshold:
                self._next_probe = self._clock() + self._cool_down


class Turns:
    """One call per conversation at a time: Rasa's own queue for a conversation polls each second.

    The outbox's order keys already see to that between processes; this guards a process against itself.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def one_at_a_time(self, conversation_id: str, wait: float) -> Iterator[None]:
        """Holds the conversation. Raises BotTimeout when it is not free within `wait` seconds."""
        with self._guard:
            lock, users = self._locks.get(conversation_id, (threading.Lock(), 0))
            self._locks[conversation_id] = (lock, users + 1)
        held = False
        try:
            held = lock.acquire(timeout=max(wait, 0))
            if not held:
                raise BotTimeout("an earlier message of the conversation is still being answered")
            yield
        finally:
            if held:
                lock.release()
            with self._guard:
                lock, users = self._locks[conversation_id]
                if users == 1:
                    del self._locks[conversation_id]
                else:
                    self._locks[conversation_id] = (lock, users - 1)
