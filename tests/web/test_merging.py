"""Merging, splitting and taking back, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.domain.messages import Address
from hub.services import contacts
from hub.store import tables as t
from tests.fixtures_hub import WEB, World
from tests.web.conftest import Screen


def texts(screen: Screen, conversation_id: str, **query: object) -> list[str]:
    page = screen.get(f"/conversations/{conversation_id}/messages", **query)
    return [each["text"] for each in page["items"] if each["author"]["kind"] == "contact"]


def two_matters(world: World) -> tuple[str, str]:
    """Two conversations of one contact."""
    first = world.say("about the kettle", thread_key="kettle").conversation_id
    second = world.say("about the toaster", thread_key="toaster").conversation_id
    assert first != second
    return first, second


def one_contact_twice(world: World) -> tuple[str, str]:
    """The conversations of two contacts who are one person."""
    first = world.say("hello", sender="customer-1").conversation_id
    second = world.say("hello again", sender="customer-2").conversation_id
    return first, second


@pytest.fixture
def split(world: World, open_screen: Callable[..., Screen]) -> tuple[Screen, str, str, int]:
    """(screen, conversation, the new one, event) after a split."""
    agent = open_screen()
    received = [world.say(text) for text in ("about the kettle", "about the toaster")]
    conversation_id = received[0].conversation_id
    done = agent.change("POST", f"/conversations/{conversation_id}/split", {"message_ids": [received[1].message_id]})
    return agent, conversation_id, done["conversation"]["id"], done["event_id"]


def test_a_split_and_back(split: tuple[Screen, str, str, int]) -> None:
    agent, conversation_id, new_id, event_id = split
    assert texts(agent, conversation_id) == ["about the kettle"]
    assert texts(agent, new_id) == ["about the toaster"]
    assert agent.change("POST", f"/events/{event_id}/undo")["id"] == conversation_id
    assert texts(agent, conversation_id) == ["about the kettle", "about the toaster"]
    assert agent.problem("POST", f"/events/{event_id}/undo") == (409, "conflict")


def test_a_merge_reads_as_one_thread_and_back(split: tuple[Screen, str, str, int], world: World) -> None:
    agent, conversation_id, new_id, _ = split
    merged = agent.change("POST", f"/conversations/{new_id}/merge", {"into": conversation_id})
    assert merged["conversation"]["id"] == conversation_id
    assert texts(agent, conversation_id) == ["about the kettle", "about the toaster"]
    assert texts(agent, conversation_id, limit=1) == ["about the toaster"]
    assert agent.get(f"/conversations/{conversation_id}")["merged_from"] == [new_id]
    assert agent.get(f"/conversations/{new_id}")["conversation"]["merged_into"] == conversation_id
    assert new_id not in {each["id"] for each in agent.get("/conversations", view="all")["items"]}
    assert agent.change("POST", f"/events/{merged['event_id']}/undo")["merged_into"] is None
    assert texts(agent, conversation_id) == ["about the kettle"]


def test_contacts_become_one_and_two_again(world: World, open_screen: Callable[..., Screen]) -> None:
    supervisor = open_screen("supervisor")
    first, second = one_contact_twice(world)
    one, other = (world.conversation(each).contact_id for each in (first, second))
    candidates = supervisor.get(f"/contacts/{one}/candidates")["items"]
    assert [(each["contact"]["id"], each["reason"]) for each in candidates] == [(other, "same_name")]
    merged = supervisor.change("POST", f"/contacts/{other}/merge", {"into": one})
    assert {each["address"] for each in merged["contact"]["identities"]} == {"customer-1", "customer-2"}
    assert supervisor.get(f"/contacts/{other}")["merged_into"] == one
    assert [each["id"] for each in supervisor.get(f"/conversations/{first}")["earlier"]] == [second]
    agent = open_screen("agent")
    assert agent.problem("POST", f"/events/{merged['event_id']}/undo") == (403, "forbidden")
    assert supervisor.change("POST", f"/events/{merged['event_id']}/undo")["id"] == second
    assert supervisor.get(f"/contacts/{other}")["merged_into"] is None


def test_a_contact_without_conversations_comes_back_too(world: World, open_screen: Callable[..., Screen]) -> None:
    supervisor = open_screen("supervisor")
    first = world.conversation(world.say("hello").conversation_id).contact_id
    # Filled in the form and went away.
    address = Address("webchat", "visitor-9", WEB)
    world.store.write(lambda tx: contacts.state_details(tx, address, "Silent", "silent@example.org", ""))
    with world.store.read() as connection:
        silent = connection.execute(t.contact.select().where(t.contact.c.name == "Silent")).one().id
    merged = supervisor.change("POST", f"/contacts/{silent}/merge", {"into": first})
    response = supervisor.call("POST", f"/events/{merged['event_id']}/undo")
    assert (response.status_code, response.data) == (204, b"")
    assert supervisor.get(f"/contacts/{silent}")["merged_into"] is None


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/events/9223372036854775807/undo", (404, "not_found")),
        ("/events/9223372036854775808/undo", (404, "not_found")),
        ("/events/1/undo", (422, "refused")),
    ],
)
def test_what_cannot_be_taken_back(
    path: str, answer: tuple[int, str], world: World, open_screen: Callable[..., Screen]
) -> None:
    world.say("hello")
    assert open_screen().problem("POST", path) == answer


def test_not_into_itself_nor_into_nothing(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    conversation_id = world.say("hello").conversation_id
    path = f"/conversations/{conversation_id}/merge"
    assert agent.problem("POST", path, {"into": conversation_id}) == (422, "refused")
    assert agent.problem("POST", path, {"into": "nothing"}) == (404, "not_found")
