"""Every projected table is what the log says, whatever people do."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.domain import events as e
from hub.domain import sla
from hub.domain.conversation import Conversation
from hub.domain.errors import Conflict, Refused
from hub.domain.inbox import DAY
from hub.domain.messages import Address, Author, Delivery, DeliveryUpdate, InboundMessage, Parsed, WebhookRequest
from hub.services import assignment, contacts, delivery, inbound, merging, promises, replies
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import matching
from tests.fixtures_hub import ANA, BEN, SECOND_TEAM, TEAM, WEB, World

BY = e.Actor(Author.AGENT, ANA)


def differences(world: World) -> list[str]:
    with world.store.read() as connection:
        return replay.check(connection).differences


def column(world: World, statement: str) -> list[Any]:
    with world.store.read() as connection:
        return sorted(connection.execute(text(statement)).scalars())


PEOPLE_DO = (
    "take assign transfer resolve reopen snooze hand_back reply note priority merge split undo merge_contacts "
    "unlink write_down promise"
)
STEP_NAMES = ("say", "thread", "web", "text", "state", "sign_in", "run", "report", "later", *PEOPLE_DO.split(" "))
STEPS = st.lists(st.tuples(st.sampled_from(STEP_NAMES), st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=40)


def act(world: World, step: str, one: int, two: int) -> None:
    """One thing that somebody does; what the state forbids is refused and changes nothing."""
    ids = list(dict.fromkeys(received.conversation_id for received in world.received))
    numbers = [f"+3460000000{number}" for number in range(6)]
    if step == "say":
        world.say(f"hello {two}", sender=f"customer-{one}", external_id=f"once-{one}-{two}")
    elif step == "thread":
        world.say("about this", sender=f"customer-{one}", thread_key=f"key-{two}")
    elif step == "web":
        world.say(
            "a person please", sender=f"visitor-{one}", inbox_id=WEB, evidence=(("email", f"{two}@x.org", "stated"),)
        )
    elif step == "text":
        message = InboundMessage(f"t-{world.clock.now()}", Address(("sms", "whatsapp")[two % 2], numbers[one]), "hello")
        request, inbox = WebhookRequest("POST", "https://hub.example/webhooks/paper"), world.inbox()
        world.received += world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    elif step == "state":
        visitor = Address("webchat", f"visitor-{one}", WEB)
        world.store.write(lambda tx: contacts.state_details(tx, visitor, "", "", numbers[two]))
    elif step == "sign_in":
        evidence = (("email", f"{two}@x.org", "signed_identity"), ("phone", numbers[two], "signed_identity"))
        world.say("signed in", sender=f"visitor-{one}", inbox_id=WEB, evidence=evidence)
    elif step == "run":
        world.run()
    elif step == "later":
        world.clock.pass_time((one + 1) * DAY)
    elif ids:
        chosen, other = ids[one % len(ids)], ids[two % len(ids)]
        write = world.store.write
        match step:
            case "take":
                write(lambda tx: assignment.take(tx, chosen, (ANA, BEN)[two % 2]))
            case "assign":
                write(lambda tx: assignment.assign(tx, chosen, BEN, BY))
            case "transfer":
                write(lambda tx: assignment.transfer(tx, chosen, (TEAM, SECOND_TEAM)[two % 2], BY, "look at this"))
            case "resolve":
                write(lambda tx: assignment.resolve(tx, chosen, BY))
            case "reopen":
                write(lambda tx: assignment.reopen(tx, chosen, BY))
            case "snooze":
                write(lambda tx: assignment.snooze(tx, chosen, tx.now + DAY, BY))
            case "hand_back":
                write(lambda tx: assignment.hand_back(tx, chosen, BY))
            case "reply":
                write(lambda tx: replies.reply(tx, chosen, ANA, "an answer", f"c-{one}-{two}"))
            case "note":
                write(lambda tx: replies.note(tx, chosen, ANA, "a note", f"n-{one}-{two}"))
            case "priority":
                write(lambda tx: assignment.set_priority(tx, chosen, two % 5, BY))
            case "merge":
                write(lambda tx: merging.merge(tx, chosen, other, BY))
            case "split":
                write(lambda tx: merging.split(tx, chosen, tuple(sorted(matching.messages_in(tx, chosen))[:1]), BY))
            case "undo":
                undoable = column(
                    world,
                    "SELECT id FROM event WHERE kind IN "
                    "('Merged', 'MessagesMovedOut', 'ContactMerged', 'IdentityUnlinked')",
                )
                if undoable:
                    write(lambda tx: merging.undo(tx, undoable[one % len(undoable)], BY))
            case "merge_contacts":
                pair = [world.conversation(each).contact_id for each in (chosen, other)]
                write(lambda tx: contacts.merge(tx, pair[0], pair[1], BY))
            case "unlink":
                contact_id = world.conversation(chosen).contact_id
                held = column(world, f"SELECT id FROM identity WHERE contact_id = '{contact_id}'")  # noqa: S608
                leaving, where = held[two % len(held)], chosen if one % 2 else ""
                write(lambda tx: merging.unlink(tx, contact_id, leaving, BY, conversation_id=where))
            case "write_down":
                contact_id = world.conversation(chosen).contact_id
                write(lambda tx: contacts.add_by_agent(tx, contact_id, "phone", numbers[two], "", BY))
            case "promise":
                stated = {"inbox_ids": [], "team_ids": [(), (SECOND_TEAM,)][one % 2], "targets": {"resolution": 3600}}
                write(lambda tx: promises.save_policy(tx, sla.to_data(sla.Policy("P", {})) | stated, ANA))
                world.store.rulebook.forget()
                write(lambda tx: promises.announce(tx, chosen))
            case "report":
                sent = column(world, "SELECT provider_id FROM message WHERE provider_id <> ''")
                if sent:
                    state = (Delivery.DELIVERED, Delivery.READ, Delivery.FAILED, Delivery.SENT)[two % 4]
                    update = DeliveryUpdate(
                        state, provider_id=sent[one % len(sent)], error_code="30003" if two == 2 else ""
                    )
                    write(lambda tx: delivery.report(tx, "inbox-paper", update))


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_replay_is_equal_after_random_histories(world: World, steps: list[tuple[str, int, int]]) -> None:
    """The database goes on from example to example: histories grow on top of each other."""
    for step, one, two in steps:
        try:
            act(world, step, one, two)
        except (Conflict, Refused):
            continue
    assert differences(world) == []
    for whose in ("identity", "conversation"):
        of_merged = f"SELECT x.id FROM {whose} x JOIN contact c ON c.id = x.contact_id WHERE c.merged_into <> ''"  # noqa: S608
        assert column(world, of_merged) == [], "what a merged contact had is with whoever took it in"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE conversation SET status = 'resolved'", "the row says"),
        ("UPDATE message SET state = 'read'", "state is 'read'"),
        ("DELETE FROM message WHERE kind = 'outgoing'", "there are events and no row"),
        ("UPDATE counter SET value = value + 1", "badge"),
        ("UPDATE identity SET contact_id = 'somebody'", "identity"),
        ("DELETE FROM event WHERE kind = 'MessageReceived'", "follows"),
        ("UPDATE route SET conversation_id = 'elsewhere'", "route"),
        ("UPDATE contact SET merged_into = 'somebody'", "merged into 'somebody'"),
        ("UPDATE agent SET presence = 'busy'", "agent"),
    ],
)
def test_replay_finds_what_was_changed_by_hand(world: World, statement: str, found: str) -> None:
    world.say("hello", thread_key="one")
    world.run()
    world.store.write(lambda tx: tx.record(ANA, e.PresenceChanged("available", ""), BY))
    assert differences(world) == []
    world.store.write(lambda tx: tx.connection.execute(text(statement)))
    assert any(found in each for each in differences(world)), differences(world)


def test_replay_looks_at_one_conversation_or_at_recent_ones(world: World) -> None:
    first = world.say("hello", sender="a").conversation_id
    world.run()
    world.clock.pass_time(DAY)
    later = world.clock.now()
    second = world.say("hello", sender="b").conversation_id
    world.store.write(lambda tx: tx.connection.execute(text("UPDATE conversation SET unread = 7")))
    with world.store.read() as connection:
        one = replay.check(connection, conversation_id=first).differences
        recent = replay.check(connection, since=later).differences
    assert [first in each for each in one] == [True]
    assert [second in each for each in recent] == [True]


def test_the_columns_of_a_conversation_are_its_fields() -> None:
    assert [field.name for field in fields(Conversation)] == [column.name for column in t.conversation.columns]
