"""How long `centralita backtest` takes over 10,000 closed conversations, no two of which have the same words.

Their messages are those of the development sets, with a greeting and an order number of their own, so that each has to
be read and searched for; they come in, are handed over, taken and closed by the services.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.harness import ROOT, Context, Figure
from hub import app
from hub.domain import events as e
from hub.domain.messages import Address, Author, InboundMessage, Parsed, WebhookRequest
from hub.services import assignment, bot_turn, demo, inbound, indexing
from hub.settings import from_environment
from hub.store.migrate import migrate_url
from hub.store.queries import demo as demo_queries
from hub.store.unit_of_work import Tx

CONVERSATIONS, WITHIN = 10_000, 300.0  # seconds
_AT_ONCE = 50
GREETINGS = {"en": "Hello,", "es": "Hola,", "pt": "Olá,", "fr": "Bonjour,"}
ORDERS = {"en": "My order is", "es": "Mi pedido es", "pt": "O meu pedido é", "fr": "Ma commande est"}


def run(context: Context) -> dict[str, Figure]:
    """`backtest`: seconds, the loading of the models included."""
    environment = {
        "CENTRALITA_DATA": str(context.folder),
        "CENTRALITA_SECRET_KEY": "a key for benchmarks that is long enough",
        "CENTRALITA_BOT": "absent",
    }
    count = context.scaled(CONVERSATIONS, 20)
    _history(environment, count)
    command = [sys.executable, "-m", "hub", "backtest", "--last", str(count), "--kb", "published", "--json"]
    began = time.perf_counter()
    found = subprocess.run(  # noqa: S603  # our own program
        command, cwd=ROOT, env=environment | {"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    report = json.loads(found.stdout)
    if report["conversations"] != count:
        raise RuntimeError(f"{report['conversations']} conversations were replayed, not {count}")
    runs = [{"conversations": float(count), "messages": float(report["turns"])}]
    return {"backtest": Figure(seconds, "s", seconds <= WITHIN, runs=runs)}


def _history(environment: dict[str, str], count: int) -> None:
    settings = from_environment(environment)
    migrate_url(settings.database_url)
    assembled = app.build(settings)
    hub = assembled.hub
    try:
        demo.seed(hub.store, "http://127.0.0.1:8000")
        if hub.knowledge is None:
            raise RuntimeError("there is no knowledge base to search")
        hub.knowledge.warm()
        indexing.index_missing(hub)
        inbox = next(each for each in hub.inboxes.every() if each.channel == "webchat")
        asked = _asked()

        def come(tx: Tx, numbers: range) -> None:
            agent_id = demo_queries.agent_with_email(tx.connection, "ben@demo.example")
            for number in numbers:
                text, locale = asked[number % len(asked)]
                message = InboundMessage(
                    external_id=f"bench:{number}",
                    address=Address("webchat", f"visitor-{number}", inbox.id, f"Customer {number}"),
                    text=f"{GREETINGS[locale]} {text} {ORDERS[locale]} A{200_000 + number}.",
                    language=locale,
                )
                (received,) = inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "bench"))
                event = next(each.event for each in reversed(tx.recorded) if isinstance(each.event, e.MessageReceived))
                conversation = tx.conversation(received.conversation_id)
                turn = bot_turn.Asked(conversation, inbox, event, message.text, "", "", said_enough=False)
                bot_turn.without_bot(tx, turn, None)
                assignment.take(tx, received.conversation_id, agent_id)
                assignment.resolve(tx, received.conversation_id, e.Actor(Author.AGENT, agent_id))

        for begin in range(0, count, _AT_ONCE):
            hub.store.write(lambda tx, begin=begin: come(tx, range(begin, min(count, begin + _AT_ONCE))))
    finally:
        assembled.stop()


def _asked() -> list[tuple[str, str]]:
    tests = Path(ROOT) / "tests" / "kb"
    found: list[tuple[str, str]] = []
    for file in (tests / "support_faq_queries.jsonl", *sorted(tests.glob("data/*/queries.jsonl"))):
        lines = file.read_text(encoding="utf-8").splitlines()
        found += [(row["text"], row["locale"]) for row in map(json.loads, lines) if row["locale"] in GREETINGS]
    return found
