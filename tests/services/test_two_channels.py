"""One person, one conversation, two channels: what is joined on which evidence, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.errors import Conflict, NotFound, Refused
from hub.domain.inbox import DAY, Inbox
from hub.domain.messages import Address, Author, InboundMessage, Parsed, WebhookRequest
from hub.services import assignment, contacts, inbound, merging, records, replies
from hub.services.inbound import Received
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import contacts as contact_queries
from hub.store.queries import matching, messages, thread
from hub.store.queries import records as record_queries
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, PAPER, TEAM, WEB, World
from tests.services.test_merging import wait_for_a_lock

BY = e.Actor(Author.AGENT, ANA)
PHONES = "inbox-phones"
NUMBER, OTHER = "+34600123456", "+34600999999"
Evidence = tuple[tuple[str, str, str], ...]
KINDS = {PHONES: "sms", WEB: "webchat"}


@pytest.fixture
def world(world: World) -> World:
    """With an inbox of a Spanish firm for text messages."""
    values = {"id": PHONES, "key": "key-phones", "name": "Phones", "channel": "paper", "team_id": TEAM}
    world.store.write(lambda tx: tx.add(t.inbox, values | {"settings": '{"default_region": "ES"}'}))
    return world


@pytest.fixture(autouse=True)
def projections_agree(world: World) -> Iterator[None]:
    """After every scenario the tables are what the log says."""
    yield
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


def say(world: World, text: str, address: Address, inbox: Inbox) -> Received:
    message = InboundMessage(f"x-{world.clock.now()}", address, text)
    request = WebhookRequest("POST", "https://hub.example/webhooks/phones", body=text.encode())
    (received,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    world.received.append(received)
    return received


def text(world: World, words: str, number: str = NUMBER, channel: str = "sms") -> Received:
    return say(world, words, Address(channel, number), world.inbox(PHONES))


def chat(world: World, words: str, visitor: str = "visitor", evidence: Evidence = ()) -> Received:
    return world.say(words, inbox_id=WEB, sender=visitor, name="", evidence=evidence)


def fill_in(world: World, phone: str = "600 12 34 56", visitor: str = "visitor", email: str = "") -> None:
    address = Address("webchat", visitor, WEB)
    world.store.write(lambda tx: contacts.state_details(tx, address, "", email, phone, "ES"))


def identity(world: World, channel: str = "sms", address: str = NUMBER) -> matching.HeldIdentity:
    with world.store.read() as connection:
        kind = "phone" if channel in ("sms", "whatsapp", "voice") else channel
        (found,) = (each for each in matching.identities_at(connection, kind, address) if each.channel == channel)
    return found


def segments(world: World, conversation_id: str) -> list[str]:
    """The channels that a conversation went over, as its thread shows them."""
    with world.store.read() as connection:
        said, _ = messages.thread(connection, (conversation_id,))
    return [each.segment.channel for each in said if each.segment]


def ways(world: World, contact_id: str) -> list[thread.WayBack]:
    with world.store.read() as connection:
        return thread.ways(connection, contact_id, KINDS)


def level(world: World, conversation_id: str) -> str:
    """Of whoever wrote last."""
    with world.store.read() as connection:
        return record_queries.effective(connection, world.conversation(conversation_id))


def verify(world: World, said: Received) -> None:
    """As the bot does when a customer has answered its questions."""
    customer = {"customer_number": "4711", "name": "Ana", "postcode": "28013"}
    order = {"order_id": "A1", "customer_number": "4711", "state": "shipped", "carrier": "", "expected": ""}
    world.store.write(lambda tx: tx.add(t.customer_record, customer))
    world.store.write(lambda tx: tx.add(t.order_record, order))
    where = (said.conversation_id, said.message_id)
    assert world.store.write(lambda tx: records.verify(tx, *where, "4711", "28013")).verified


def is_told(world: World, said: Received) -> bool:
    """Whether the bot may tell of the order in its answer to this message."""
    with world.store.read() as connection:
        try:
            return bool(records.order(connection, "A1", said.conversation_id, said.message_id))
        except NotFound:
            return False


# --- one conversation -------------------------------------------------------------------------------------------------


def test_a_text_from_the_number_given_in_the_chat_goes_on_with_the_conversation(world: World) -> None:
    fill_in(world)
    first = chat(world, "where is my order?")
    second = text(world, "it's me, now from my phone")
    assert second.conversation_id == first.conversation_id
    assert world.count(t.contact) == world.count(t.conversation) == 1
    assert segments(world, first.conversation_id) == ["sms"]
    third = chat(world, "and back at the desk")
    chat(world, "still here")
    assert third.conversation_id == first.conversation_id
    assert segments(world, first.conversation_id) == ["sms", "webchat"]
    assert world.kinds(first.conversation_id).count("SegmentBegan") == 2
    stated = identity(world)
    assert (stated.evidence, stated.stated_by) == ("stated", identity(world, "webchat", "visitor").id)


def test_the_number_may_be_written_in_any_way(world: World) -> None:
    with pytest.raises(Refused, match="phone"):
        fill_in(world, "044 55 1234 5678")  # no Spanish number, and no Mexican one without its country
    fill_in(world, "+52 1 55 8765 4321")
    first = chat(world, "hola")
    assert text(world, "soy yo", "+525587654321").conversation_id == first.conversation_id


def test_the_answer_goes_where_the_customer_wrote_last_or_where_the_agent_picks(world: World) -> None:
    fill_in(world)
    first = chat(world, "hello")
    text(world, "from my phone")

    def answer(number: int, inbox_id: str | None = None, identity_id: str | None = None) -> tuple[str, str]:
        way = (inbox_id, identity_id, KINDS)
        written = world.store.write(
            lambda tx: replies.reply(tx, first.conversation_id, ANA, "yes", f"c{number}", (), *way)
        )
        with world.store.read() as connection:
            row = connection.execute(t.message.select().where(t.message.c.id == written)).one()
        return row.inbox_id, row.channel

    assert answer(1) == (PHONES, "sms")
    assert answer(2, WEB) == (WEB, "webchat")
    assert answer(3, None, identity(world, "webchat", "visitor").id) == (WEB, "webchat")
    chat(world, "back")
    assert answer(4) == (WEB, "webchat")
    assert answer(5, PHONES, identity(world).id) == (PHONES, "sms")
    with pytest.raises(Refused, match="inbox_id"):
        answer(6, PHONES, identity(world, "webchat", "visitor").id)
    with pytest.raises(Refused, match="inbox_id"):
        answer(7, PAPER)


def test_a_number_that_was_only_stated_can_be_texted_first(world: World) -> None:
    fill_in(world)
    first = chat(world, "please text me")
    contact_id = world.conversation(first.conversation_id).contact_id
    assert [(each.channel, each.inbox_id, bool(each.last_used)) for each in ways(world, contact_id)] == [
        ("webchat", WEB, True),
        ("sms", PHONES, False),
    ]
    world.store.write(lambda tx: replies.reply(tx, first.conversation_id, ANA, "hello", "c1", (), PHONES, kinds=KINDS))
    world.clock.pass_time(30 * DAY)
    world.store.write(lambda tx: assignment.resolve(tx, first.conversation_id, BY))
    world.clock.pass_time(30 * DAY)
    later = text(world, "thanks, and one more thing")
    assert world.conversation(later.conversation_id).contact_id == contact_id, "they answer what we had written to them"


def test_messages_go_to_the_spelling_that_the_provider_knows(world: World) -> None:
    fill_in(world, "+54 11 15 2345 6789")
    chat(world, "hola")
    held = identity(world, address="+541123456789")

    def wire() -> str:
        with world.store.read() as connection:
            return str(connection.execute(t.identity.select().where(t.identity.c.id == held.id)).one().wire_address)

    assert wire() == "+5491123456789", "as it was meant"
    text(world, "soy yo", "+541123456789")
    assert wire() == ""
    text(world, "otra vez", "+5491123456789")
    assert wire() == "+5491123456789"
    assert world.count(t.conversation) == 1


@pytest.mark.parametrize("sender", ["262966", "AMAZON"])
def test_senders_without_a_number_are_people_of_their_own(world: World, sender: str) -> None:
    assert text(world, "your code is 1234", sender).conversation_id == text(world, "again", sender).conversation_id
    assert identity(world, address=sender).evidence == "first_message"


def test_the_same_number_in_another_channel_is_the_same_person(world: World) -> None:
    first = text(world, "hello")
    again = text(world, "hello by WhatsApp", "34600123456", "whatsapp")
    assert again.conversation_id == first.conversation_id
    held = identity(world, "whatsapp")
    assert (held.evidence, held.stated_by) == ("same_number", identity(world).id)
    assert segments(world, first.conversation_id) == ["whatsapp"]


def test_a_number_that_somebody_else_has_is_shown_and_not_joined(world: World) -> None:
    owner = text(world, "hello")
    fill_in(world)
    other = chat(world, "hello")
    assert other.conversation_id != owner.conversation_id
    theirs, mine = (world.conversation(each.conversation_id).contact_id for each in (owner, other))
    with world.store.read() as connection:
        assert matching.candidates(connection, mine) == [matching.Hint(theirs, "stated", NUMBER)]
        assert [each.channel for each in contact_queries.get(connection, mine).identities] == ["webchat"]
    fill_in(world)  # saying it again changes nothing
    assert [each.channel for each in ways(world, mine)] == ["webchat"]


def test_a_number_in_use_by_whatsapp_is_nobodys_to_state(world: World) -> None:
    owner = text(world, "hello", "34600123456", "whatsapp")
    fill_in(world)
    chat(world, "hello")
    assert text(world, "now by text").conversation_id == owner.conversation_id


# --- what was only stated, and long ago -------------------------------------------------------------------------------


def test_whoever_writes_long_after_their_number_was_stated_is_a_person_of_their_own(world: World) -> None:
    fill_in(world)
    first = chat(world, "hello")
    world.clock.pass_time(4 * DAY)
    owner = text(world, "who are you?")
    theirs = world.conversation(owner.conversation_id)
    mine = world.conversation(first.conversation_id).contact_id
    assert theirs.contact_id != mine
    assert theirs.previous_id == "", "what was said before is none of their business"
    assert identity(world).evidence == "first_message"
    with world.store.read() as connection:
        assert matching.candidates(connection, mine) == [matching.Hint(theirs.contact_id, "stated", NUMBER)]
    assert text(world, "again").conversation_id == owner.conversation_id
    assert chat(world, "and I").conversation_id != owner.conversation_id


@pytest.mark.parametrize("minutes_too_late", [0, 1])
def test_a_statement_holds_as_long_as_the_inboxs_window(world: World, minutes_too_late: int) -> None:
    fill_in(world)  # and then nothing was written in the chat
    stated = identity(world).contact_id
    window = world.inbox(PHONES).window
    world.clock.pass_time(window - 60_000_000 + minutes_too_late * 120_000_000)
    said = text(world, "hello")
    assert (world.conversation(said.conversation_id).contact_id == stated) == (not minutes_too_late)


def test_while_a_person_helps_the_number_joins_however_late(world: World) -> None:
    fill_in(world)
    first = chat(world, "a person please")
    world.store.write(lambda tx: assignment.take(tx, first.conversation_id, ANA))
    world.clock.pass_time(20 * DAY)
    assert text(world, "here I am").conversation_id == first.conversation_id


def test_a_number_that_was_used_once_stays(world: World) -> None:
    fill_in(world)
    chat(world, "hello")
    said = text(world, "me too")
    world.clock.pass_time(100 * DAY)
    again = text(world, "next year")
    assert again.conversation_id != said.conversation_id
    assert world.count(t.contact) == 1


def test_by_whatsapp_from_a_stated_number_the_same_holds(world: World) -> None:
    fill_in(world)
    chat(world, "hello")
    fill_in(world, OTHER, "second visitor")
    second = chat(world, "hello", "second visitor")
    assert text(world, "me", OTHER, "whatsapp").conversation_id == second.conversation_id
    world.clock.pass_time(4 * DAY)
    late = text(world, "me", NUMBER, "whatsapp")
    assert identity(world, "whatsapp").evidence == "first_message"
    assert identity(world).contact_id == world.conversation(late.conversation_id).contact_id, "both, or neither"


def test_proof_takes_a_number_away_from_whoever_only_stated_it(world: World) -> None:
    fill_in(world)
    stranger = chat(world, "hello")
    evidence = (("customer", f"{WEB}:4711", "signed_identity"), ("phone", "+34 600 12 34 56", "signed_identity"))
    owner = chat(world, "hello", "owner", evidence)
    assert owner.conversation_id != stranger.conversation_id
    assert text(world, "from my phone").conversation_id == owner.conversation_id
    assert identity(world).evidence == "signed_identity"


def test_nobody_joins_a_stranger_who_stated_their_address_by_signing_in(world: World) -> None:
    fill_in(world, "", "stranger", "ana@example.org")
    stranger = chat(world, "hello", "stranger")
    owner = chat(world, "hello", "owner", (("email", "ana@example.org", "signed_identity"),))
    assert owner.conversation_id != stranger.conversation_id


def test_one_visitor_cannot_try_out_whose_number_is_whose(world: World) -> None:
    for number in range(contacts.MOST_STATED):
        fill_in(world, f"+3460000000{number}")
    with pytest.raises(Refused, match="phone"):
        fill_in(world, "+34600000099")


# --- who is verified --------------------------------------------------------------------------------------------------


def test_who_is_verified_in_the_chat_is_verified_by_text_from_the_number_they_named(world: World) -> None:
    fill_in(world)
    asked = chat(world, "where is my order?")
    verify(world, asked)
    assert is_told(world, asked)
    by_text = text(world, "and now?")
    assert is_told(world, by_text)
    assert level(world, asked.conversation_id) == "verified"


def test_an_unverified_chat_does_not_inherit_the_proof_of_a_number_that_it_named(world: World) -> None:
    fill_in(world)
    stranger = chat(world, "hello")
    owner = text(world, "where is my order?")
    assert owner.conversation_id == stranger.conversation_id, "they are read together: the agent sees both"
    verify(world, owner)
    assert level(world, owner.conversation_id) == "verified"
    again = chat(world, "and where is it?")
    assert not is_told(world, again)
    assert level(world, again.conversation_id) == "none"
    assert is_told(world, owner), "asked by the owner and still being answered"
    once_more = text(world, "and now?")
    assert is_told(world, once_more)


def test_the_bot_is_told_the_level_of_whoever_wrote_and_answers_there(world: World) -> None:
    told: list[str] = []
    reply = world.bot.reply

    def listening(**asked: object) -> object:
        told.append(str(dict(asked["metadata"])["verified_level"]))  # type: ignore[call-overload]
        return reply(**asked)  # type: ignore[arg-type]

    world.bot.reply = listening  # type: ignore[method-assign, assignment]
    fill_in(world)
    stranger = chat(world, "hello")
    owner = text(world, "hello")
    verify(world, owner)
    chat(world, "hello")
    text(world, "hello")
    world.run()
    assert told == ["none", "verified", "none", "verified"]
    with world.store.read() as connection:
        rows = connection.execute(t.message.select().where(t.message.c.author_kind == "bot"))
        assert [row.channel for row in sorted(rows, key=lambda row: row.event_id)] == ["webchat", "sms"] * 2
    assert stranger.conversation_id == owner.conversation_id


def test_a_signature_in_the_middle_of_a_visit_is_proof(world: World) -> None:
    asked = chat(world, "hello")
    assert world.conversation(asked.conversation_id).verified_level == "none"
    evidence = (("customer", f"{WEB}:4711", "signed_identity"),)
    chat(world, "now signed in", evidence=evidence)
    chat(world, "still signed in", evidence=evidence)
    signed = world.conversation(asked.conversation_id)
    assert (signed.verified_level, signed.verified_by) == ("verified", "signed_identity")
    assert signed.verified_identity == identity(world, "webchat", "visitor").id
    assert world.kinds(asked.conversation_id).count("IdentityVerified") == 1
    assert identity(world, "customer", f"{WEB}:4711").stated_by == signed.verified_identity


# --- agents -----------------------------------------------------------------------------------------------------------


def test_an_agent_writes_a_number_down_and_its_owner_is_known(world: World) -> None:
    first = chat(world, "my number is six hundred…")
    contact_id = world.conversation(first.conversation_id).contact_id
    world.store.write(lambda tx: contacts.add_by_agent(tx, contact_id, "phone", "600 12 34 56", "ES", BY))
    world.store.write(lambda tx: assignment.resolve(tx, first.conversation_id, BY))
    world.clock.pass_time(100 * DAY)
    said = text(world, "hello")
    assert world.conversation(said.conversation_id).contact_id == contact_id
    with world.store.read() as connection:
        (held,) = [each for each in contact_queries.get(connection, contact_id).identities if each.channel == "sms"]
    assert (held.evidence, held.linked_by) == ("agent", ("agent", ANA, "Ana"))
    stranger = text(world, "hello", OTHER)
    theirs = world.conversation(stranger.conversation_id).contact_id
    with pytest.raises(Conflict, match=theirs):
        world.store.write(lambda tx: contacts.add_by_agent(tx, contact_id, "phone", OTHER, "", BY))
    with pytest.raises(Refused, match="value"):
        world.store.write(lambda tx: contacts.add_by_agent(tx, contact_id, "phone", "12", "ES", BY))
    with pytest.raises(NotFound):
        world.store.write(lambda tx: contacts.add_by_agent(tx, "nobody", "phone", "+34600000001", "", BY))


@pytest.fixture
def mixed(world: World) -> tuple[Received, Received]:
    """(chat, text) of one conversation, of two people as it turns out; an agent has it."""
    fill_in(world)
    mine = chat(world, "hello")
    world.store.write(lambda tx: assignment.take(tx, mine.conversation_id, ANA))
    theirs = text(world, "who is this?")
    assert theirs.conversation_id == mine.conversation_id
    world.store.write(lambda tx: replies.reply(tx, mine.conversation_id, ANA, "we are the shop", "c1"))
    return mine, theirs


def unlink(world: World, conversation_id: str, identity_id: str) -> merging.Unlinked:
    def use_case(tx: Tx) -> merging.Unlinked:
        contact_id = tx.conversation(conversation_id).contact_id
        return merging.unlink(tx, contact_id, identity_id, BY, conversation_id=conversation_id)

    return world.store.write(use_case)


def texts(world: World, conversation_id: str) -> list[str]:
    return [said for _, said, _ in world.thread(conversation_id)]


def test_what_somebody_else_said_becomes_theirs_and_comes_back(world: World, mixed: tuple[Received, Received]) -> None:
    mine, _ = mixed
    held = identity(world)
    done = unlink(world, mine.conversation_id, held.id)
    assert texts(world, mine.conversation_id) == ["hello"]
    assert texts(world, done.conversation_id) == ["who is this?", "we are the shop"]
    parted, kept = world.conversation(done.conversation_id), world.conversation(mine.conversation_id)
    assert (parted.contact_id, parted.channel, parted.identity_id) == (done.contact_id, "sms", held.id)
    assert (parted.status, parted.assignee_id) == (Status.ASSIGNED, ANA)
    assert (kept.contact_id, kept.channel) == (identity(world, "webchat", "visitor").contact_id, "webchat")
    assert kept.contact_id != parted.contact_id
    assert identity(world).evidence == "first_message"
    assert text(world, "leave me alone").conversation_id == done.conversation_id
    assert world.store.write(lambda tx: merging.undo(tx, done.event_id, BY)) == mine.conversation_id
    assert (identity(world).evidence, identity(world).stated_by) == ("stated", held.stated_by)
    assert identity(world).contact_id == kept.contact_id
    assert world.conversation(done.conversation_id).merged_into == mine.conversation_id, "it had gone on"
    with pytest.raises(Conflict):
        world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    assert text(world, "all right, it is me").conversation_id == mine.conversation_id


def test_the_split_alone_is_not_taken_back(world: World, mixed: tuple[Received, Received]) -> None:
    """It would put one person's messages into another's conversation."""
    mine, _ = mixed
    unlink(world, mine.conversation_id, identity(world).id)
    with world.store.read() as connection:
        found = connection.execute(t.event.select().where(t.event.c.kind == "MessagesMovedOut")).one()
    with pytest.raises(Conflict, match="somebody else's by now"):
        world.store.write(lambda tx: merging.undo(tx, found.id, BY))


def test_taken_back_at_once_it_is_as_it_was(world: World, mixed: tuple[Received, Received]) -> None:
    mine, _ = mixed
    before = (texts(world, mine.conversation_id), world.conversation(mine.conversation_id).identity_id)
    done = unlink(world, mine.conversation_id, identity(world).id)
    world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    assert (texts(world, mine.conversation_id), world.conversation(mine.conversation_id).identity_id) == before


def test_what_is_read_in_the_conversation_is_parted_too(world: World, mixed: tuple[Received, Received]) -> None:
    """Split by hand and merged again, a conversation is two that are read as one."""
    mine, theirs = mixed
    _, second = world.store.write(lambda tx: merging.split(tx, mine.conversation_id, (theirs.message_id,), BY))
    later = text(world, "and again")
    assert later.conversation_id == second
    chat(world, "me too")
    world.store.write(lambda tx: merging.merge(tx, mine.conversation_id, second, BY))
    done = unlink(world, second, identity(world).id)
    assert texts(world, done.conversation_id) == ["who is this?", "we are the shop", "and again"]
    assert sorted(texts(world, second) + texts(world, mine.conversation_id)) == ["hello", "me too"]
    world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    assert world.conversation(done.conversation_id).merged_into == second
    assert identity(world).contact_id == world.conversation(second).contact_id


def test_a_list_does_not_show_what_was_parted(world: World, mixed: tuple[Received, Received]) -> None:
    mine, _ = mixed
    unlink(world, mine.conversation_id, identity(world).id)
    assert world.conversation(mine.conversation_id).last_message_id == mine.message_id


def test_a_desk_behind_a_switchboard_is_no_way_for_texts(world: World) -> None:
    fill_in(world, "911 23 45 67 ext. 12")
    first = chat(world, "hello")
    assert identity(world, address="+34911234567;ext=12").evidence == "stated"
    assert [each.channel for each in ways(world, world.conversation(first.conversation_id).contact_id)] == ["webchat"]


def test_a_number_that_never_wrote_is_unlinked_without_a_split(world: World) -> None:
    fill_in(world)
    first = chat(world, "hello")
    held = identity(world)
    done = unlink(world, first.conversation_id, held.id)
    assert done.conversation_id == ""
    assert identity(world).evidence == "agent"
    assert identity(world).contact_id == done.contact_id
    world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    assert identity(world).evidence == "stated"


def test_a_conversation_of_theirs_alone_goes_with_them(world: World) -> None:
    fill_in(world)
    mine = chat(world, "hello")
    text(world, "me")
    world.store.write(lambda tx: assignment.resolve(tx, mine.conversation_id, BY))
    world.clock.pass_time(30 * DAY)
    alone = text(world, "something else")
    assert alone.conversation_id != mine.conversation_id
    contact_id = identity(world).contact_id
    done = world.store.write(lambda tx: merging.unlink(tx, contact_id, identity(world).id, BY))
    assert world.conversation(alone.conversation_id).contact_id == done.contact_id
    assert world.conversation(mine.conversation_id).contact_id == contact_id, "the chat stays where it was"
    world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    assert world.conversation(alone.conversation_id).contact_id == contact_id


def test_the_same_number_and_what_it_alone_stated_go_along(world: World) -> None:
    fill_in(world, OTHER)
    fill_in(world, email="ana@example.org", phone="")
    first = chat(world, "hello")
    text(world, "one", OTHER)
    text(world, "two", OTHER, "whatsapp")
    contact_id = world.conversation(first.conversation_id).contact_id
    # The agent learns of another number of the same person.
    world.store.write(lambda tx: contacts.add_by_agent(tx, contact_id, "phone", NUMBER, "", BY))
    done = unlink(world, first.conversation_id, identity(world, "whatsapp", OTHER).id)
    assert identity(world, "sms", OTHER).contact_id == identity(world, "whatsapp", OTHER).contact_id == done.contact_id
    assert identity(world).contact_id == contact_id
    done = unlink(world, first.conversation_id, identity(world, "webchat", "visitor").id)
    assert identity(world, "email", "ana@example.org").contact_id == done.contact_id, "the chat alone had stated it"
    assert identity(world).contact_id == contact_id


def test_what_cannot_be_unlinked(world: World, mixed: tuple[Received, Received]) -> None:
    mine, _ = mixed
    contact_id = identity(world).contact_id
    stranger = text(world, "hello", OTHER)
    for identity_id in (identity(world, address=OTHER).id, "nothing"):
        with pytest.raises(Refused, match="identity_id: must be an address of this contact"):
            unlink(world, mine.conversation_id, identity_id)
    with pytest.raises(Refused, match="must leave the contact another address"):
        unlink(world, stranger.conversation_id, identity(world, address=OTHER).id)
    with pytest.raises(Refused, match="of this conversation's customer"):
        world.store.write(
            lambda tx: merging.unlink(tx, contact_id, identity(world).id, BY, conversation_id=stranger.conversation_id)
        )
    with pytest.raises(NotFound):
        world.store.write(lambda tx: merging.unlink(tx, "nobody", "nothing", BY))


def test_merges_around_an_unlinked_address_are_taken_back_from_the_top(
    world: World, mixed: tuple[Received, Received]
) -> None:
    mine, _ = mixed
    stranger = text(world, "hello", OTHER)
    one, other = (world.conversation(each.conversation_id).contact_id for each in (mine, stranger))
    merged = world.store.write(lambda tx: contacts.merge(tx, other, one, BY))
    done = unlink(world, mine.conversation_id, identity(world, address=OTHER).id)
    with pytest.raises(Conflict, match="take that back first"):
        world.store.write(lambda tx: merging.undo(tx, merged, BY))
    world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    world.store.write(lambda tx: merging.undo(tx, merged, BY))
    assert identity(world, address=OTHER).contact_id == other


def test_splitting_answers_whoever_is_left(world: World, mixed: tuple[Received, Received]) -> None:
    """Messages picked one by one: the answers of both conversations go to who wrote in them."""
    mine, theirs = mixed
    _, new_id = world.store.write(lambda tx: merging.split(tx, mine.conversation_id, (mine.message_id,), BY))
    assert world.conversation(new_id).channel == "webchat"
    assert world.conversation(mine.conversation_id).channel == "sms"
    assert theirs.conversation_id == mine.conversation_id


def test_the_history_of_a_contact_names_who_did_what(world: World, mixed: tuple[Received, Received]) -> None:
    mine, _ = mixed
    done = unlink(world, mine.conversation_id, identity(world).id)
    world.store.write(lambda tx: merging.undo(tx, done.event_id, BY))
    with world.store.read() as connection:
        found = contact_queries.history(connection, [identity(world).contact_id])
    told = [(type(each.recorded.event).__name__, each.agent_name) for each in found]
    assert ("IdentityLinked", "") in told
    assert ("IdentityUnlinked", "Ana") in told
    assert told[-1] == ("IdentityMoved", "Ana")
    assert [each.recorded.id for each in found] == sorted(each.recorded.id for each in found)


# --- at once ----------------------------------------------------------------------------------------------------------


def test_fifty_first_messages_over_two_channels_are_one_conversation(world: World) -> None:
    fill_in(world)
    with ThreadPoolExecutor(50) as pool:
        said = [
            pool.submit(chat, world, f"m{n}") if n % 2 else pool.submit(text, world, f"m{n}", NUMBER) for n in range(50)
        ]
        received = [each.result(120) for each in said]
    assert len({each.conversation_id for each in received}) == 1
    assert world.count(t.contact) == world.count(t.conversation) == 1
    assert world.count(t.message) == 50


def test_fifty_first_messages_of_a_number_nobody_knows_are_one_person(world: World) -> None:
    with ThreadPoolExecutor(50) as pool:
        said = [pool.submit(text, world, f"m{n}", NUMBER, ("sms", "whatsapp")[n % 2]) for n in range(50)]
        received = [each.result(120) for each in said]
    assert len({each.conversation_id for each in received}) == 1
    assert world.count(t.contact) == 1
    assert world.count(t.identity) == 2


def test_signed_in_and_texting_for_the_first_time_at_once_is_one_person(world: World) -> None:
    evidence = (("customer", f"{WEB}:4711", "signed_identity"), ("phone", NUMBER, "signed_identity"))
    with ThreadPoolExecutor(20) as pool:
        said = [
            pool.submit(chat, world, f"m{n}", f"device-{n % 4}", evidence)
            if n % 2
            else pool.submit(text, world, f"m{n}", NUMBER)
            for n in range(20)
        ]
        received = [each.result(120) for each in said]
    assert len({each.conversation_id for each in received}) == 1
    assert world.count(t.contact) == 1


def test_a_text_that_comes_while_its_number_is_unlinked_goes_with_it(
    world: World, mixed: tuple[Received, Received]
) -> None:
    if not world.store.postgres:
        pytest.skip("SQLite has one writer: nothing comes during a transaction")
    mine, _ = mixed
    contact_id, held = identity(world).contact_id, identity(world).id
    unlinked, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> merging.Unlinked:
        done = merging.unlink(tx, contact_id, held, BY, conversation_id=mine.conversation_id)
        tx.flush()
        unlinked.set()
        assert go_on.wait(30)
        return done

    with ThreadPoolExecutor(2) as pool:
        unlinking = pool.submit(world.store.write, slow)
        assert unlinked.wait(30)
        saying = pool.submit(text, world, "hello?")
        wait_for_a_lock(world)
        go_on.set()
        done, received = unlinking.result(30), saying.result(30)
    assert received.conversation_id == done.conversation_id


def test_ten_agents_who_unlink_a_number_at_once_unlink_it_once(world: World, mixed: tuple[Received, Received]) -> None:
    mine, _ = mixed
    contact_id, held = identity(world).contact_id, identity(world).id

    def at_once() -> bool:
        try:
            world.store.write(lambda tx: merging.unlink(tx, contact_id, held, BY, conversation_id=mine.conversation_id))
        except (Refused, Conflict):
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        done = [pool.submit(at_once) for _ in range(10)]
        assert sorted(each.result(60) for each in done) == [False] * 9 + [True]


def test_a_number_stated_by_many_at_once_is_linked_once(world: World) -> None:
    with ThreadPoolExecutor(10) as pool:
        done = [pool.submit(fill_in, world, "600 12 34 56", f"visitor-{n}") for n in range(10)]
        for each in done:
            each.result(60)
    linked = identity(world)
    with world.store.read() as connection:
        claims = connection.execute(t.identity.select().where(t.identity.c.channel == matching.CLAIM)).all()
    assert len(claims) == 9
    assert linked.contact_id not in {each.contact_id for each in claims}
