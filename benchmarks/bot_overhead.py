"""What the hub adds to a turn of the bot: from the customer's message to the answer at the widget, against Rasa alone.

A visitor has an open web socket and sends greetings, of which the bot is sure; the time ends when the bot's entry comes
over the socket. Rasa is asked the same directly, in turns, visitor by visitor: its time grows with a conversation's
history, so both sides take a new conversation after as many messages. Before each message the machine rests, on both
sides, so that no message pays for what follows from the one before (delivery, feed).
"""

from __future__ import annotations

import json
import queue
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import socketio

from benchmarks.harness import ROOT, Context, Figure, free_port, hub, median, percentile
from benchmarks.yardsticks.rasa import Rasa
from bot.server import RasaServer, find_environment, train

MESSAGES = 100
PER_VISITOR = 5
MOST_MS = 15.0
GREETING = "hello"
SURE = 0.65  # as the hub's own threshold for an intent
REST = 0.1  # seconds
PATIENCE = 20.0  # seconds
WARM_UP = 180.0  # seconds


def run(context: Context) -> dict[str, Figure]:
    """Raises FileNotFoundError without Rasa's environment; ValueError when the bot did not answer as it does alone."""
    port, hub_token = free_port(), secrets.token_urlsafe(32)
    folder = context.folder / "hub"
    folder.mkdir()
    rasa = server(context, f"http://127.0.0.1:{port}", hub_token)
    try:
        rasa.start()
        rasa.wait_ready()
        settings = {
            "CENTRALITA_KNOWLEDGE": "auto",
            "CENTRALITA_BOT": "auto",
            "CENTRALITA_RASA_URL": rasa.url,
            "CENTRALITA_RASA_TOKEN": rasa.token,
            "CENTRALITA_BOT_TOKEN": hub_token,
        }
        with hub(folder, port=port, **settings) as (address, _), Rasa(rasa.url, rasa.token) as alone:
            wait_until_well(address)
            turns(address, alone, 0)  # whatever is loaded or learned with the first of all is nobody's overhead
            runs = [turns(address, alone, number) for number in range(1, 1 + context.scaled(MESSAGES // PER_VISITOR))]
    finally:
        rasa.stop()
    ours, bare = ([each for one in runs for each in one[side]] for side in (0, 1))
    yardstick = median(bare)
    overhead = median(ours) - yardstick
    summary = {
        "messages": float(len(ours)),
        "widget_p50_ms": round(median(ours), 2),
        "widget_p95_ms": round(percentile(ours, 0.95), 2),
        "rasa_p50_ms": round(yardstick, 2),
        "rasa_p95_ms": round(percentile(bare, 0.95), 2),
    }
    return {"bot_overhead": Figure(overhead, "ms", overhead <= MOST_MS, yardstick, overhead / yardstick, [summary])}


def server(context: Context, hub_url: str, hub_token: str) -> RasaServer:
    """The real Rasa with the project's model, trained where the project has changed since; not started yet."""
    python = find_environment(ROOT)
    if python is None:
        raise FileNotFoundError("there is no environment for Rasa: make .venv-rasa or set CENTRALITA_RASA_ENV")
    return RasaServer(
        python=python,
        model=train(python, log=context.folder / "train.log"),
        runtime=context.folder / "rasa",
        hub_url=hub_url,
        hub_token=hub_token,
    )


def wait_until_well(address: str) -> None:
    """Until the knowledge base's models are loaded and the bot answers. Raises TimeoutError."""
    deadline = time.monotonic() + WARM_UP
    while True:
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:  # noqa: S310  # loopback
            health = json.loads(answer.read())
        if health["state"] == "ok":
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the hub is not well after {WARM_UP:.0f} s: {health}")
        time.sleep(0.2)


def turns(address: str, alone: Rasa, number: int) -> tuple[list[float], list[float]]:
    """A new conversation on either side: milliseconds of each turn at the widget, and of each that Rasa took alone.

    Raises ValueError when an answer is not the bot's own to a greeting.
    """
    ours: list[float] = []
    bare: list[float] = []
    said: set[str] = set()
    heard: set[str] = set()
    with Visitor.visiting(address) as visitor:
        for count in range(PER_VISITOR):
            time.sleep(REST)
            took, text = visitor.ask(f"greeting-{count}", GREETING)
            ours.append(took)
            heard.add(text)
    for count in range(PER_VISITOR):
        time.sleep(REST)
        took, answer = alone.ask(f"alone-{number}", f"alone-{number}-{count}", GREETING)
        if answer["intent"] != "greet" or answer["confidence"] < SURE:
            raise ValueError(f"Rasa is not sure of the greeting: {answer['intent']} {answer['confidence']:.2f}")
        bare.append(took)
        said.update(message["text"] for message in answer["messages"])
    if not heard <= said:
        raise ValueError(f"at the widget came {heard - said}, which Rasa alone does not say")
    return ours, bare


class Visitor:
    """A customer with the chat open: HTTP to speak, a web socket to hear."""

    def __init__(self, http: httpx.Client, socket: socketio.Client) -> None:
        self._http = http
        self._heard: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()
        # The time is taken by the thread that reads the socket, before anything is looked at.
        socket.on("events", lambda push: self._heard.put((time.perf_counter(), push)), namespace="/widget")

    @classmethod
    @contextmanager
    def visiting(cls, address: str) -> Iterator[Visitor]:
        socket = socketio.Client(reconnection=False)
        with httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as http:
            visitor = cls(http, socket)
            visit = http.post("/widget/v1/session", json={"inbox": "demo", "origin": address, "language": "en"})
            tokens = visit.raise_for_status().json()
            http.headers["Authorization"] = f"Bearer {tokens['visitor_token']}"
            socket.connect(
                address,
                transports=["websocket"],
                namespaces=["/widget"],
                auth={"token": tokens["socket_token"]},
                wait_timeout=PATIENCE,
            )
            try:
                yield visitor
            finally:
                socket.disconnect()

    def ask(self, client_id: str, text: str) -> tuple[float, str]:
        """Says something: milliseconds until the bot's answer came, and its text. Raises queue.Empty when none does."""
        while not self._heard.empty():
            self._heard.get()
        began = time.perf_counter()
        self._http.post("/widget/v1/messages", json={"client_id": client_id, "text": text}).raise_for_status()
        while True:
            at, push = self._heard.get(timeout=PATIENCE)
            for entry in push["entries"]:
                message = entry.get("message")
                if message and message["sender"] == "bot":
                    return (at - began) * 1000, str(message["text"])


if __name__ == "__main__":
    raise SystemExit("run it by `make bench KEYS=bot_overhead`")
