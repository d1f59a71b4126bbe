"""A customer goes on in another channel by a link: once, soon, in the inbox that it was made for, and as themselves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hub.domain import deep_links as domain
from hub.domain import events as e
from hub.domain.errors import Conflict, Refused
from hub.domain.inbox import AccountState
from hub.domain.messages import Address, Author, InboundMessage, Parsed, Referral, WebhookRequest
from hub.hub import Hub
from hub.services import assignment, contacts, deep_links, inbound, merging, replies
from hub.services.inbound import Received
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import inbox_health, matching, messages
from hub.store.queries import records as record_queries
from tests.fixtures_hub import ANA, PAPER, TEAM, WEB, World

BY = e.Actor(Author.AGENT, ANA)
OTHER = "inbox-other"
REFERENCE, TEXT = "https://go.example/{handle}?start={token}", "https://go.example/{handle}?text={text}"


@pytest.fixture
def world(world: World) -> World:
    """With a second inbox of the same channel, whose provider has said what its account is called."""
    values = {"id": OTHER, "key": "key-other", "name": "Other", "channel": "paper", "team_id": TEAM}
    world.store.write(lambda tx: tx.add(t.inbox, values))
    for inbox_id in (PAPER, OTHER):
        world.store.write(
            lambda tx, of=inbox_id: inbox_health.checked(tx, of, AccountState("Paper", handle="paper & co"))
        )
    world.paper.capabilities = replace(world.paper.capabilities, deep_link=REFERENCE)
    world.hub.inboxes.forget()
    return world


@pytest.fixture(autouse=True)
def projections_agree(world: World) -> Iterator[None]:
    """After every scenario the tables are what the log says."""
    yield
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


@pytest.fixture
def chat(world: World) -> Received:
    """What a visitor of the web page wrote; an agent has it."""
    said = world.say("where is my order?", inbox_id=WEB, sender="visitor", name="Eva")
    world.store.write(lambda tx: assignment.take(tx, said.conversation_id, ANA))
    return said


def give(world: World, said: Received, inbox_id: str = PAPER, *, send: bool = True) -> str:
    """An agent sends the customer a link. Returns its token."""
    given = deep_links.give(world.hub, said.conversation_id, inbox_id, ANA)
    if send:
        world.store.write(lambda tx: replies.reply(tx, said.conversation_id, ANA, given.text, f"c-{world.clock.now()}"))
    assert given.link in given.text
    (token,) = (each for each in given.link.replace("%20", "=").split("=") if domain.is_token(each))
    return token


def come(
    world: World, token: str, who: str = "eva", text: str = "", inbox_id: str = PAPER, external_id: str = ""
) -> Received:
    """Somebody opens a link, whose word comes back as a reference."""
    inbox = world.inbox(inbox_id)
    message = InboundMessage(
        external_id or f"y-{who}-{world.clock.now()}",
        Address("paper", who, display_name=who.title()),
        text,
        referral=Referral("link", reference=token),
    )
    request, rules = WebhookRequest("POST", "https://hub.example/webhooks/paper"), world.paper.capabilities
    (received,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request, rules))
    return received


def held(world: World, who: str = "eva", channel: str = "paper", scope: str = "") -> matching.HeldIdentity:
    with world.store.read() as connection:
        found = matching.identities_at(connection, channel, who)
    return next(each for each in found if each.channel == channel)


def outcomes(world: World, conversation_id: str) -> list[str]:
    """What the thread says of those who came by a link."""
    with world.store.read() as connection:
        said, _ = messages.thread(connection, (conversation_id,))
    kept = [json.loads(each.extras) for each in said if each.extras]
    return [each["link"] for each in kept if "link" in each]


def test_a_link_makes_one_conversation_of_two_channels(world: World, chat: Received) -> None:
    token = give(world, chat)
    came = come(world, token, text=f"/start {token}")
    assert came.conversation_id == chat.conversation_id
    assert world.count(t.contact) == world.count(t.conversation) == 1
    new = held(world)
    assert (new.evidence, new.contact_id) == ("signed_link", world.conversation(chat.conversation_id).contact_id)
    assert new.stated_by == held(world, "visitor", "webchat").id, "the link went there"
    kinds = world.kinds(chat.conversation_id)
    assert kinds[-4:-1] == ["SegmentBegan", "MessageReceived", "LinkFollowed"]
    thread = world.thread(chat.conversation_id)
    assert thread[-2] == ("contact", "", "delivered"), "the word is nothing that they said"
    assert thread[-1][:2] == ("system", "We go on here. Everything that you have written so far is with us.")
    assert outcomes(world, chat.conversation_id) == ["linked"]
    with world.store.read() as connection:
        said, _ = messages.thread(connection, (chat.conversation_id,))
        assert [each.rule for each in said if each.kind == "incoming"] == ["new", "link"]
        assert [each.segment.evidence for each in said if each.segment] == ["signed_link"]
        assert token.encode() not in repr(connection.execute(t.deep_link.select()).all()).encode()
    # What they write next is in the same conversation, and the answer goes where they are now.
    assert come(world, "no word", text="hello?").conversation_id == chat.conversation_id
    assert world.conversation(chat.conversation_id).inbox_id == PAPER


def test_a_text_with_the_word_is_read_without_it_and_the_bot_never_asked(world: World) -> None:
    world.paper.capabilities = replace(world.paper.capabilities, deep_link=TEXT)
    chat = world.say("hi", inbox_id=WEB, sender="visitor")
    given = deep_links.give(world.hub, chat.conversation_id, PAPER, ANA)
    assert given.link.startswith(
        "https://go.example/paper%20%26%20co?text=I%20would%20like%20to%20go%20on%20here%3A%20go-"
    )
    words = given.link.partition("text=")[2].replace("%20", " ").replace("%3A", ":")
    world.run()
    asked = world.bot.asked
    inbox, rules = world.inbox(PAPER), world.paper.capabilities
    for number, (text, left) in enumerate([(words, ""), (f"Hola. {words}\n¿y mi pedido?", "Hola. \n¿y mi pedido?")]):
        message = InboundMessage(f"w-{number}", Address("paper", "eva"), text)
        request = WebhookRequest("POST", "https://hub.example/webhooks/paper")
        (came,) = world.store.write(lambda tx, m=message, r=request: inbound.accept(tx, inbox, Parsed((m,)), r, rules))
        assert came.conversation_id == chat.conversation_id
        assert [said for kind, said, _ in world.thread(chat.conversation_id) if kind == "contact"][-1] == left
        world.run()
        assert world.bot.asked == asked + number, "only what they added is a question"
    assert outcomes(world, chat.conversation_id) == ["linked", "used"]
    # The second time they are told the same: they are with us already.
    told = [said for kind, said, _ in world.thread(chat.conversation_id) if kind == "system"]
    assert told == ["We go on here. Everything that you have written so far is with us."] * 2


@pytest.mark.parametrize("why", ["used", "expired", "elsewhere", "unknown", "forged"])
def test_a_link_that_is_not_good_joins_nothing_and_says_so(world: World, chat: Received, why: str) -> None:
    token = give(world, chat)
    inbox_id = PAPER
    if why == "used":
        come(world, token, "somebody")
    elif why == "expired":
        world.clock.pass_time(601_000_000)
    elif why == "elsewhere":
        inbox_id = OTHER
    elif why == "forged":
        token = f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"
    else:
        token = domain.new_token()
    before = world.count(t.contact)
    came = come(world, token, "mallory", "tell me everything", inbox_id)
    assert came.conversation_id != chat.conversation_id
    assert world.count(t.contact) == before + 1
    assert held(world, "mallory").evidence == "first_message"
    assert outcomes(world, came.conversation_id) == ["unknown" if why == "forged" else why]
    assert "LinkFollowed" in world.kinds(came.conversation_id)
    thread = world.thread(came.conversation_id)
    assert ("contact", "tell me everything", "delivered") in thread
    assert "not good any more" in thread[-1][1]
    if why in ("elsewhere", "forged"):  # nothing is used up by it
        assert come(world, give(world, chat), "eva").conversation_id == chat.conversation_id


def test_a_repeated_webhook_writes_nothing_more(world: World, chat: Received) -> None:
    token = give(world, chat)
    first = come(world, token, external_id="same")
    events = world.count(t.event)
    again = come(world, token, external_id="same")
    assert (again.message_id, again.duplicate) == (first.message_id, True)
    assert world.count(t.event) == events


def test_of_two_who_come_by_one_link_at_once_one_is_joined(world: World, chat: Received) -> None:
    token = give(world, chat)
    together = threading.Barrier(4)

    def one(who: str) -> Received:
        together.wait()
        return come(world, token, who)

    with ThreadPoolExecutor(4) as pool:
        came = list(pool.map(one, ("a", "b", "c", "d")))
    assert sorted(each.conversation_id == chat.conversation_id for each in came) == [False, False, False, True]
    assert sorted(outcome for each in came for outcome in outcomes(world, each.conversation_id)) == [
        "linked", "used", "used", "used",
    ]  # fmt: skip


def test_of_copies_of_one_webhook_at_once_one_is_stored(world: World, chat: Received) -> None:
    token = give(world, chat)
    together = threading.Barrier(4)

    def one(_: int) -> Received:
        together.wait()
        return come(world, token, external_id="same")

    with ThreadPoolExecutor(4) as pool:
        came = list(pool.map(one, range(4)))
    assert {each.conversation_id for each in came} == {chat.conversation_id}
    assert sorted(each.duplicate for each in came) == [False, True, True, True]
    assert outcomes(world, chat.conversation_id) == ["linked"]
    assert world.kinds(chat.conversation_id).count("LinkFollowed") == 1


def test_whoever_was_known_as_somebody_else_becomes_one_with_them_and_parts_again(world: World, chat: Received) -> None:
    earlier = come(world, "", "eva", "an old question")
    assert earlier.conversation_id != chat.conversation_id
    came = come(world, give(world, chat), "eva", "it is me")
    assert came.conversation_id == chat.conversation_id
    assert world.conversation(earlier.conversation_id).contact_id == world.conversation(chat.conversation_id).contact_id
    assert held(world).evidence == "signed_link"
    # Somebody says that it was not: they had only forwarded the link.
    contact_id, link = held(world).contact_id, held(world).id
    parted = world.store.write(
        lambda tx: merging.unlink(tx, contact_id, link, BY, conversation_id=chat.conversation_id)
    )
    assert held(world).contact_id == parted.contact_id != contact_id
    assert world.conversation(earlier.conversation_id).contact_id == parted.contact_id
    assert world.conversation(parted.conversation_id).contact_id == parted.contact_id
    assert ("contact", "it is me", "delivered") in world.thread(parted.conversation_id)
    world.store.write(lambda tx: merging.undo(tx, parted.event_id, BY))
    assert (held(world).contact_id, held(world).evidence) == (contact_id, "signed_link")


def test_an_address_that_was_only_stated_comes_over_alone(world: World, chat: Received) -> None:
    stranger = world.say("hi", inbox_id=WEB, sender="stranger")
    stated = Address("paper", "eva")
    owner = world.conversation(stranger.conversation_id).contact_id
    world.store.write(lambda tx: contacts.link(tx, owner, stated, "stated"))
    assert come(world, give(world, chat)).conversation_id == chat.conversation_id
    assert held(world).evidence == "signed_link"
    assert world.conversation(stranger.conversation_id).contact_id == owner, "their contact stays their own"


def test_the_proof_of_whom_the_link_was_given_to_goes_along_and_none_comes_back(world: World, chat: Received) -> None:
    visitor = held(world, "visitor", "webchat").id
    proved = e.IdentityVerified("verified", "questions", visitor)
    world.store.write(lambda tx: tx.record(chat.conversation_id, proved))
    come(world, give(world, chat))

    def level(identity_id: str) -> str:
        with world.store.read() as connection:
            return record_queries.effective(connection, world.conversation(chat.conversation_id), identity_id)

    assert level(held(world).id) == "verified"
    come(world, give(world, chat, send=False), "dictated")
    assert held(world, "dictated").evidence == "signed_link"
    assert level(held(world, "dictated").id) == "none", "nobody knows who was told of that link"
    proved = replace(proved, identity_id=held(world).id)
    world.store.write(lambda tx: tx.record(chat.conversation_id, proved))
    assert level(visitor) == "none"


def test_the_conversation_of_a_link_that_was_given_away_meanwhile_is_not_joined(world: World, chat: Received) -> None:
    token = give(world, chat)
    theirs = world.conversation(chat.conversation_id).contact_id
    other = world.store.write(lambda tx: contacts.create(tx, "Other", "en"))
    world.store.write(lambda tx: tx.record(chat.conversation_id, e.MovedToContact(other)))
    came = come(world, token, "eva")
    assert came.conversation_id != chat.conversation_id
    assert outcomes(world, came.conversation_id) == ["unknown"]
    world.store.write(lambda tx: tx.record(chat.conversation_id, e.MovedToContact(theirs)))


def test_links_are_made_only_where_they_lead_somewhere(world: World, chat: Received, hub: Hub) -> None:
    assert [each.id for each in deep_links.inboxes(hub, WEB)] == [OTHER, PAPER]
    assert [each.id for each in deep_links.inboxes(hub, PAPER)] == [OTHER]
    world.store.write(lambda tx: inbox_health.checked(tx, OTHER, AccountState("Paper")))
    assert [each.id for each in deep_links.inboxes(hub, WEB)] == [PAPER]
    for inbox_id in (WEB, OTHER):
        with pytest.raises(Refused, match="inbox_id"):
            deep_links.give(hub, chat.conversation_id, inbox_id, ANA)
    second = world.say("again", inbox_id=WEB, sender="visitor", thread_key="another")
    if second.conversation_id != chat.conversation_id:
        world.store.write(lambda tx: merging.merge(tx, second.conversation_id, chat.conversation_id, BY))
        with pytest.raises(Conflict):
            deep_links.give(hub, second.conversation_id, PAPER, ANA)


def test_who_has_no_name_gets_the_one_that_they_have_there(world: World) -> None:
    chat = world.say("hi", inbox_id=WEB, sender="visitor", name="")
    come(world, give(world, chat))
    with world.store.read() as connection:
        assert [row.name for row in connection.execute(t.contact.select())] == ["Eva"]
