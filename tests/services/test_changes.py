"""What is said of messages after they were said, whichever comes first and however often."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.errors import NotFound
from hub.domain.messages import (
    Address,
    Attachment,
    ContactCard,
    Deletion,
    Delivery,
    Echo,
    Edit,
    InboundEvent,
    InboundMessage,
    Location,
    Parsed,
    Reachable,
    Reaction,
    Receipt,
    Referral,
    Seen,
    WebhookRequest,
    choice_token,
    chosen,
)
from hub.services import attachments, inbound, replies
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import messages
from tests.fixtures_hub import ANA, World

CARLA = Address("paper", "carla", display_name="Carla Ruiz")
SECOND = 1_000_000


def take(world: World, *events: InboundEvent) -> None:
    request = WebhookRequest("POST", "https://hub.example/webhooks/paper", body=repr(events).encode())
    inbox = world.inbox()
    world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed(events), request))


def said(external_id: str = "M1", text: str = "where is my sofa", **more: Any) -> InboundMessage:
    return InboundMessage(external_id, CARLA, text, **more)


def rows(world: World) -> list[Any]:
    with world.store.read() as connection:
        return list(connection.execute(t.message.select().order_by(t.message.c.event_id)))


def extras(world: World, position: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rows(world)[position].extras or "{}")
    return found


def kinds(world: World) -> list[str]:
    return world.kinds(rows(world)[0].conversation_id)


def is_consistent(world: World) -> bool:
    with world.store.read() as connection:
        report = replay.check(connection)
    assert report.differences == []
    return True


def answered(world: World, text: str = "on its way", **how: Any) -> str:
    """An agent's answer that was sent; its id with us."""
    conversation_id = rows(world)[0].conversation_id
    message_id: str = world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, text, text, **how))
    return message_id


EDITS = (Edit("M1", CARLA, "where is my chair", 20), Edit("M1", CARLA, "where is my table", 30))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_a_message_and_its_edits_end_the_same_in_any_order(world: World, order: tuple[int, ...]) -> None:
    for which in order:
        take(world, (said(), *EDITS)[which])
    (row,) = rows(world)
    assert row.text == "where is my table"
    assert [each["text"] for each in extras(world)["versions"]] == [
        "where is my sofa",
        "where is my chair",
        "where is my table",
    ]
    assert kinds(world).count("MessageEdited") == 2
    assert world.count(t.early_change) == 0
    assert is_consistent(world)


def test_copies_of_an_edit_and_an_edit_that_changes_nothing_write_nothing(world: World) -> None:
    take(world, said())
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: take(world, EDITS[0]), range(20)))
    take(world, Edit("M1", CARLA, "where is my chair", 25))  # an unfurled link, a counter of answers
    assert kinds(world).count("MessageEdited") == 1
    assert world.count(t.webhook_payload) == 2


def test_a_message_and_its_edit_at_once_lose_neither(world: World) -> None:
    events = [said(), EDITS[0]] * 8
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda each: take(world, each), events))
    (row,) = rows(world)
    assert row.text == "where is my chair"
    assert world.count(t.early_change) == 0


def test_an_edit_keeps_the_files(world: World) -> None:
    stored = attachments.store(
        world.hub,
        owner=attachments.customer_owner(CARLA),
        name="a.txt",
        content=b"hello",
        limit=100,
        media_types=("text/plain",),
    )
    take(world, said(attachments=(Attachment(stored.attachment_id, "a.txt", "text/plain", 5),)), EDITS[0])
    assert [each["id"] for each in extras(world)["attachments"]] == [stored.attachment_id]


