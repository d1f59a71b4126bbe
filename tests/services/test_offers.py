"""Three bands by an inbox's target precision: answer, offer choices, hand over; and the choice that is picked."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import update

from hub.domain.knowledge import Passage
from hub.services import article_figures
from hub.store import tables as t
from hub.store.queries import article_checks
from tests.fixtures_hub import PAPER, World

# The words are the fake knowledge base's: it counts those in common, and knows no precision of its own.
HOURS = Passage("hours", 3, "en", 0, "When are you open?", "We are open from nine to five.", "words", b"")
HOLIDAYS = Passage("holidays", 1, "en", 0, "Are you open on holidays?", "No, we are closed.", "words", b"")


def sent(world: World) -> list[dict[str, Any]]:
    with world.store.read() as connection:
        m = t.message.c
        rows = connection.execute(t.message.select().where(m.kind == "outgoing").order_by(m.event_id))
        return [json.loads(row.extras or "{}") | {"id": row.id, "text": row.text} for row in rows]


def aims(world: World, target: float) -> None:
    """An inbox with this target precision, and two published articles."""
    rules = json.dumps({"rules": {"thresholds": {"target_precision": target}}})

    def write(tx: Any) -> None:
        tx.connection.execute(update(t.inbox).where(t.inbox.c.id == PAPER).values(settings=rules))

    world.store.write(write)
    for passage in (HOURS, HOLIDAYS):
        world.publish(passage)
    world.hub.inboxes.forget()


def test_an_unsure_question_is_answered_by_the_choice_that_is_picked(world: World) -> None:
    aims(world, 0.95)
    world.say("open when")
    world.run()
    (offer,) = sent(world)
    titles = [HOURS.title, HOLIDAYS.title, "Talk to a person"]
    assert [button["title"] for button in offer["buttons"]] == titles
    pressed = offer["buttons"][1]
    world.say(pressed["title"], payload=pressed["payload"], reply_to=offer["id"])
    world.run()
    answer = sent(world)[-1]
    assert answer["text"] == HOLIDAYS.text
    assert (answer["citation"]["article_id"], answer["citation"]["version"]) == ("holidays", 1)
    assert "/article holidays" not in [text for _, text in world.bot.turns], "that is ours, not the bot's"
    article_figures.follow(world.hub)
    with world.store.read() as connection:
        figures = article_checks.figures(connection, 0)
    assert figures["holidays", "en"] == article_checks.Figures(shown=1, offered=1, picked=1)
    assert figures["hours", "en"] == article_checks.Figures(offered=1)


def test_words_that_look_like_a_choice_are_words(world: World) -> None:
    aims(world, 0.95)
    world.say("/article holidays")
    world.run()
    world.say("closed?", payload="/article holidays", reply_to="")
    world.run()
    assert not [each for each in sent(world) if "citation" in each]


def test_a_choice_that_is_gone_is_asked_for_by_its_title(world: World) -> None:
    aims(world, 0.95)
    world.say("open when")
    world.run()
    (offer,) = sent(world)
    world.knowledge.replace("holidays", ())
    pressed = offer["buttons"][1]
    world.say(pressed["title"], payload=pressed["payload"], reply_to=offer["id"])
    world.run()
    assert world.bot.turns[-1][1] == HOLIDAYS.title
    assert not [each for each in sent(world) if each.get("citation", {}).get("article_id") == "holidays"]
