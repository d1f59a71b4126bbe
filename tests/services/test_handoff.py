"""From the bot to a person, with what that person needs."""

from __future__ import annotations

import pytest

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.errors import Conflict
from hub.domain.handoff import Packet
from hub.domain.messages import Author
from hub.services import articles, assignment, handoff
from hub.store import tables as t
from tests.fixtures_hub import ANA, SECOND_TEAM, TEAM, World

BY = e.Actor(Author.AGENT, ANA)
TRIED = (
    e.TriedAnswer("bot", "refund", 0.41, given=False),
    e.TriedAnswer("knowledge_base", "Refunds", 0.55, False, "refunds", 1, "en"),
    e.TriedAnswer("knowledge_base", "Gone", 0.3, False, "gone", 7, "en"),
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
    for body in ("Within 14 days.", "Within 30 days."):
        world.store.write(
            lambda tx, body=body: articles.import_published(
                tx, "refunds", locale="en", title="Refunds", body=body, by=e.SYSTEM
            )
        )
    world.say("can I have my money back")
    found = handed(world, tried=TRIED)
    assert found is not None
    (suggested,) = found.suggested
    assert (suggested.article_id, suggested.version, suggested.locale) == ("refunds", 1, "en")
    assert (suggested.title, suggested.passage, suggested.confidence) == ("Refunds", "Within 14 days.", 0.55)
    assert found.tried == TRIED


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
