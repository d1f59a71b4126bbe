"""Open hours and promises by the API, and the clock that a conversation shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.jobs.sweeper import Sweeper
from tests.fixtures_hub import PAPER, TEAM, World
from tests.web.conftest import Screen

HOURS = {"zone": "Europe/Madrid", "week": [[["09:00", "18:00"]]] * 5 + [[], []], "country": "ES", "region": "MD"}
POLICY = {"name": "Standard", "targets": {"first_response": 1800}}


def test_hours_are_stated_shown_and_taken_away(open_screen: Callable[..., Screen]) -> None:
    supervisor = open_screen("supervisor")
    stated = supervisor.change("PUT", f"/teams/{TEAM}/opening-hours", HOURS)
    assert stated["owner"] == f"team:{TEAM}"
    assert "2026-12-25" in stated["holidays"]
    supervisor.change("PUT", f"/inboxes/{PAPER}/opening-hours", HOURS | {"country": "", "region": ""})
    assert [each["owner"] for each in supervisor.get("/opening-hours")["items"]] == [f"inbox:{PAPER}", f"team:{TEAM}"]
    supervisor.change("DELETE", f"/teams/{TEAM}/opening-hours")
    supervisor.change("DELETE", f"/inboxes/{PAPER}/opening-hours")
    assert supervisor.get("/opening-hours")["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"zone": "Madrid"}, "zone"), ({"week": []}, "week"), ({"country": "ZZ"}, "country"), ({"region": "X"}, "region")],
)
def test_bad_hours_are_refused(open_screen: Callable[..., Screen], change: dict[str, object], field: str) -> None:
    answer = open_screen("supervisor").call("PUT", f"/teams/{TEAM}/opening-hours", HOURS | change)
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)


def test_a_promise_is_made_changed_and_withdrawn(open_screen: Callable[..., Screen]) -> None:
    supervisor = open_screen("supervisor")
    made = supervisor.change("POST", "/sla-policies", POLICY)
    other = supervisor.change(
        "POST", "/sla-policies", POLICY | {"name": "First", "position": 0, "priorities": ["high"]}
    )
    changed = supervisor.change("PUT", f"/sla-policies/{made['policy_id']}", POLICY | {"position": 5})
    assert changed == made | {"position": 5}
    shown = [each["policy_id"] for each in supervisor.get("/sla-policies")["items"]]
    assert shown == [other["policy_id"], made["policy_id"]]
    supervisor.change("DELETE", f"/sla-policies/{other['policy_id']}")
    assert supervisor.get("/sla-policies")["items"] == [changed]
    assert supervisor.call("DELETE", "/sla-policies/none").status_code == 404
    assert supervisor.call("POST", "/sla-policies", POLICY | {"targets": {}}).get_json()["field"] == "targets"


def test_a_conversation_shows_its_clock(world: World, open_screen: Callable[..., Screen]) -> None:
    supervisor, agent = open_screen("supervisor"), open_screen()
    supervisor.change("POST", "/sla-policies", POLICY)
    conversation_id = world.say("I want a person").conversation_id
    path = f"/conversations/{conversation_id}"
    assert agent.get(path)["conversation"]["sla"] is None
    world.run()
    shown = agent.get(path)["conversation"]["sla"]
    assert (shown["clock"], shown["state"], shown["paused_by"]) == ("first_response", "running", [])
    assert shown["due_at"]
    world.clock.pass_time(31 * 60_000_000)
    Sweeper(world.hub).sweep()
    (row,) = agent.get("/conversations", view="queue")["items"]
    assert row["sla"] == shown | {"state": "breached"}
    agent.change("POST", f"{path}/messages", {"client_id": "c", "text": "Hello"})
    assert agent.get(path)["conversation"]["sla"] is None
