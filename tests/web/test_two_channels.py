"""One conversation over two channels, as screens get it: segments, ways, verification, evidence, unlinking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.services import contacts, inbound, records
from hub.services.inbound import Received
from hub.store import tables as t
from tests.fixtures_hub import TEAM, WEB, World
from tests.web.conftest import Screen

PHONES = "inbox-phones"
SPANISH, BRITISH = "+34600123456", "+442079460018"


@pytest.fixture
def world(world: World) -> World:
    """With an inbox of a Spanish firm for text messages."""
    values = {"id": PHONES, "key": "key-phones", "name": "Phones", "channel": "paper", "team_id": TEAM}
    world.store.write(lambda tx: tx.add(t.inbox, values | {"settings": '{"default_region": "ES"}'}))
    world.paper.capabilities = replace(world.paper.capabilities, channel="sms")
    world.hub.inboxes.forget()
    return world


def text(world: World, words: str, number: str = SPANISH) -> Received:
    message = InboundMessage(f"x-{world.clock.now()}", Address("sms", number), words)
    request, inbox = WebhookRequest("POST", "https://hub.example/webhooks/phones"), world.inbox(PHONES)
    (received,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    return received


def chat(world: World, words: str) -> Received:
    return world.say(words, inbox_id=WEB, sender="visitor", name="Eva")


def name_number(world: World, number: str = SPANISH) -> None:
    visitor = Address("webchat", "visitor", WEB)
    world.store.write(lambda tx: contacts.state_details(tx, visitor, "Eva Sanz", "", number))


@pytest.fixture
def conversation_id(world: World) -> str:
    """Begun in the chat, gone on by text."""
    name_number(world)
    chat(world, "hello")
    return text(world, "from my phone").conversation_id


def identity_of(screen: Screen, conversation_id: str, channel: str) -> dict[str, Any]:
    contact = screen.get(f"/conversations/{conversation_id}")["contact"]
    (found,) = (each for each in contact["identities"] if each["channel"] == channel)
    return dict(found)


def test_the_message_that_a_segment_begins_with_says_so(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen()
    items = agent.get(f"/conversations/{conversation_id}/messages")["items"]
    assert [each["segment_began"] is not None for each in items] == [False, True]
    number = identity_of(agent, conversation_id, "sms")
    assert items[1]["segment_began"] == {
        "channel": "sms",
        "inbox_id": PHONES,
        "inbox_name": "Phones",
        "identity_id": number["id"],
        "address_display": "600 12 34 56",
        "evidence": "stated",
    }
    visitor = identity_of(agent, conversation_id, "webchat")
    assert (number["evidence"], number["stated_by"]) == ("stated", visitor["id"])
    assert number["address_display"] == "+34 600 12 34 56"
    cursor = agent.get("/events")["cursor"]
    chat(world, "and back")
    entries = agent.get("/events", after=cursor)["entries"]
    (live,) = (each["message"] for each in entries if each["kind"] == "MessageReceived")
    assert live["segment_began"]["channel"] == "webchat"
    assert "SegmentBegan" in [each["kind"] for each in entries]


def test_the_composer_knows_how_the_customer_can_be_reached(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen()
    contact_id = world.conversation(conversation_id).contact_id
    added = agent.change(
        "POST", f"/contacts/{contact_id}/addresses", {"kind": "phone", "value": "020 7946 0018", "region": "GB"}
    )
    (new,) = (each for each in added["identities"] if each["address"] == BRITISH)
    assert (new["evidence"], new["linked_by"]["id"]) == ("agent", agent.agent_id)
    ways = agent.get(f"/conversations/{conversation_id}")["ways"]
    shown = [(each["channel"], each["inbox_id"], each["address_display"], each["never_written"]) for each in ways]
    reachable = [each for each in shown if each[1] in (PHONES, WEB)]
    assert reachable == [
        ("sms", PHONES, "600 12 34 56", False),
        ("webchat", WEB, "", False),
        ("sms", PHONES, "+44 20 7946 0018", True),
    ]
    assert [each["current"] for each in ways].count(True) == 1
    assert ways[0]["current"]
    assert not any(each["do_not_contact"] for each in ways)
    path = f"/conversations/{conversation_id}/messages"
    first = {"client_id": "c1", "text": "hello", "inbox_id": PHONES, "identity_id": new["id"]}
    assert agent.change("POST", path, first)["inbox_id"] == PHONES
    world.run()
    assert world.paper.sent[-1].address.value == BRITISH
    forbid = {"identity_id": new["id"], "forbidden": True, "reason": "said so on the phone"}
    agent.change("POST", f"/conversations/{conversation_id}/do-not-contact", forbid)
    assert agent.problem("POST", path, first | {"client_id": "c2"}) == (409, "do_not_contact")
    forbidden = [each["do_not_contact"] for each in agent.get(f"/conversations/{conversation_id}")["ways"]]
    assert True in forbidden


def test_who_was_verified_and_whether_it_holds_for_whoever_wrote_last(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen()
    path = f"/conversations/{conversation_id}"
    assert agent.get(path)["verification"] is None
    customer = {"customer_number": "4711", "name": "Eva", "postcode": "28013"}
    world.store.write(lambda tx: tx.add(t.customer_record, customer))
    said = text(world, "4711, 28013")
    where = (said.conversation_id, said.message_id)
    assert world.store.write(lambda tx: records.verify(tx, *where, "4711", "28013")).verified
    detail = agent.get(path)
    assert detail["conversation"]["verified_level"] == "verified"
    assert detail["verification"] == {
        "level": "verified",
        "method": "bot_form",
        "identity_id": identity_of(agent, conversation_id, "sms")["id"],
        "channel": "sms",
        "address_display": "+34 600 12 34 56",
        "holds": True,
    }
    chat(world, "and what about me?")
    detail = agent.get(path)
    assert detail["verification"]["holds"] is False
    assert detail["conversation"]["verified_level"] == "none"
    (row,) = (each for each in agent.get("/conversations", view="all")["items"] if each["id"] == conversation_id)
    assert row["verified_level"] == "none"


def test_what_somebody_else_said_is_parted_and_put_back(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen()
    number = identity_of(agent, conversation_id, "sms")
    body = {"identity_id": number["id"]}
    parted = agent.change("POST", f"/conversations/{conversation_id}/somebody-else", body)
    theirs = parted["conversation"]["id"]
    assert parted["conversation"]["channel"] == "sms"
    assert agent.get(f"/conversations/{conversation_id}")["conversation"]["channel"] == "webchat"
    said = agent.get(f"/conversations/{theirs}/messages")["items"]
    assert [each["text"] for each in said] == ["from my phone"]
    assert identity_of(agent, theirs, "sms")["evidence"] == "first_message"
    assert agent.change("POST", f"/events/{parted['event_id']}/undo")["id"] == conversation_id
    assert identity_of(agent, conversation_id, "sms")["evidence"] == "stated"
    contact_id = world.conversation(conversation_id).contact_id
    history = agent.get(f"/contacts/{contact_id}/history")["items"]
    assert history[0]["kind"] == "ContactCreated"
    done = [(each["kind"], each["actor"]["id"]) for each in history if each["actor"]["kind"] == "agent"]
    assert ("IdentityUnlinked", agent.agent_id) in done
    assert done[-1] == ("IdentityMoved", agent.agent_id)


def test_an_address_is_unlinked_from_a_contact(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen()
    contact_id = world.conversation(conversation_id).contact_id
    number = identity_of(agent, conversation_id, "sms")
    path = f"/contacts/{contact_id}/addresses/{number['id']}/unlink"
    done = agent.change("POST", path)
    assert [each["address"] for each in done["contact"]["identities"]] == [SPANISH]
    assert done["contact"]["id"] != contact_id
    assert agent.problem("POST", path) == (422, "refused")
    assert agent.call("POST", f"/events/{done['event_id']}/undo").status_code in (200, 204)
    assert identity_of(agent, conversation_id, "sms")["id"] == number["id"]


def test_candidates_come_with_their_reasons(world: World, open_screen: Callable[..., Screen]) -> None:
    owner = world.conversation(text(world, "hello").conversation_id).contact_id
    world.store.write(lambda tx: tx.change(t.contact, {"id": owner}, {"name": "Eva Sanz"}))
    name_number(world)
    chat(world, "my number is +34 600 123 456, call me")
    agent = open_screen()
    mine = world.conversation().contact_id
    (found,) = agent.get(f"/contacts/{mine}/candidates")["items"]
    assert (found["contact"]["id"], found["reason"]) == (owner, "stated")
    assert found["reasons"] == [
        {"reason": "stated", "address_display": "+34 600 12 34 56"},
        {"reason": "mentioned", "address_display": "+34 600 12 34 56"},
        {"reason": "same_name", "address_display": ""},
    ]
    identities = agent.get(f"/contacts/{mine}")["identities"]
    assert [each["channel"] for each in identities] == ["webchat"], "a claim is none of their addresses"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"kind": "phone", "value": "600123456"}, (422, "value")),
        ({"kind": "phone", "value": "600123456", "region": "es"}, (422, "region")),
        ({"kind": "phone", "value": "600123456", "region": "XX"}, (422, "region")),
        ({"kind": "phone", "value": "six hundred", "region": "ES"}, (422, "value")),
        ({"kind": "email", "value": "no address"}, (422, "value")),
        ({"kind": "slack", "value": "U1"}, (422, "kind")),
        ({"kind": "phone"}, (422, "value")),
    ],
)
def test_an_address_that_is_none_is_refused(
    body: dict[str, str], answer: tuple[int, str], world: World, open_screen: Callable[..., Screen]
) -> None:
    contact_id = world.conversation(chat(world, "hello").conversation_id).contact_id
    response = open_screen().call("POST", f"/contacts/{contact_id}/addresses", body)
    assert (response.status_code, response.get_json()["field"]) == answer


def test_an_address_of_another_contact_is_a_conflict_that_names_them(
    world: World, open_screen: Callable[..., Screen]
) -> None:
    owner = world.conversation(text(world, "hello").conversation_id).contact_id
    contact_id = world.conversation(chat(world, "hello").conversation_id).contact_id
    response = open_screen().call(
        "POST", f"/contacts/{contact_id}/addresses", {"kind": "phone", "value": "600 123 456", "region": "ES"}
    )
    assert (response.status_code, response.get_json()["error_id"]) == (409, "conflict")
    assert owner in response.get_json()["message"]
