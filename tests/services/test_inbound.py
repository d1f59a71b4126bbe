"""What comes in: nothing twice, nobody split, and the rule by which each message was placed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain.conversation import Status
from hub.domain.errors import Refused
from hub.domain.events import SYSTEM
from hub.domain.inbox import DAY
from hub.domain.messages import Address, Attachment, InboundMessage, Parsed, SetAside, WebhookRequest
from hub.services import assignment, inbound
from hub.store import tables as t
from tests.fixtures_hub import ANA, PAPER, WEB, World


def rules(world: World) -> list[str]:
    with world.store.read() as connection:
        rows = connection.execute(t.message.select().where(t.message.c.kind == "incoming"))
        return [row.rule for row in sorted(rows, key=lambda row: row.event_id)]


def test_fifty_parallel_copies_of_a_message_are_one(world: World) -> None:
    with ThreadPoolExecutor(50) as pool:
        copies = [pool.submit(world.say, "hello", external_id="SM1") for _ in range(50)]
        received = [each.result(60) for each in copies]
    assert len({each.message_id for each in received}) == 1
    assert [each.duplicate for each in received].count(False) == 1
    assert world.count(t.message) == world.count(t.conversation) == world.count(t.contact) == 1
    assert world.count(t.webhook_payload) == 1, "a repeated webhook writes nothing"


def test_a_copy_that_names_its_sender_otherwise_is_a_copy_all_the_same(world: World) -> None:
    senders = ("+34600111222", "user-1", "user-2")
    one, two, three = (InboundMessage("SM1", Address("paper", sender), "hello") for sender in senders)
    request = WebhookRequest("POST", "https://hub.example/webhooks/paper")
    inbox = world.inbox()
    received = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((one, two, one)), request))
    assert [each.duplicate for each in received] == [False, True, True]
    (again,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((three,)), request))
    assert {each.message_id for each in (*received, again)} == {received[0].message_id}
    assert world.count(t.message) == world.count(t.contact) == world.count(t.webhook_payload) == 1


def test_copies_at_once_that_name_their_sender_otherwise_are_one_message(world: World) -> None:
    with ThreadPoolExecutor(10) as pool:
        said = [pool.submit(world.say, "hello", external_id="SM1", sender=f"sender-{n}") for n in range(10)]
        received = [each.result(60) for each in said]
    assert len({each.message_id for each in received}) == 1
    assert world.count(t.message) == world.count(t.conversation) == world.count(t.contact) == 1


def test_six_first_messages_at_once_are_one_conversation(world: World) -> None:
    with ThreadPoolExecutor(6) as pool:
        said = [pool.submit(world.say, f"first {n}", external_id=f"SM{n}") for n in range(6)]
        received = [each.result(60) for each in said]
    assert len({each.conversation_id for each in received}) == 1
    assert world.count(t.contact) == world.count(t.identity) == world.count(t.conversation) == 1
    assert world.count(t.message) == 6
    assert sorted(rules(world)) == ["new"] + ["window"] * 5


def test_two_channels_of_one_person_at_once_do_not_split_them(world: World) -> None:
    evidence = (("customer", "4711", "signed_identity"),)
    world.say("hello", inbox_id=WEB, sender="visitor", evidence=evidence)
    conversation_id = world.say("hello", sender="phone", evidence=evidence).conversation_id
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, SYSTEM))
    world.clock.pass_time(30 * DAY)
    with ThreadPoolExecutor(10) as pool:
        said = [
            pool.submit(world.say, f"m{n}", inbox_id=(WEB, PAPER)[n % 2], sender=("visitor", "phone")[n % 2])
            for n in range(10)
        ]
        received = [each.result(60) for each in said]
    assert len({each.conversation_id for each in received}) == 1
    assert world.count(t.contact) == 1


def test_a_thread_key_leads_to_its_conversation_even_when_a_later_one_is_open(world: World) -> None:
    first = world.say("about my sofa", thread_key="sofa").conversation_id
    world.store.write(lambda tx: assignment.take(tx, first, ANA))
    world.clock.pass_time(4 * DAY)
    other = world.say("something else", thread_key="lamp")
    assert other.conversation_id == first, "no key of its own yet: the open conversation, not a second one"
    assert rules(world) == ["new", "window"]
    assert world.say("the sofa again", thread_key="sofa").conversation_id == first
    assert rules(world)[-1] == "thread_key"


def test_windows_decide_between_the_same_conversation_reopening_and_a_new_one(world: World) -> None:
    first = world.say("hello").conversation_id
    world.clock.pass_time(2 * DAY)
    assert world.say("still me").conversation_id == first
    world.clock.pass_time(4 * DAY)
    second = world.say("something new").conversation_id
    assert second != first
    assert world.conversation(second).previous_id == first
    world.store.write(lambda tx: assignment.resolve(tx, second, SYSTEM))
    world.clock.pass_time(6 * DAY)
    assert world.say("not solved").conversation_id == second
    assert world.conversation(second).status == Status.BOT
    world.store.write(lambda tx: assignment.resolve(tx, second, SYSTEM))
    world.clock.pass_time(8 * DAY)
    third = world.say("hello again").conversation_id
    assert world.conversation(third).previous_id == second
    assert rules(world) == ["new", "window", "new", "reopened", "new"]


def test_who_waits_or_is_being_helped_is_never_split_by_time(world: World) -> None:
    first = world.say("a person please").conversation_id
    world.run()
    world.clock.pass_time(20 * DAY)
    assert world.say("anybody there?").conversation_id == first


def test_a_reopened_conversation_goes_back_to_its_agent(world: World) -> None:
    first = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.take(tx, first, ANA))
    world.store.write(lambda tx: assignment.resolve(tx, first, SYSTEM))
    world.say("one more thing")
    conversation = world.conversation(first)
    assert (conversation.status, conversation.assignee_id) == (Status.ASSIGNED, ANA)


def test_a_message_wakes_a_snoozed_conversation(world: World) -> None:
    first = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.take(tx, first, ANA))
    world.store.write(lambda tx: assignment.snooze(tx, first, tx.now + DAY, SYSTEM))
    assert world.conversation(first).status == Status.SNOOZED
    world.say("are you there?")
    assert world.conversation(first).status == Status.ASSIGNED


def test_one_bad_element_of_a_batch_is_kept_aside_and_the_others_go_on(world: World) -> None:
    def message(number: int) -> InboundMessage:
        return InboundMessage(f"SM{number}", Address("paper", f"c{number}"), f"text {number}")

    parsed = Parsed((message(1), message(2)), set_aside=(SetAside("from", "must be a number", b"raw"),))
    request = WebhookRequest("POST", "u", {"content-type": "text/x", "cookie": "secret"}, body=b"the whole body")
    inbox = world.inbox()
    received = world.store.write(lambda tx: inbound.accept(tx, inbox, parsed, request))
    assert len(received) == 2
    with world.store.read() as connection:
        (kept,) = connection.execute(t.set_aside.select())
        (payload,) = connection.execute(t.webhook_payload.select())
    assert (kept.field, kept.rule, kept.raw) == ("from", "must be a number", b"raw")
    assert payload.body == b"the whole body"
    assert json.loads(payload.headers) == {"content-type": "text/x"}, "no cookie is kept"


def test_signed_evidence_links_a_new_identity_to_the_person_it_names(world: World) -> None:
    evidence = (("email", "carla@example.org", "signed_identity"),)
    first = world.say("hello", inbox_id=WEB, sender="laptop", evidence=evidence)
    second = world.say("hello", inbox_id=WEB, sender="phone", evidence=evidence)
    assert first.conversation_id == second.conversation_id
    assert world.conversation().verified_level == "verified"
    with world.store.read() as connection:
        found = {(row.channel, row.address): row.evidence for row in connection.execute(t.identity.select())}
    assert found == {
        ("webchat", "laptop"): "first_message",
        ("webchat", "phone"): "signed_identity",
        ("email", "carla@example.org"): "signed_identity",
    }


def test_what_somebody_only_states_never_takes_them_into_another_persons_conversation(world: World) -> None:
    world.say("hello", sender="laptop", evidence=(("email", "carla@example.org", "signed_identity"),))
    stranger = world.say("hello", sender="other", evidence=(("email", "carla@example.org", "stated"),))
    assert stranger.conversation_id != world.received[0].conversation_id
    assert world.count(t.contact) == 2


def test_only_a_button_that_we_offered_reaches_the_bot_as_a_command(world: World) -> None:
    world.say("qwxz")
    world.run()
    with world.store.read() as connection:
        (offer,) = connection.execute(t.message.select().where(t.message.c.kind == "outgoing"))
    assert json.loads(offer.extras)["buttons"] == [{"title": "Talk to a person", "payload": "/ask_human"}]
    world.say("Talk to a person", payload="/restart", reply_to=offer.id)
    world.run()
    world.say("Talk to a person", payload="/ask_human", reply_to=offer.id, sender="somebody-else")
    world.run()
    assert [text for _, text in world.bot.turns][1:] == ["Talk to a person", "Talk to a person"]
    world.say("Talk to a person", payload="/ask_human", reply_to=offer.id)
    world.run()
    assert "/ask_human" not in [text for _, text in world.bot.turns], "the first customer waits for a person by now"


def test_a_button_that_we_offered_does_reach_the_bot(world: World) -> None:
    world.say("qwxz")
    world.run()
    with world.store.read() as connection:
        (offer,) = connection.execute(t.message.select().where(t.message.c.kind == "outgoing"))
    world.say("Talk to a person", payload="/ask_human", reply_to=offer.id)
    world.run()
    assert world.bot.turns[-1][1] == "/ask_human"
    assert world.conversation().status == Status.WAITING


def test_an_attachment_that_is_not_the_senders_is_refused(world: World) -> None:
    inbox = world.inbox()
    message = InboundMessage("SM1", Address("paper", "c"), "look", attachments=(Attachment("stolen", "", "", 0),))
    with pytest.raises(Refused, match="attachments"):
        world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "u")))
    assert world.count(t.message) == 0
