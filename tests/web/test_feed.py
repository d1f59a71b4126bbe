"""The feed as screens read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.store import feed
from hub.web import render
from tests.fixtures_hub import World
from tests.web.conftest import Screen


def read_all(screen: Screen, after: str, limit: int = 200) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while True:
        page = screen.get("/events", after=after, limit=limit)
        found += page["entries"]
        after = page["cursor"]
        if not page["more"]:
            return found
        assert len(page["entries"]) == limit


def test_without_a_cursor_it_is_empty_and_says_now(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    world.say("before")
    now = agent.get("/events")
    assert (now["entries"], now["more"]) == ([], False)
    received = world.say("after")
    entries = read_all(agent, now["cursor"])
    assert [each["kind"] for each in entries] == ["MessageReceived"]
    (entry,) = entries
    assert entry["conversation_id"] == received.conversation_id
    assert entry["message"]["text"] == "after"
    assert entry["message"]["id"] == received.message_id
    assert entry["actor"]["name"] == "Carla Ruiz"
    assert entry["conversation"]["unread"] == 2
    assert entry["conversation"]["last_message"]["text"] == "after"


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_page_by_page_nothing_is_lost_or_doubled(world: World, open_screen: Callable[..., Screen], limit: int) -> None:
    agent = open_screen()
    conversation_id = world.say("I want a person").conversation_id
    world.run()
    entries = read_all(agent, "0.0", limit)
    mine = [each for each in entries if each["conversation_id"] == conversation_id]
    assert [each["kind"] for each in mine] == world.kinds(conversation_id)
    assert [each["sequence"] for each in mine] == list(range(1, len(mine) + 1))
    cursors = [feed.Cursor.parse(str(each["cursor"])) for each in entries]
    assert cursors == sorted(set(cursors))


def test_a_delivery_report_comes_with_the_message_as_it_is_now(
    world: World, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen()
    conversation_id = world.say("I want a person").conversation_id
    world.run()
    cursor = agent.get("/events")["cursor"]
    sent = agent.change("POST", f"/conversations/{conversation_id}/messages", {"client_id": "c", "text": "Hello"})
    world.run()
    reports = [each for each in read_all(agent, cursor) if each["kind"] == "DeliveryChanged"]
    assert {each["message"]["id"] for each in reports} == {sent["id"]}
    assert {each["message"]["delivery"]["state"] for each in reports} == {"sent"}


def test_live_and_resync_show_the_same(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    world.say("I want a person")
    world.run()
    with world.store.read() as connection:
        pushed = render.entries(connection, feed.read(connection, feed.Cursor()), world.hub)
    assert [each.model_dump(mode="json") for each in pushed] == read_all(agent, "0.0")


def test_nothing_to_show_asks_nothing(world: World) -> None:
    with world.store.read() as connection:
        assert render.entries(connection, feed.Page((), feed.Cursor(), False), world.hub) == []


@pytest.mark.parametrize(
    "after", ["1", "1.", ".1", "1.x", "-1.0", "1.0.0", "9" * 40 + ".1", f"1.{2**63}", f"{2**63}.1"]
)
def test_a_strange_cursor_is_refused(after: str, open_screen: Callable[..., Screen]) -> None:
    response = open_screen().client.get("/api/v1/events", query_string={"after": after})
    assert (response.status_code, response.get_json()["field"]) == (422, "after")
