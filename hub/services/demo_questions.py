"""What the demo firm's customers asked in the last weeks and only people could answer; gaps and lessons come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from hub.domain import events as e
from hub.domain.inbox import Inbox
from hub.domain.messages import Address, Author, InboundMessage, Parsed, WebhookRequest
from hub.services import assignment, bot_turn, inbound, lessons, replies, tasks
from hub.store.queries import demo
from hub.store.unit_of_work import Tx

_MINUTE = 60_000_000
_DAY = 24 * 60 * _MINUTE


def asked() -> list[dict[str, Any]]:
    """Each question with who asked it, who answered, and what was learned, the oldest first."""
    topics = json.loads((files("hub") / "seed" / "questions.json").read_text(encoding="utf-8"))
    return sorted((each for topic in topics for each in topic["asked"]), key=lambda each: -int(each["days"]))


def weeks_behind(tx: Tx, inbox: Inbox) -> None:
    """Their conversations, on the days when they were, and what agents taught by them."""
    now = tx.now
    for number, each in enumerate(asked()):
        at = now - each["days"] * _DAY + number * 7 * _MINUTE
        with _at(tx, at):
            agent_id = demo.agent_with_email(tx.connection, each["agent"])
            message = InboundMessage(
                external_id=f"demo:asked:{number}",
                address=Address(inbox.channel, f"demo-visitor-asked-{number}", inbox.id, each["name"]),
                text=each["text"],
                language=each["locale"],
            )
            (received,) = inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "demo"))
            conversation_id = received.conversation_id
            _nobody_knows(tx, inbox, conversation_id, each["text"])
        with _at(tx, at + 2 * _MINUTE):
            assignment.take(tx, conversation_id, agent_id)
        with _at(tx, at + (2 + each["minutes"]) * _MINUTE):
            replies.reply(tx, conversation_id, agent_id, each["answer"], f"demo-asked-{number}")
            assignment.resolve(tx, conversation_id, e.Actor(Author.AGENT, agent_id))
            if lesson := each.get("lesson"):
                lessons.propose(
                    tx,
                    conversation_id,
                    received.message_id,
                    article_id=lesson.get("article", ""),
                    locale=each["locale"],
                    answer=lesson.get("answer", ""),
                    by=e.Actor(Author.AGENT, agent_id),
                )
    # Grouped as soon as the models are there.
    tasks.ask(tx, "gaps", {}, e.Actor(Author.AGENT, demo.agent_with_email(tx.connection, "emma@demo.example")))


def _nobody_knows(tx: Tx, inbox: Inbox, conversation_id: str, text: str) -> None:
    """The bot's turn where neither bot nor articles have anything to say."""
    received = next(each.event for each in reversed(tx.recorded) if isinstance(each.event, e.MessageReceived))
    turn = bot_turn.Asked(tx.conversation(conversation_id), inbox, received, text, "", "", said_enough=False)
    bot_turn.without_bot(tx, turn, None)


@contextmanager
def _at(tx: Tx, at: int) -> Iterator[None]:
    """Lets the transaction be at another time."""
    now, tx.now = tx.now, at
    try:
        yield
    finally:
        tx.now = now