def test_what_is_taken_back_is_gone_but_for_the_fact(world: World) -> None:
    stored = attachments.store(
        world.hub,
        owner=attachments.customer_owner(CARLA),
        name="a.txt",
        content=b"hello",
        limit=100,
        media_types=("text/plain",),
    )
    take(
        world, said(attachments=(Attachment(stored.attachment_id, "a.txt", "text/plain", 5),), to="way-back"), EDITS[0]
    )
    take(world, Deletion("M1", CARLA))
    take(world, Deletion("M1", CARLA), Edit("M1", CARLA, "too late", 90), Reaction("M1", CARLA, "👍", 91))
    (row,) = rows(world)
    assert (row.text, extras(world)) == ("", {"deleted": True, "to": "way-back"}), "answers still go that way"
    assert row.erased_at
    assert kinds(world).count("MessageDeleted") == 1
    assert world.count(t.webhook_payload) == 0, "the raw payload said it as well"
    world.run()
    assert world.count(t.attachment) == 0
    with pytest.raises(NotFound):
        world.hub.files.get(attachments.key(stored.attachment_id))
    assert is_consistent(world)


def test_what_was_taken_back_before_it_came_never_shows(world: World) -> None:
    take(world, Deletion("M1", CARLA))
    take(world, said())
    assert rows(world)[0].text == ""


def shown(world: World, position: int = 0) -> set[str]:
    return {each["emoji"] for each in extras(world, position).get("reactions", ()) if not each["removed"]}


def test_reactions_are_added_and_taken_back_by_the_providers_time(world: World) -> None:
    take(world, Reaction("M1", CARLA, "🎉", 5))
    take(world, said(), Reaction("M1", CARLA, "👍", 10), Reaction("M1", CARLA, "❤", 10))
    assert shown(world) == {"🎉", "👍", "❤"}
    take(world, Reaction("M1", CARLA, "👍", 20, removed=True))
    take(world, Reaction("M1", CARLA, "👍", 15))
    assert shown(world) == {"🎉", "❤"}
    ben = Address("paper", "ben")
    take(world, Reaction("M1", ben, "👍", 21))
    take(world, Reaction("M1", CARLA, "", 30, removed=True))
    assert shown(world) == {"👍"}, "only their own"
    before = kinds(world)
    take(world, Reaction("M1", ben, "👍", 21))
    assert kinds(world) == before


def test_where_one_reaction_is_allowed_the_newest_stands(world: World) -> None:
    take(world, said(), Reaction("M1", CARLA, "😢", 30, only=True), Reaction("M1", CARLA, "👍", 20, only=True))
    assert shown(world) == {"😢"}


def test_a_reaction_to_ours_may_beat_the_answer_to_our_send(world: World) -> None:
    take(world, said())
    message_id = answered(world)
    take(world, Reaction("sent-1", CARLA, "👍", 10))
    world.paper.send = lambda _message: Receipt("sent-1")  # type: ignore[method-assign, assignment]  # the provider's id
    world.run()
    with world.store.read() as connection:
        found = messages.get(connection, message_id)
    assert found.provider_id == "sent-1"
    assert "👍" in found.extras
    take(world, Edit("sent-1", CARLA, "not theirs to edit", 50))
    assert "not theirs" not in str(rows(world))


def test_what_a_person_typed_in_the_providers_app_is_an_agents_message(world: World) -> None:
    take(world, said())
    take(world, Echo(said("E1", "I am on it")), Echo(said("E1", "I am on it")))
    theirs, ours = rows(world)
    assert (ours.kind, ours.author_kind, ours.state) == ("outgoing", "agent", "sent")
    assert ours.conversation_id == theirs.conversation_id
    conversation = world.conversation(ours.conversation_id)
    assert (conversation.status, conversation.unread) == (Status.WAITING, 0), "the bot is out of it"
    world.run()
    assert world.bot.asked == 0
    take(world, Edit("E1", CARLA, "I am on it now", 20))
    assert rows(world)[1].text == "I am on it now"
    assert is_consistent(world)


