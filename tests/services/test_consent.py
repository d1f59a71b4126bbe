"""Whether a customer wants to be written to: heard, kept, obeyed by every sender, lifted."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.conversation import Status
from hub.domain.errors import ChannelError, Conflict, DoNotContact, NotFound, Refused
from hub.domain.events import Actor
from hub.domain.inbox import HOUR
from hub.domain.messages import (
    Address,
    Author,
    Consent,
    ConsentWord,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    Parsed,
    WebhookRequest,
)
from hub.domain.rendering import phrase
from hub.services import assignment, consent, delivery, inbound, merging, replies
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import contacts as contact_queries
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, TEAM, World

NUMBER = "+14155550123"
BY_ANA = Actor(Author.AGENT, ANA)
TEXTS, CALLS = "inbox-sms", "inbox-voice"


@pytest.fixture
def world(world: World) -> World:
    """Two inboxes whose addresses are telephone numbers."""

    def add(tx: Tx) -> None:
        for inbox_id, channel in ((TEXTS, "sms"), (CALLS, "voice")):
            values = {"id": inbox_id, "key": f"key-{channel}", "name": "Bright Shop", "channel": channel}
            tx.add(t.inbox, values | {"team_id": TEAM})

    world.store.write(add)
    channels: Any = world.hub.channel_of
    channels._makers = dict.fromkeys(("sms", "voice", "paper"), lambda _: world.paper)
    return world


def hear(
    world: World,
    word: str,
    *,
    language: str = "en",
    inbox_id: str = TEXTS,
    number: str = NUMBER,
    answered: bool = False,
) -> str:
    """A customer's text; `stop`, `start` and `help` are consent words. Returns its conversation."""
    inbox = world.inbox(inbox_id)
    said = Consent(ConsentWord(word), answered) if word in ("stop", "start", "help") else None
    address = Address(inbox.channel, number, "", "Carla")
    message = InboundMessage(f"x-{world.clock.now()}", address, word, language=language, consent=said)
    request = WebhookRequest("POST", "https://hub.example/webhooks/sms")
    (received,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    world.received.append(received)
    world.clock.pass_time(1_000_000)
    return received.conversation_id


def identity(world: World, channel: str = "sms") -> contact_queries.Identity:
    with world.store.read() as connection:
        contact = contact_queries.get(connection, world.conversation().contact_id)
    return next(each for each in contact.identities if each.channel == channel)


def forbidden(world: World) -> str:
    """How it came that nobody may write to the number; empty where somebody may."""
    found = identity(world).prohibition
    return found.how if found else ""


def answer(world: World, conversation_id: str, text: str = "an answer") -> str:
    return world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, text, f"c-{world.clock.now()}"))


def told(world: World) -> list[str]:
    return [sent.text for sent in world.paper.sent]


def agree(world: World) -> bool:
    with world.store.read() as connection:
        return replay.check(connection).differences == []


def test_a_stop_is_kept_confirmed_once_and_makes_no_work(world: World) -> None:
    conversation_id = hear(world, "stop")
    world.run()
    assert forbidden(world) == "keyword"
    assert told(world) == [phrase("consent_stop", "en")]
    assert (world.conversation().status, world.bot.asked) == (Status.RESOLVED, 0)
    assert world.thread() == [("contact", "stop", "delivered"), ("system", phrase("consent_stop", "en"), "sent")]
    assert "ConsentWithdrawn" in world.kinds()
    assert world.count(t.outbox) == 1, "the confirmation: nothing for the bot"
    for _ in range(3):
        assert hear(world, "stop") == conversation_id
    world.run()
    assert len(told(world)) == 1
    assert world.kinds().count("ConsentWithdrawn") == 1
    assert world.conversation().status == Status.RESOLVED
    assert agree(world)


def test_a_stop_in_an_open_conversation_leaves_it_where_it_is(world: World) -> None:
    conversation_id = hear(world, "a person please")
    world.run()
    assert world.conversation().status == Status.WAITING
    assert hear(world, "stop") == conversation_id
    world.run()
    assert world.conversation().status == Status.WAITING


def test_a_stop_does_not_wake_what_sleeps(world: World) -> None:
    conversation_id = hear(world, "a person please")
    world.run()
    until = world.clock.now() + HOUR
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.snooze(tx, conversation_id, until, BY_ANA))
    hear(world, "stop")
    assert world.conversation(conversation_id).status == Status.SNOOZED


@pytest.mark.parametrize(("language", "word"), [("es", "BAJA"), ("en", "STOP"), ("fr", "STOP")])
def test_the_confirmation_speaks_the_customers_language_or_english(world: World, language: str, word: str) -> None:
    hear(world, "start", language=language)
    world.run()
    assert word in told(world)[0]


def test_what_the_provider_has_answered_is_not_answered_again(world: World) -> None:
    for word in ("stop", "start", "help"):
        hear(world, word, answered=True)
        world.run()
        assert told(world) == []
        assert forbidden(world) == ("keyword" if word == "stop" else "")


def test_help_is_answered_with_the_inboxs_text(world: World) -> None:
    hear(world, "help")
    world.run()
    assert told(world) == [phrase("consent_help", "en", inbox="Bright Shop")]
    settings = '{"help_text": {"es": "Llame al 900 100 200."}}'
    world.store.write(lambda tx: tx.change(t.inbox, {"id": TEXTS}, {"settings": settings}))
    hear(world, "help", language="es")
    hear(world, "help", language="en")
    world.run()
    assert told(world)[1:] == ["Llame al 900 100 200.", phrase("consent_help", "en", inbox="Bright Shop")]
    assert world.bot.asked == 0


