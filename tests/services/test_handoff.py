"""From the bot to a person, with what that person needs."""

from __future__ import annotations

import pytest

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.errors import Conflict
from hub.domain.handoff import MOST_TRIED, Packet
from hub.domain.messages import Author
from hub.services import articles, assignment, handoff
from hub.store import tables as t
from tests.fixtures_hub import ANA, SECOND_TEAM, TEAM, World

BY = e.Actor(Author.AGENT, ANA)
BOT_UNSURE = e.TriedAnswer("bot", "refund", 0.41, given=False)


def found(article_id: str, score: float, *, version: int = 1, given: bool = False) -> e.TriedAnswer:
    """What the knowledge base considered."""
    return e.TriedAnswer("knowledge_base", article_id.title(), score, given, article_id, version, "en")


def bot_turn(world: World, *tried: e.TriedAnswer) -> None:
    """A turn in which these answers were considered."""
    decided = e.BotTurnDecided(world.received[-1].message_id, "clarify", "", "", 0, 0, 1, tried, "", "", "")
    world.store.write(lambda tx: tx.record(world.received[-1].conversation_id, decided, e.BOT))


def publish(world: World, article_id: str, *bodies: str) -> None:
    """An article in as many versions."""
    for body in bodies:
        world.store.write(
            lambda tx, body=body: articles.import_published(
                tx, article_id, locale="en", title=article_id.title(), body=body, by=e.SYSTEM
            )
        )


def handed(world: World, **options: object) -> Packet | None:
    conversation_id = world.received[-1].conversation_id
    given: dict[str, object] = {"reason": "not_understood", "open_question": world.received[-1].message_id} | options
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, **given))  # type: ignore[arg-type]
    return packet(world)


def packet(world: World) -> Packet | None:
    with world.store.read() as connection:
        return handoff.packet(connection, world.conversation())


def test_the_packet_suggests_the_articles_that_were_tried_in_the_versions_that_were(world: World) -> None:
    publish(world, "refunds", "Within 14 days.", "Within 30 days.")
    world.say("can I have my money back")
    tried = (BOT_UNSURE, found("refunds", 0.55), found("gone", 0.3, version=7))
    bot_turn(world, *tried)
    packet_ = handed(world)
    assert packet_ is not None
    (suggested,) = packet_.suggested
    assert (suggested.article_id, suggested.version, suggested.locale) == ("refunds", 1, "en")
    assert (suggested.title, suggested.passage, suggested.confidence) == ("Refunds", "Within 14 days.", 0.55)
    assert packet_.tried == tried


def test_the_packet_tells_of_every_turn_since_the_bot_has_had_it(world: World) -> None:
    conversation_id = world.say("can I have my money back").conversation_id
    bot_turn(world, found("hours", 0.9, given=True))
    handed(world)
    world.store.write(lambda tx: assignment.hand_back(tx, conversation_id, BY))
    turns = (
        (BOT_UNSURE, found("refunds", 0.7, given=True), found("delivery", 0.2), found("nonsense", 0.04)),
        (BOT_UNSURE, found("delivery", 0.3), found("returns", 0.6)),
        (found("hours", 0.1), found("refunds", 0.5), found("wood", 0.09), found("delivery", 0.25)),
    )
    for each in turns:
        bot_turn(world, *each)
    for article_id in ("hours", "refunds", "delivery", "returns", "wood", "nonsense"):
        publish(world, article_id, "Text.")
    packet_ = handed(world)
    assert packet_ is not None
    assert packet_.tried == (*turns[0][:3], *turns[1], *turns[2]), "in order, but for what nobody would call found"
    assert [(each.article_id, each.confidence) for each in packet_.suggested] == [
        ("returns", 0.6),
        ("delivery", 0.3),
        ("hours", 0.1),
    ], "the best first, each once, and not what the customer was given"


def test_a_long_talk_with_the_bot_is_told_by_its_end(world: World) -> None:
    world.say("hello")
    for number in range(MOST_TRIED + 3):
        bot_turn(world, e.TriedAnswer("bot", f"intent-{number}", 0.9, given=True))
    packet_ = handed(world)
    assert packet_ is not None
    assert [each.label for each in packet_.tried] == [f"intent-{number}" for number in range(3, MOST_TRIED + 3)]


def test_the_packet_waits_with_the_conversation_and_stays_with_it(world: World) -> None:
    world.say("hello")
    assert packet(world) is None, "it is the bot's"
    found = handed(world)
    assert found is not None
    assert found.handed_over_at == found.waiting_since > 0
    assert found.open_question == (world.received[-1].message_id, "hello")
    conversation_id = world.received[-1].conversation_id
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, SECOND_TEAM, BY, "a note"))
    later = packet(world)
    assert later is not None
    assert (later.reason, later.handed_over_at) == ("not_understood", found.handed_over_at)
    assert later.waiting_since > found.waiting_since
    assert later.transcript_messages == 2, "the message and the hub's word on the queue; notes are no transcript"
    world.store.write(lambda tx: assignment.hand_back(tx, conversation_id, BY))
    assert packet(world) is None


def test_what_people_had_without_the_bots_doing_has_no_packet(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, SECOND_TEAM, BY))
    assert world.conversation().status == Status.WAITING
    assert packet(world) is None


def test_a_question_whose_text_was_erased_is_no_longer_told(world: World) -> None:
    world.say("my secret")
    handed(world)
    world.store.write(lambda tx: tx.remove(t.message, {"id": world.received[-1].message_id}))
    found = packet(world)
    assert found is not None
    assert found.open_question is None


def test_only_what_the_bot_has_is_handed_over_and_once(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    handed(world)
    with pytest.raises(Conflict, match="cannot hand over a conversation that is waiting"):
        handed(world)
    assert world.kinds().count("HandedOver") == 1
    assert world.conversation(conversation_id).team_id == TEAM


@pytest.mark.parametrize(("language", "words"), [("en", "You are next in the queue"), ("es", "Es usted el siguiente")])
def test_the_customer_hears_of_it_from_the_hub_itself(world: World, language: str, words: str) -> None:
    world.say("hello", language=language)
    handed(world)
    author, said, _ = world.thread()[-1]
    assert author == Author.SYSTEM
    assert words in said
    assert world.conversation().unread == 1, "the customer's message still waits to be read"