def test_an_echo_to_a_stranger_opens_a_conversation_that_waits_for_nobody(world: World) -> None:
    take(world, Echo(said("E1", "Your table is ready")))
    assert world.conversation(rows(world)[0].conversation_id).status == Status.RESOLVED
    take(world, said("M1", "thank you"))
    first, second = rows(world)
    assert first.conversation_id == second.conversation_id
    assert world.conversation(first.conversation_id).status != Status.RESOLVED


@pytest.mark.parametrize("by_id", [True, False], ids=["our id", "same text"])
def test_our_own_echo_makes_no_message_and_settles_an_unknown_outcome(world: World, by_id: bool) -> None:
    take(world, said())
    message_id = answered(world)
    conversation_id = rows(world)[0].conversation_id
    take(world, Echo(said("sent-9", "on its way"), own=True, message_id=message_id if by_id else ""))
    assert len(rows(world)) == 2
    if not by_id:
        assert rows(world)[1].state == Delivery.QUEUED, "nothing was on its way yet that it could be"
        world.store.write(lambda tx: tx.record(conversation_id, e.DeliveryChanged(message_id, "unknown", "no_answer")))
        take(world, Echo(said("sent-9", "on its way"), own=True))
    assert (rows(world)[1].state, rows(world)[1].provider_id) == (Delivery.SENT, "sent-9")


def test_read_up_to_a_moment(world: World) -> None:
    take(world, said())
    answered(world, "one")
    world.run()
    moment = world.clock.now()
    world.clock.pass_time(SECOND)
    answered(world, "two")
    world.run()
    take(world, Seen(CARLA, moment, Delivery.READ), Seen(CARLA, moment, Delivery.DELIVERED))
    assert [row.state for row in rows(world) if row.author_kind == "agent"] == ["read", "sent"]
    take(world, Seen(Address("paper", "stranger"), moment, Delivery.READ))


@pytest.mark.parametrize("state", ["queued", "sending", "unknown", "failed"])
def test_what_may_never_have_left_is_not_read_by_a_moment(world: World, state: str) -> None:
    take(world, said())
    message_id = answered(world)
    conversation_id = rows(world)[0].conversation_id
    if state != "queued":
        world.store.write(lambda tx: tx.record(conversation_id, e.DeliveryChanged(message_id, state)))
    take(world, Seen(CARLA, world.clock.now(), Delivery.READ))
    assert rows(world)[1].state == state


def test_a_customer_who_blocks_us_is_not_written_to_until_they_take_it_back(world: World) -> None:
    take(world, Reachable(CARLA, reachable=False))
    assert world.count(t.contact) == 0
    take(world, said())
    take(world, Reachable(CARLA, reachable=False), Reachable(CARLA, reachable=False))
    assert world.count(t.do_not_contact) == 1
    take(world, Reachable(CARLA, reachable=True))
    assert world.count(t.do_not_contact) == 0


def test_what_a_message_has_besides_text(world: World) -> None:
    take(
        world,
        said(
            location=Location(40.4, -3.7, "Plaza Mayor"),
            cards=(ContactCard("Ben", ("+34600111222",)),),
            sticker="😀",
            referral=Referral("ad", "Sofas"),
            unsupported="poll",
        ),
    )
    take(world, said("M2", "this one", answers="M1"))
    found = extras(world)
    assert found["location"] == {"latitude": 40.4, "longitude": -3.7, "name": "Plaza Mayor", "address": ""}
    assert found["cards"] == [{"name": "Ben", "phones": ["+34600111222"], "emails": []}]
    assert (found["sticker"], found["unsupported"], found["referral"]["source"]) == ("😀", "poll", "ad")
    assert extras(world, 1)["answers"] == rows(world)[0].id


def offer(world: World) -> str:
    conversation_id = rows(world)[0].conversation_id
    buttons = [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}]
    sent: str = world.store.write(
        lambda tx: replies.send(tx, conversation_id, "Sure?", e.BOT, extras={"buttons": buttons})
    )
    return sent


