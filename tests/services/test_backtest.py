"""Backtests: what was decided then is decided again from the log; what is changed changes what it should, and nothing
is written."""

from __future__ import annotations

import pytest

from hub.domain.errors import Refused
from hub.domain.events import Actor
from hub.domain.knowledge import ArticleText
from hub.domain.messages import Author
from hub.services import assignment, backtest, replies
from hub.store import tables as t
from tests.fixtures_hub import ANA, World

RETURNS = ArticleText("returns", 1, "en", "How do I return a parcel", "Print the label and send the parcel back to us.")


def closed(world: World, question: str, sender: str) -> str:
    """A conversation that bot or person ended."""
    conversation_id = world.say(question, sender=sender).conversation_id
    world.run()
    if world.conversation(conversation_id).status == "bot":
        world.say("still: " + question, sender=sender)
        world.run()
    if world.conversation(conversation_id).status == "waiting":
        world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
        world.clock.pass_time(4 * 60_000_000)
        world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "Print the label.", f"c-{sender}"))
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, Actor(Author.AGENT, ANA)))
    return conversation_id


def everything(world: World) -> list[list[tuple[object, ...]]]:
    with world.store.read() as connection:
        return [[tuple(row) for row in connection.execute(table.select())] for table in t.metadata.sorted_tables]


def test_unchanged_rules_decide_as_they_did_and_nothing_is_written(world: World) -> None:
    closed(world, "how do i return a parcel", "a")
    closed(world, "hello", "b")
    closed(world, "i want a person", "c")
    before = everything(world)
    report = backtest.run(world.hub, backtest.asked(10, "then", {}, {}))
    assert report.conversations == 3
    assert report.changed == ()
    assert report.figures["answered"].difference.value == 0
    assert everything(world) == before


def test_a_new_article_answers_what_a_person_had_to(world: World) -> None:
    conversation_id = closed(world, "how do i return a parcel", "a")
    wanted = backtest.Asked(10, "published", texts=(RETURNS,))
    report = backtest.run(world.hub, wanted)
    (changed,) = report.changed
    assert changed.what == "newly_answered"
    assert changed.conversation_id == conversation_id
    assert changed.after.said == "article:returns"
    assert changed.before.handled == 4 * 60_000_000 + changed.before.handled % 1000
    assert 0 < changed.after.confidence <= 1
    assert changed.after.handled == (1 - changed.after.confidence) * changed.before.handled
    figures = report.figures
    assert figures["answered"].after.value == 1
    assert figures["handed_over"].difference.value == -1
    assert figures["minutes"].difference.value < 0
    assert "newly answered: 1" in backtest.as_text(report)
    strict = backtest.run(world.hub, backtest.Asked(10, "published", {"knowledge": 1.0}, texts=(RETURNS,)))
    assert all(each.after.confidence >= 1 for each in strict.changed)


def test_a_stricter_policy_hands_over_at_the_first_miss(world: World) -> None:
    closed(world, "how do i return a parcel", "a")
    patient = world.say("what", sender="b").conversation_id
    world.run()
    world.say("hello", sender="b")
    world.run()
    world.store.write(lambda tx: assignment.resolve(tx, patient, Actor(Author.AGENT, ANA)))
    report = backtest.run(world.hub, backtest.asked(10, "then", {}, {"misses": 1}))
    (changed,) = report.changed
    assert (changed.conversation_id, changed.what) == (patient, "newly_handed_over")
    assert changed.question == "what"
    assert changed.after.handled >= 4 * 60_000_000, "as long as those that were handed over"
    assert report.figures["handed_over"].difference.value == 0.5


def test_what_cannot_be_tried_is_refused() -> None:
    for field, given in {
        "last": (0, "then", {}, {}),
        "articles": (1, "tomorrow", {}, {}),
        "threshold": (1, "then", {"certainty": 0.5}, {}),
        "policy": (1, "then", {}, {"misses": 0}),
    }.items():
        with pytest.raises(Refused) as refused:
            backtest.asked(*given)  # type: ignore[arg-type]  # each is one row of its arguments
        assert refused.value.field == field
