"""The path of a customer's message: one queue, bot, knowledge base, person."""

from __future__ import annotations

from hub.domain.conversation import Status
from hub.domain.knowledge import Passage
from tests.fixtures_hub import World


def test_the_bot_greets_and_its_answer_is_sent(world: World) -> None:
    world.say("hello")
    world.run()
    assert world.thread() == [
        ("contact", "hello", "delivered"),
        ("bot", "Hello! How can I help?", "sent"),
    ]
    assert world.conversation().status == Status.BOT
    assert [m.text for m in world.paper.sent] == ["Hello! How can I help?"]


def test_the_knowledge_base_answers_with_its_source(world: World) -> None:
    world.publish(Passage("hours", 3, "en", 0, "When are you open?", "We are open from nine to five.", "words", b""))
    world.say("when are you open")
    world.run()
    assert [text for _, text, _ in world.thread()][1] == "We are open from nine to five."
    assert world.conversation().status == Status.BOT


def test_two_misses_hand_over_with_context(world: World) -> None:
    world.say("qwxz")
    world.run()
    world.say("qwxz again")
    world.run()
    conversation = world.conversation()
    assert conversation.status == Status.WAITING
    assert world.kinds().count("HandedOver") == 1
    assert "next in the queue" in world.thread()[-1][1]