@pytest.mark.parametrize(
    ("text", "payload", "trusted"),
    [
        ("", "{offer}.2", "/deny"),
        ("2", "", "/deny"),
        ("(1)", "", "/affirm"),
        ("no", "", "/deny"),
        ("3", "", ""),
        ("2 sofas", "", ""),
        ("", "{offer}.3", ""),
        ("", "01ARZ3NDEKTSV4RRFFQ69G5FAV.1", ""),
        ("/deny", "", ""),
    ],
    ids=[
        "pressed",
        "number",
        "brackets",
        "title",
        "no such",
        "other text",
        "out of range",
        "not ours",
        "payload typed",
    ],
)
def test_a_choice_is_understood_pressed_or_typed(world: World, text: str, payload: str, trusted: str) -> None:
    take(world, said())
    offered = offer(world)
    take(world, said("M2", text, payload=payload.format(offer=offered)))
    row = rows(world)[-1]
    assert (json.loads(row.extras or "{}").get("payload", ""), bool(row.trusted)) == (trusted, bool(trusted))
    if trusted and not text:
        assert row.text == "No"


def test_a_channel_says_that_nothing_changes_and_that_no_number_is_a_choice(world: World) -> None:
    still = replace(world.paper.capabilities, changeable=False, typed_choices=False)
    inbox, request = world.inbox(), WebhookRequest("POST", "https://hub.example/webhooks/paper")
    take(world, Edit("M2", CARLA, "before its message", SECOND), said())
    offer(world)
    second = Parsed((said("M2", "2"),))
    world.store.write(lambda tx: inbound.accept(tx, inbox, second, request, still))
    assert (rows(world)[-1].text, rows(world)[-1].extras) == ("2", "")


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ({"sticker": "👍"}, Status.BOT),
        ({"unsupported": "order"}, Status.WAITING),
        ({"location": Location(40.4, -3.7)}, Status.WAITING),
        ({"cards": (ContactCard("Berta", ("+34600000001",)),)}, Status.WAITING),
    ],
    ids=["sticker", "unsupported", "place", "card"],
)
def test_what_has_no_words_is_not_the_bots_to_answer(world: World, shown: dict[str, Any], status: Status) -> None:
    take(world, said("M1", "", **shown))
    world.run()
    assert world.bot.asked == 0
    (row,) = [each for each in rows(world) if each.author_kind == "contact"]
    assert world.conversation(row.conversation_id).status == status


def test_what_was_taken_back_before_its_turn_is_not_answered(world: World) -> None:
    take(world, said())
    take(world, Deletion("M1", CARLA))
    world.run()
    assert (world.bot.asked, len(rows(world))) == (0, 1)


@pytest.mark.parametrize("known", [False, True], ids=["new", "with the bot"])
def test_where_another_app_answers_nobody_here_does(world: World, known: bool) -> None:
    if known:
        take(world, said("M0", "hello"))
        world.run()
    before, asked = len(rows(world)), world.bot.asked
    take(world, said("M1", "for the other app", elsewhere=True))
    world.run()
    (row,) = rows(world)[before:]
    assert (world.bot.asked, row.text) == (asked, "for the other app")
    assert world.conversation(row.conversation_id).status == Status.RESOLVED
    take(world, said("M2", "and now for you"))
    world.run()
    assert world.bot.asked == asked + 1


def test_a_choice_token_is_read_as_it_was_written() -> None:
    token = choice_token("01ARZ3NDEKTSV4RRFFQ69G5FAV", 12)
    assert chosen(token) == ("01ARZ3NDEKTSV4RRFFQ69G5FAV", 12)
    assert len(token) <= 64, "what Telegram takes"
    for other in ("", ".", "/deny", "a.1", "01ARZ3NDEKTSV4RRFFQ69G5FAV.", "01ARZ3NDEKTSV4RRFFQ69G5FAV.1x", "x" * 26):
        assert chosen(other) == ("", 0)