def test_an_agents_answer_is_refused_with_a_reason_of_its_own(world: World) -> None:
    conversation_id = hear(world, "hello")
    hear(world, "stop")
    with pytest.raises(DoNotContact) as raised:
        answer(world, conversation_id)
    assert isinstance(raised.value, Conflict)
    assert raised.value.error_id == "do_not_contact"
    assert [author for author, *_ in world.thread()].count("agent") == 0


@pytest.mark.parametrize("author", [Author.BOT, Author.SYSTEM, Author.AGENT])
def test_what_was_on_its_way_stays_here_whoever_wrote_it(world: World, author: Author) -> None:
    conversation_id = hear(world, "hello")
    world.nudger.take()
    world.store.write(lambda tx: replies.send(tx, conversation_id, "too late", Actor(author, ANA)))
    hear(world, "stop")
    world.run()
    assert told(world) == [phrase("consent_stop", "en")]
    rows = [row for row in _messages(world) if row.text == "too late"]
    assert [(row.state, row.error_code) for row in rows] == [("failed", "do_not_contact")]
    assert agree(world)


def _messages(world: World) -> list[Any]:
    with world.store.read() as connection:
        return list(connection.execute(t.message.select()).all())


def test_the_bots_answer_to_what_came_before_stays_here(world: World) -> None:
    hear(world, "hello")
    hear(world, "stop")
    world.run()
    assert world.bot.asked == 1
    assert told(world) == [phrase("consent_stop", "en")]


def test_a_number_is_forbidden_in_every_channel_that_uses_it(world: World) -> None:
    by_voice = hear(world, "hello", inbox_id=CALLS)
    hear(world, "stop", inbox_id=TEXTS)
    with pytest.raises(DoNotContact):
        answer(world, by_voice)
    paper = world.say("hello", sender=NUMBER).conversation_id
    answer(world, paper, "another kind of address")
    world.run()
    assert "another kind of address" in told(world)


def test_start_lifts_and_confirms(world: World) -> None:
    conversation_id = hear(world, "hello")
    hear(world, "stop")
    hear(world, "start")
    assert forbidden(world) == ""
    answer(world, conversation_id)
    world.run()
    assert told(world)[-2:] == [phrase("consent_start", "en"), "an answer"]
    assert world.kinds().count("ConsentGiven") == 1
    assert agree(world)


def test_a_providers_refusal_puts_the_number_on_the_list(world: World) -> None:
    conversation_id = hear(world, "hello")
    world.run()
    world.paper.errors = [ChannelError("21610", "unsubscribed recipient", permanent=True, opted_out=True)]
    answer(world, conversation_id)
    world.run()
    assert forbidden(world) == "provider"
    assert world.thread()[-1][2] == "failed"
    assert _messages(world)[-1].error_code == "21610"
    with pytest.raises(DoNotContact):
        answer(world, conversation_id)
    assert agree(world)


def test_a_providers_later_report_puts_the_number_on_the_list(world: World) -> None:
    conversation_id = hear(world, "hello")
    world.run()
    message_id = answer(world, conversation_id)
    world.run()
    update = DeliveryUpdate(Delivery.FAILED, message_id=message_id, error_code="21610", opted_out=True)
    inbox_id = _messages(world)[-1].inbox_id
    assert [world.store.write(lambda tx: delivery.report(tx, inbox_id, update)) for _ in range(2)] == [True, False]
    assert forbidden(world) == "provider"
    with pytest.raises(DoNotContact):
        answer(world, conversation_id)
    assert agree(world)


def test_an_agent_forbids_and_lifts_with_a_reason(world: World) -> None:
    conversation_id = hear(world, "hello")
    known = identity(world).id

    def decide(wish: bool, reason: str = "asked on the phone") -> None:
        world.store.write(lambda tx: consent.decide(tx, conversation_id, known, wish, reason, BY_ANA))

    decide(True)
    decide(True, "said it twice")
    assert forbidden(world) == "agent"
    decide(False, "asked to be called back")
    decide(False, "said it twice")
    assert forbidden(world) == ""
    notes = [text for author, text, _ in world.thread() if author == "agent"]
    assert notes == ["asked on the phone", "asked to be called back"]
    assert world.kinds().count("ConsentWithdrawn") == world.kinds().count("ConsentGiven") == 1
    with pytest.raises(Refused):
        decide(True, "  ")
    assert agree(world)


def test_an_agent_decides_about_this_customer_alone(world: World) -> None:
    mine = hear(world, "hello")
    hear(world, "hello", number="+14155550199")
    other = identity(world).id
    with pytest.raises(Refused):
        world.store.write(lambda tx: consent.decide(tx, mine, other, True, "why", BY_ANA))
    with pytest.raises(NotFound):
        world.store.write(lambda tx: consent.decide(tx, mine, "nobody", True, "why", BY_ANA))


def test_a_merged_conversation_is_no_place_to_decide(world: World) -> None:
    first = hear(world, "hello")
    world.store.write(lambda tx: assignment.resolve(tx, first, BY_ANA))
    world.clock.pass_time(30 * 24 * HOUR)
    second = hear(world, "hello")
    known = identity(world).id
    world.store.write(lambda tx: merging.merge(tx, first, second, BY_ANA))
    with pytest.raises(Conflict):
        world.store.write(lambda tx: consent.decide(tx, first, known, True, "why", BY_ANA))


def test_the_list_remembers_the_first_reason(world: World) -> None:
    conversation_id = hear(world, "stop")
    known = identity(world).id
    assert not world.store.write(
        lambda tx: consent.withdraw(tx, conversation_id, known, consent.PROVIDER, inbox_id=TEXTS)
    )
    assert forbidden(world) == "keyword"


def test_a_customer_who_comes_back_with_a_question_is_heard(world: World) -> None:
    hear(world, "stop")
    hear(world, "a person please")
    world.run()
    assert world.conversation().status == Status.WAITING
