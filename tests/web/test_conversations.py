"""Lists, threads, answers, and who has what: over HTTP, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from hub.domain.conversation import Conversation
from hub.domain.errors import NotFound
from hub.domain.events import Actor
from hub.domain.messages import Author, Delivery
from hub.services import assignment, handoff
from hub.store import tables as t
from hub.store.queries import conversations, messages
from tests.fixtures_hub import BEN, PAPER, SECOND_TEAM, TEAM, World
from tests.web.conftest import Screen

MINUTE = 60_000_000
BY = Actor(Author.AGENT, BEN)


def waiting(world: World, sender: str, priority: int = 0) -> str:
    """A conversation that waits for a person."""
    conversation_id = world.say("I want a person", sender=sender).conversation_id
    world.run()
    if priority:
        world.store.write(lambda tx: assignment.set_priority(tx, conversation_id, priority, BY))
    return conversation_id


def pages(screen: Screen, limit: int, **query: object) -> list[str]:
    """The ids of a list, page by page."""
    found: list[str] = []
    after = None
    while True:
        page = screen.get("/conversations", limit=limit, **query, **({"after": after} if after else {}))
        assert len(page["items"]) <= limit
        found += [each["id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            return found
        assert page["items"], "an empty page says that another follows"


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_the_queue_by_priority_then_waiting_time(world: World, open_screen: Callable[..., Screen], limit: int) -> None:
    priorities = (0, 3, 1, 3, 0, 4, 1)
    ids = [waiting(world, f"customer-{number}", priority) for number, priority in enumerate(priorities)]
    world.say("hello", sender="somebody else")
    world.run()
    assert pages(open_screen(), limit, view="queue") == [ids[n] for n in (5, 1, 3, 2, 6, 0, 4)]


def test_a_row_of_the_list(world: World, open_screen: Callable[..., Screen]) -> None:
    conversation_id = waiting(world, "customer-1", priority=2)
    (row,) = open_screen().get("/conversations")["items"]
    state = world.conversation(conversation_id)
    assert row["id"] == conversation_id
    assert (row["status"], row["priority"], row["channel"], row["team_id"]) == ("waiting", "medium", "paper", TEAM)
    assert row["contact"] == {"id": state.contact_id, "name": "Carla Ruiz"}
    assert (row["assignee_id"], row["snoozed_until"], row["merged_into"]) == (None, None, None)
    assert row["unread"] == 1
    assert row["last_message"]["author_kind"] == "contact", "what the hub says by itself is no news"
    waiting_since = datetime.fromisoformat(row["waiting_since"])
    assert row["waiting_since"].endswith("Z")
    assert (waiting_since - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == state.waiting_since


def test_the_other_views_newest_first(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    by = Actor(Author.AGENT, agent.agent_id)
    with_bot, mine, bens, asleep, done, queued = (waiting(world, f"customer-{number}") for number in range(6))
    world.store.write(lambda tx: assignment.hand_back(tx, with_bot, BY))
    world.store.write(lambda tx: assignment.take(tx, mine, agent.agent_id))
    world.store.write(lambda tx: assignment.take(tx, bens, BEN))
    world.store.write(lambda tx: assignment.snooze(tx, asleep, world.clock.now() + MINUTE, by))
    world.store.write(lambda tx: assignment.resolve(tx, done, by))
    world.store.write(lambda tx: assignment.bring_in(tx, bens, agent.agent_id, Actor(Author.AGENT, BEN), "?", "c"))
    views = {
        "bot": [with_bot],
        "mine": [mine],
        "helping": [bens],
        "snoozed": [asleep],
        "resolved": [done],
        "queue": [queued],
    }
    for view, expected in views.items():
        assert pages(agent, 2, view=view) == expected, view
    assert pages(agent, 2, view="all") == [queued, done, asleep, bens, mine, with_bot]
    left = agent.change("DELETE", f"/conversations/{bens}/colleague")
    assert (left["colleague_id"], left["assignee_id"]) == (None, BEN)
    asked = {"client_id": "d", "agent_id": agent.agent_id, "note": "And now?"}
    assert agent.change("PUT", f"/conversations/{bens}/colleague", asked)["colleague_id"] == agent.agent_id
    counters = agent.get("/counters")
    assert counters == {
        "queue": 1,
        "queue_by_team": {TEAM: 1, SECOND_TEAM: 0},
        "mine": 1,
        "helping": 1,
        "bot": 1,
        "snoozed": 1,
    }


def test_only_one_teams_conversations(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    first, second = waiting(world, "customer-1"), waiting(world, "customer-2")
    moved = agent.change("POST", f"/conversations/{second}/transfer", {"team_id": SECOND_TEAM, "note": "yours"})
    assert (moved["team_id"], moved["status"]) == (SECOND_TEAM, "waiting")
    assert pages(agent, 5, view="queue", team_id=TEAM) == [first]
    assert pages(agent, 5, view="all", team_id=SECOND_TEAM) == [second]
    assert [each["text"] for each in thread(agent, second) if each["kind"] == "note"] == ["yours"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"view": "everything"}, "view"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"after": "nonsense"}, "after"),
        ({"view": "all", "after": "x.y"}, "after"),
        ({"view": "all", "after": "9999999999999999999.id"}, "after"),
        ({"after": "1.id"}, "after"),
        ({"after": "a b"}, "after"),
        ({"vieww": "all"}, "vieww"),
    ],
)
def test_a_strange_page_is_refused(query: dict[str, str], field: str, open_screen: Callable[..., Screen]) -> None:
    response = open_screen().client.get("/api/v1/conversations", query_string=query)
    problem = response.get_json()
    assert (response.status_code, problem["error_id"], problem["field"]) == (422, "refused", field)
    assert problem["rule"]


def thread(screen: Screen, conversation_id: str, limit: int = 50) -> list[dict[str, object]]:
    """A whole thread, oldest first, read upwards page by page."""
    found: list[dict[str, object]] = []
    before = None
    while True:
        page = screen.get(
            f"/conversations/{conversation_id}/messages", limit=limit, **({"before": before} if before else {})
        )
        found = page["items"] + found
        before = page["before"]
        if before is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_thread_page_by_page(world: World, open_screen: Callable[..., Screen], limit: int) -> None:
    conversation_id = waiting(world, "customer-1")
    for number in range(4):
        world.say(f"and {number}", sender="customer-1")
    world.run()
    shown = thread(open_screen(), conversation_id, limit)
    assert [each["text"] for each in shown] == [text for _, text, _ in world.thread(conversation_id)]
    first = shown[0]
    assert (first["kind"], first["rule"], first["delivery"]) == ("incoming", "new", None)
    assert first["author"] == {
        "kind": "contact",
        "id": world.conversation(conversation_id).contact_id,
        "name": "Carla Ruiz",
    }


def test_an_answer_reaches_the_customer_and_takes_the_conversation(
    world: World, open_screen: Callable[..., Screen]
) -> None:
    agent = open_screen("agent", "Olga")
    conversation_id = waiting(world, "customer-1")
    sent = agent.change(
        "POST", f"/conversations/{conversation_id}/messages", {"client_id": "c-1", "text": "Hello, I am Olga"}
    )
    assert sent["author"] == {"kind": "agent", "id": agent.agent_id, "name": "Olga"}
    assert (sent["kind"], sent["client_id"], sent["rule"]) == ("outgoing", "c-1", None)
    assert sent["delivery"] == {"state": "queued", "error_code": "", "error_text": ""}
    again = agent.change(
        "POST", f"/conversations/{conversation_id}/messages", {"client_id": "c-1", "text": "Hello, I am Olga"}
    )
    assert again["id"] == sent["id"]
    world.run()
    assert [each.text for each in world.paper.sent].count("Hello, I am Olga") == 1
    asked, *_, shown = thread(agent, conversation_id)
    assert shown["delivery"] == {"state": Delivery.SENT.value, "error_code": "", "error_text": ""}
    assert asked["provider_id"].startswith("x-"), "the ids by which the provider's lists are compared with ours"
    assert (sent["provider_id"], shown["provider_id"]) == (None, f"paper-{shown['id']}")
    row = agent.get(f"/conversations/{conversation_id}")["conversation"]
    assert (row["status"], row["assignee_id"], row["unread"]) == ("assigned", agent.agent_id, 0)


def test_a_note_is_for_agents_alone(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    conversation_id = waiting(world, "customer-1")
    world.run()
    before = len(world.paper.sent)
    note = agent.change(
        "POST", f"/conversations/{conversation_id}/messages", {"client_id": "n", "kind": "note", "text": "careful"}
    )
    world.run()
    assert (note["kind"], note["delivery"], note["channel"]) == ("note", None, "")
    assert len(world.paper.sent) == before
    assert agent.get(f"/conversations/{conversation_id}")["conversation"]["status"] == "waiting"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "hi"}, "client_id"),
        ({"client_id": "a b", "text": "hi"}, "client_id"),
        ({"client_id": "a"}, "text"),
        ({"client_id": "a", "text": "  "}, "text"),
        ({"client_id": "a", "text": "a\0b"}, "text"),
        ({"client_id": "a", "text": "x" * 20_001}, "text"),
        ({"client_id": "a", "text": "x" * 1001}, "text"),  # more than this inbox's channel sends
        ({"client_id": "a", "text": "hi", "kind": "shout"}, "kind"),
        ({"client_id": "a", "text": "hi", "attachments": ["nothing"]}, "attachments"),
        ({"client_id": "a", "text": "hi", "inbox_id": "elsewhere"}, "inbox_id"),
        ({"client_id": "a", "text": "hi", "to": "me"}, "to"),
        (["not", "an", "object"], "body"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_refused(
    body: object, field: str, world: World, open_screen: Callable[..., Screen]
) -> None:
    conversation_id = waiting(world, "customer-1")
    stored = world.count(t.message)
    response = open_screen().call("POST", f"/conversations/{conversation_id}/messages", body)
    problem = response.get_json()
    assert (response.status_code, problem["error_id"], problem["field"]) == (422, "refused", field)
    assert world.count(t.message) == stored


def test_a_note_and_a_text_up_to_the_channels_limit_are_taken(world: World, open_screen: Callable[..., Screen]) -> None:
    path = f"/conversations/{waiting(world, 'customer-1')}/messages"
    screen = open_screen()
    screen.change("POST", path, {"client_id": "a", "text": "x" * 1000})
    screen.change("POST", path, {"client_id": "b", "text": "x" * 1001, "kind": "note"})


def test_two_agents_never_get_one_take(world: World, open_screen: Callable[..., Screen]) -> None:
    first, second = open_screen("agent", "Uno"), open_screen("agent", "Dos")
    conversation_id = waiting(world, "customer-1")
    taken = first.change("POST", f"/conversations/{conversation_id}/take")
    assert (taken["status"], taken["assignee_id"]) == ("assigned", first.agent_id)
    assert second.problem("POST", f"/conversations/{conversation_id}/take") == (409, "already_taken")
    assert first.change("POST", f"/conversations/{conversation_id}/take")["assignee_id"] == first.agent_id


def test_what_becomes_of_a_conversation(world: World, open_screen: Callable[..., Screen]) -> None:
    lead = open_screen("team_lead")
    conversation_id = waiting(world, "customer-1")
    path = f"/conversations/{conversation_id}"
    assert lead.change("POST", f"{path}/assign", {"agent_id": BEN})["assignee_id"] == BEN
    assert lead.change("POST", f"{path}/priority", {"priority": "urgent"})["priority"] == "urgent"
    tomorrow = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=world.clock.now()) + timedelta(days=1)
    snoozed = lead.change("POST", f"{path}/snooze", {"until": tomorrow.isoformat()})
    assert (snoozed["status"], datetime.fromisoformat(snoozed["snoozed_until"])) == ("snoozed", tomorrow)
    assert lead.change("POST", f"{path}/resolve")["status"] == "resolved"
    assert lead.problem("POST", f"{path}/resolve") == (409, "conflict")
    assert lead.change("POST", f"{path}/reopen")["status"] == "assigned"
    assert lead.change("POST", f"{path}/hand-back")["status"] == "bot"


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("snooze", {"until": "2030-01-01T00:00:00"}, "until"),
        ("snooze", {"until": "tomorrow"}, "until"),
        ("assign", {"agent_id": "nobody"}, "agent_id"),
        ("transfer", {"team_id": "no-team"}, "team_id"),
        ("priority", {"priority": "highest"}, "priority"),
    ],
)
def test_a_command_that_breaks_a_rule_is_refused(
    verb: str, body: object, field: str, world: World, open_screen: Callable[..., Screen]
) -> None:
    conversation_id = waiting(world, "customer-1")
    response = open_screen("team_lead").call("POST", f"/conversations/{conversation_id}/{verb}", body)
    assert (response.status_code, response.get_json()["field"]) == (422, field)


def test_the_detail_with_its_packet(world: World, open_screen: Callable[..., Screen]) -> None:
    first = world.say("hello", sender="customer-1", language="es").conversation_id
    world.run()
    world.store.write(lambda tx: assignment.resolve(tx, first, BY))
    world.clock.pass_time(30 * 24 * 60 * MINUTE)
    conversation_id = waiting(world, "customer-1")
    assert conversation_id != first
    detail = open_screen().get(f"/conversations/{conversation_id}")
    packet = detail["packet"]
    with world.store.read() as connection:
        state: Conversation = world.conversation(conversation_id)
        expected = handoff.packet(connection, state)
    assert expected is not None
    assert (packet["reason"], packet["verified_level"]) == ("customer_asked", "none")
    assert packet["open_question"]["text"] == "I want a person"
    assert packet["transcript_messages"] == expected.transcript_messages
    assert len(packet["tried"]) == len(expected.tried)
    assert detail["contact"]["id"] == state.contact_id
    (identity,) = detail["contact"]["identities"]
    assert (identity["channel"], identity["address"], identity["evidence"]) == ("paper", "customer-1", "first_message")
    assert [each["id"] for each in detail["reply_inboxes"]] == [PAPER]
    assert [each["id"] for each in detail["earlier"]] == [first]
    assert detail["merged_from"] == []
    assert open_screen("agent", "Zoe").get(f"/conversations/{first}")["packet"] is None


@pytest.mark.parametrize("path", ["/conversations/nothing", "/conversations/nothing/messages", "/contacts/nothing"])
def test_what_is_not_there(path: str, open_screen: Callable[..., Screen]) -> None:
    assert open_screen().problem("GET", path) == (404, "not_found")


@pytest.mark.parametrize("path", ["/conversations/%00", "/conversations/a%20b", "/conversations/" + "x" * 65])
def test_what_cannot_be_an_address(path: str, open_screen: Callable[..., Screen]) -> None:
    assert open_screen().problem("GET", path) == (404, "not_found")


def test_queries_for_nothing_find_nothing(world: World) -> None:
    with world.store.read() as connection:
        assert conversations.rows(connection, []) == {}
        assert messages.by_id(connection, []) == {}
        with pytest.raises(NotFound):
            messages.get(connection, "nothing")


LISTS = [
    ("queue", "", "ix_conversation_queue"),
    ("mine", "", "ix_conversation_assignee"),
    ("helping", "", "ix_conversation_colleague"),
    ("helping", "1.x", "ix_conversation_colleague"),
    ("all", "", "ix_conversation_all"),
    ("bot", "", "ix_conversation_list"),
    ("resolved", "1.x", "ix_conversation_list"),
    ("all", "1.x", "ix_conversation_all"),
    ("queue", "1.1.x", "ix_conversation_queue"),
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("view", "after", "index"), LISTS)
def test_a_list_goes_along_its_index_and_sorts_nothing(world: World, view: str, after: str, index: str) -> None:
    statements: list[tuple[str, object]] = []
    with world.store.read() as connection:

        def note(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
            if statement.startswith("SELECT"):
                statements.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        conversations.page(connection, view, agent_id="a", after=after)
        event.remove(connection, "before_cursor_execute", note)
        assert statements
        for statement, parameters in statements:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert any(index in step for step in plan), plan
            assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan), plan
