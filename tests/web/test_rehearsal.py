"""Changes tried out over HTTP: on what has happened, and on a day to come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain import events as e
from hub.domain import routing as r
from hub.domain.messages import Author
from hub.services import assignment, handoff, presence
from hub.store import tables as t
from tests.fixtures_hub import ANA, BEN, TEAM, World
from tests.web.conftest import Screen


def busy_morning(world: World, conversations: int = 6) -> None:
    """Ana alone answers one after another, each taking two minutes, and everybody else waits."""
    for agent_id in (ANA, BEN):
        world.store.write(lambda tx, each=agent_id: presence.set_presence(tx, each, "available"))
    world.store.write(lambda tx: tx.change(t.agent, {"id": BEN}, {"capacity": '{"paper": 0}'}))
    world.store.write(lambda tx: tx.change(t.agent, {"id": ANA}, {"capacity": '{"paper": 1}'}))
    found = []
    for number in range(conversations):
        conversation_id = world.say("hello", sender=f"customer-{number}").conversation_id
        found.append(conversation_id)
        world.store.write(
            lambda tx, each=conversation_id: handoff.hand_over(tx, each, reason="customer_asked", open_question="")
        )
    by = e.Actor(Author.AGENT, ANA)
    for conversation_id in found:
        world.store.write(lambda tx, each=conversation_id: assignment.take(tx, each, ANA))
        world.clock.pass_time(2 * r.MINUTE)
        world.store.write(lambda tx, each=conversation_id: assignment.resolve(tx, each, by))


@pytest.fixture
def supervisor(open_screen: Callable[..., Screen]) -> Screen:
    opened = open_screen("supervisor")
    opened.change("PUT", "/presence", {"presence": "busy"})
    return opened


def test_a_second_person_would_have_halved_the_wait(world: World, supervisor: Screen) -> None:
    busy_morning(world)
    before = world.count(t.event)
    found = supervisor.change("POST", "/routing/dry-run", {"last": 10, "target_seconds": 30})
    assert found["happened"] == found["as_now"] | {
        "mean_wait": pytest.approx(300, abs=1),
        "longest_wait": pytest.approx(600, abs=1),
    }
    assert (found["differ"], found["moved"]) == (0, [])
    change = {"agents": {BEN: {"capacity": {"paper": 1}}}}
    found = supervisor.change("POST", "/routing/dry-run", {"change": change, "last": 10})
    assert found["changed"]["mean_wait"] == pytest.approx(120, abs=1)
    assert found["as_now"]["mean_wait"] == pytest.approx(300, abs=1)
    assert {each["agent"]["id"]: (each["as_now"], each["changed"]) for each in found["got"]} == {
        ANA: (6, 3),
        BEN: (0, 3),
    }
    assert found["differ"] == len(found["moved"]) == 3
    assert {each["changed"]["agent"]["name"] for each in found["moved"]} == {"Ben"}
    assert world.count(t.event) == before, "nothing is written"


def test_a_changed_rule_is_tried_with_everything_that_it_says(world: World, supervisor: Screen) -> None:
    busy_morning(world, 2)
    supervisor.change("PUT", "/skills/repair", {})
    change: dict[str, Any] = {"agents": {ANA: {"team_ids": []}}}
    found = supervisor.change("POST", "/routing/dry-run", {"change": change})
    assert (found["changed"]["answered"], found["as_now"]["answered"]) == (0, 2)
    refused: tuple[dict[str, Any], ...] = (
        {"agents": {"nobody": {}}},
        {"agents": {ANA: {"skills": {"flying": 1}}}},
        {"agents": {ANA: {"team_ids": ["nothing"]}}},
        {"teams": {"nothing": {"choice": "longest_idle"}}},
        {"teams": {TEAM: {"choice": "longest_idle", "overflow": [{"team_id": TEAM}]}}},
    )
    for wrong in refused:
        assert supervisor.problem("POST", "/routing/dry-run", {"change": wrong}) == (422, "refused"), wrong


def test_tomorrow_is_drawn_from_days_like_it_and_staffed_by_its_shifts(world: World, supervisor: Screen) -> None:
    busy_morning(world)
    today = datetime.fromtimestamp(world.clock.now() / r.SECOND, UTC).date()
    world.clock.pass_time(24 * 60 * r.MINUTE)
    day = today + timedelta(weeks=1)
    asked = {"day": day.isoformat(), "zone": "UTC", "runs": 3}
    alone = supervisor_again(supervisor).change("POST", "/routing/forecast", asked)
    assert (alone["days"], alone["arrivals"], alone["staffed_by"]) == (1, 6, "last_week")
    assert alone["handling_seconds"] == pytest.approx(120, abs=1)
    for agent_id in (ANA, BEN):
        supervisor.change("PUT", f"/agents/{agent_id}/shifts/{day}", {"zone": "UTC", "windows": [["00:00", "24:00"]]})
    change = {"agents": {BEN: {"capacity": {"paper": 1}}}}
    both = supervisor.change("POST", "/routing/forecast", asked | {"change": change})
    assert both["staffed_by"] == "shifts"
    assert both["changed"]["mean_wait"] < both["as_now"]["mean_wait"]
    [stretch] = both["stretches"]
    assert (stretch["arrivals"], stretch["there"], stretch["team"]["id"]) == (6, 2, TEAM)
    assert stretch["needed"] >= 1
    assert supervisor.problem("POST", "/routing/forecast", asked | {"zone": "Mars"}) == (422, "refused")
    empty = supervisor.change("POST", "/routing/forecast", asked | {"day": (day + timedelta(1)).isoformat()})
    assert (empty["arrivals"], empty["stretches"]) == (0, [])


def supervisor_again(screen: Screen) -> Screen:
    """A day later they have to sign in again."""
    screen.sign_in("supervisor@example.org")
    return screen


def test_how_many_people_a_queue_needs(supervisor: Screen) -> None:
    asked = {"customers": 100, "handling_seconds": 180, "patience_seconds": 120}
    found = supervisor.change("POST", "/staffing", asked)
    assert (found["needed"], found["without_patience"]) == (12, 14)
    assert found["around"][0]["service_level"] < 0.8 < found["around"][-1]["service_level"]
    assert supervisor.problem("POST", "/staffing", asked | {"customers": 0})[0] == 422
