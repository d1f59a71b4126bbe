"""What agents write: once, to where the customer can be reached, by whoever then has the conversation."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.errors import NotFound, Refused
from hub.domain.inbox import DAY
from hub.domain.messages import Author
from hub.services import assignment, handoff, replies
from hub.store import tables as t
from hub.store.queries import thread
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, BEN, PAPER, WEB, World

CUSTOMER = (("customer", "4711", "signed_identity"),)


def reply(world: World, words: str = "an answer", client_id: str = "c1", **options: object) -> str:
    conversation_id = world.received[-1].conversation_id
    agent_id = str(options.pop("agent_id", ANA))
    return world.store.write(
        lambda tx: replies.reply(tx, conversation_id, agent_id, words, client_id, **options)  # type: ignore[arg-type]
    )


def note(world: World, words: str = "a note", client_id: str = "n1") -> str:
    conversation_id = world.received[-1].conversation_id
    return world.store.write(lambda tx: replies.note(tx, conversation_id, ANA, words, client_id))


def outgoing(world: World) -> list[tuple[str, str]]:
    """(inbox, channel) of what was written to the customer, in order."""
    with world.store.read() as connection:
        m = t.message.c
        rows = connection.execute(t.message.select().where(m.kind == "outgoing").order_by(m.event_id))
        return [(row.inbox_id, row.channel) for row in rows]


@pytest.mark.parametrize("write", [reply, note])
def test_twenty_copies_at_once_are_one_message(world: World, write: object) -> None:
    world.say("hello")
    barrier = threading.Barrier(20)

    def at_once() -> str:
        barrier.wait(30)
        return write(world)  # type: ignore[operator, no-any-return]

    with ThreadPoolExecutor(20) as pool:
        ids = {each.result(60) for each in [pool.submit(at_once) for _ in range(20)]}
    assert len(ids) == 1
    assert world.count(t.message) == 2
    world.run()
    assert len([sent for sent in world.paper.sent if sent.text == "an answer"]) == (1 if write is reply else 0)


def test_a_client_id_is_its_agents_own(world: World) -> None:
    world.say("hello")
    assert reply(world, client_id="1") != reply(world, client_id="2")
    assert reply(world, client_id="1") != reply(world, client_id="1", agent_id=BEN)
    assert world.count(t.message) == 4


def test_whoever_answers_what_nobody_has_takes_it(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="x", open_question=""))
    reply(world)
    found = world.conversation()
    assert (found.status, found.assignee_id, found.unread) == (Status.ASSIGNED, ANA, 0)
    assert world.kinds()[-2:] == ["Assigned", "MessageQueued"]
    reply(world, "from a colleague", "c2", agent_id=BEN)
    assert world.conversation().assignee_id == ANA, "an answer takes nothing away from whoever has it"


def test_an_answer_to_what_sleeps_or_is_closed_opens_it_for_its_agent(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    by = e.Actor(Author.AGENT, ANA)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.snooze(tx, conversation_id, tx.now + DAY, by))
    reply(world, "one more thing", agent_id=BEN)
    assert (world.conversation().status, world.conversation().assignee_id) == (Status.ASSIGNED, ANA)
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, by))
    reply(world, "and another", "c2", agent_id=BEN)
    found = world.conversation()
    assert (found.status, found.assignee_id, found.resolved_at, found.snoozed_until) == (Status.ASSIGNED, ANA, 0, 0)


def test_an_answer_goes_by_the_channel_of_the_customers_last_message(world: World) -> None:
    world.say("from the page", inbox_id=WEB, sender="visitor", evidence=CUSTOMER)
    reply(world, client_id="1")
    world.say("from my phone", sender="phone", evidence=CUSTOMER)
    reply(world, client_id="2")
    assert outgoing(world) == [(WEB, "webchat"), (PAPER, "paper")]
    assert len({received.conversation_id for received in world.received}) == 1


def test_an_agent_may_pick_another_inbox_that_the_customer_wrote_to(world: World) -> None:
    world.say("from my phone", sender="phone", evidence=CUSTOMER)
    world.say("from the page", inbox_id=WEB, sender="visitor", evidence=CUSTOMER)
    world.nudger.take()
    reply(world, "to your phone", "1", inbox_id=PAPER)
    reply(world, "to the page", "2", inbox_id=WEB)
    assert outgoing(world) == [(PAPER, "paper"), (WEB, "webchat")]
    world.run()
    assert [(sent.text, sent.address.value) for sent in world.paper.sent] == [("to your phone", "phone")]
    with world.store.read() as connection:
        contact_id = world.conversation().contact_id
        assert sorted(thread.reply_inboxes(connection, contact_id)) == [PAPER, WEB]


def test_an_inbox_that_the_customer_never_wrote_to_is_refused(world: World) -> None:
    world.say("somebody else", inbox_id=WEB, sender="visitor")
    world.say("from my phone", sender="phone")
    events = world.count(t.event)
    for inbox_id in (WEB, "no inbox"):
        with pytest.raises(Refused, match="inbox_id: must be an inbox by which this customer can be reached"):
            reply(world, inbox_id=inbox_id)
    assert world.count(t.event) == events, "nor was the conversation taken"


@pytest.mark.parametrize("words", ["", "   ", "\n\t"])
def test_an_empty_text_is_refused(world: World, words: str) -> None:
    world.say("hello")
    for write in (reply, note):
        with pytest.raises(Refused, match="text: must not be empty"):
            write(world, words)
    assert world.conversation().assignee_id == ""
    assert world.count(t.message) == 1


def test_a_file_may_go_without_words_and_only_if_it_is_the_agents(world: World) -> None:
    def upload(tx: Tx) -> None:
        for file_id, owner in (("mine", f"agent:{ANA}"), ("theirs", f"agent:{BEN}")):
            values = {"id": file_id, "name": "plan.pdf", "media_type": "application/pdf", "size": 9, "owner": owner}
            tx.add(t.attachment, values)

    world.store.write(upload)
    world.say("hello")
    with pytest.raises(Refused, match="attachments"):
        reply(world, "", attachments=("theirs",))
    message_id = reply(world, "", attachments=("mine",))
    with world.store.read() as connection:
        (row,) = connection.execute(t.message.select().where(t.message.c.id == message_id))
    assert [each["name"] for each in json.loads(row.extras)["attachments"]] == ["plan.pdf"]
    with pytest.raises(Refused, match="attachments"):
        reply(world, "again", "c2", attachments=("mine",))


def test_a_note_reaches_no_customer_and_takes_nothing(world: World) -> None:
    world.say("hello")
    world.nudger.take()
    note(world)
    world.run()
    found = world.conversation()
    assert (found.status, found.assignee_id, found.unread) == (Status.BOT, "", 1)
    assert world.paper.sent == []
    assert world.thread()[-1] == ("agent", "a note", "delivered")


def test_a_conversation_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.store.write(lambda tx: replies.reply(tx, "nowhere", ANA, "hello", "c"))
