"""Skills, queues, offers and reasons, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.services import handoff, presence
from hub.store import tables as t
from tests.fixtures_hub import PAPER, SECOND_TEAM, TEAM, World
from tests.web.conftest import Screen


def ask_for_a_person(world: World, sender: str = "customer-1") -> str:
    conversation_id = world.say("hello", sender=sender).conversation_id
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="customer_asked", open_question=""))
    return conversation_id


def test_from_skills_to_why_me(world: World, open_screen: Callable[..., Screen]) -> None:
    """An administrator sets it up, an agent is offered something, accepts it, sees why; a lead looks on."""
    administrator, agent, lead = open_screen("administrator"), open_screen("agent"), open_screen("team_lead")
    administrator.change("PUT", "/skills/en", {"kind": "language"})
    administrator.change("PUT", "/skills/repair", {})
    assert [each["name"] for each in agent.get("/skills")["items"]] == ["en", "repair"]
    given = {"skills": {"repair": 3, "en": 5}, "capacity": {"paper": 2}, "team_ids": [TEAM]}
    assert administrator.change("PUT", f"/agents/{agent.agent_id}/routing", given) == given
    rules = {
        "choice": "least_loaded",
        "overflow": [{"team_id": SECOND_TEAM, "after_seconds": 120}],
        "wrap_up_seconds": 30,
        "widening": [{"after_seconds": 60, "lower": 1, "optional": ["repair"]}],
    }
    assert administrator.change("PUT", f"/teams/{TEAM}/routing", rules) == rules
    assert lead.get(f"/teams/{TEAM}/routing") == rules
    assert administrator.change("PUT", f"/inboxes/{PAPER}/routing", {"mode": "offer"})["routing"] == "offer"

    world.store.write(lambda tx: presence.set_presence(tx, lead.agent_id, "busy"))
    agent.change("PUT", "/presence", {"presence": "available"})
    assert agent.get("/presence")["presence"] == "available"
    conversation_id = world.say("hello").conversation_id
    needs = {"required": [{"skill": "repair", "level": 2}], "preferred": []}
    agent.change("PUT", f"/conversations/{conversation_id}/needs", needs)
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="customer_asked", open_question=""))
    world.run()
    [offered] = agent.get("/offers")["items"]
    assert (offered["id"], offered["offered_to"]) == (conversation_id, agent.agent_id)
    why = agent.get(f"/conversations/{conversation_id}/routing")
    assert (why["mode"], why["required"], why["wait"]["place"]) == ("offer", needs["required"], 1)
    assert why["decision"]["agent"]["id"] == agent.agent_id
    assert why["decision"]["required"] == [{"skill": "repair", "level": 2}]
    assert why["decision"]["candidates"][0]["own_team"] == 100
    assert sum(why["decision"]["turned_away"].values()) > 0

    floor = lead.get("/floor")
    [queue] = [each for each in floor["queues"] if each["team"]["id"] == TEAM]
    assert (queue["waiting"], queue["offered"]) == (1, 1)
    [shown] = [each for each in floor["agents"] if each["agent"]["id"] == agent.agent_id]
    assert (shown["presence"], shown["load"], shown["open"]) == ("available", 0.5, {})
    assert agent.get("/presence")["load"] == 0.5, "what is being offered weighs already"
    agent.change("POST", f"/conversations/{conversation_id}/offer/accept")
    assert agent.get("/offers")["items"] == []
    assert agent.problem("POST", f"/conversations/{conversation_id}/offer/accept") == (409, "conflict")
    [found] = agent.get("/conversations", view="mine")["items"]
    assert (found["status"], found["assignee_id"], found["offered_to"]) == ("assigned", agent.agent_id, None)
    [shown] = [each for each in lead.get("/floor")["agents"] if each["agent"]["id"] == agent.agent_id]
    assert shown["open"] == {"paper": 1}
    administrator.change("DELETE", "/skills/repair")
    assert agent.get(f"/conversations/{conversation_id}/routing")["required"] == []
    assert lead.get(f"/agents/{agent.agent_id}/routing")["skills"] == {"en": 5}


def test_an_offer_can_be_declined(world: World, open_screen: Callable[..., Screen]) -> None:
    administrator, agent = open_screen("administrator"), open_screen("agent")
    administrator.change("PUT", "/presence", {"presence": "busy"})
    administrator.change("PUT", f"/inboxes/{PAPER}/routing", {"mode": "offer"})
    administrator.change("PUT", f"/agents/{agent.agent_id}/routing", {"team_ids": [TEAM]})
    conversation_id = ask_for_a_person(world)
    world.run()
    assert len(agent.get("/offers")["items"]) == 1
    assert administrator.problem("POST", f"/conversations/{conversation_id}/offer/decline") == (409, "conflict")
    agent.change("POST", f"/conversations/{conversation_id}/offer/decline")
    world.run()
    assert agent.get("/offers")["items"] == []
    assert world.count(t.passed) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_reasons_are_data(open_screen: Callable[..., Screen]) -> None:
    administrator, agent = open_screen("administrator"), open_screen("agent")
    assert {each["code"] for each in agent.get("/presence-reasons")["items"]} >= {"lunch", "training"}
    named = {"presence": "break", "name_en": "Doctor", "name_es": "Médico"}
    administrator.change("PUT", "/presence-reasons/doctor", named)
    agent.change("PUT", "/presence", {"presence": "break", "reason": "doctor"})
    shown = agent.get("/presence")
    assert (shown["presence"], shown["reason"]) == ("break", "doctor")
    assert shown["since"]
    refused = agent.call("PUT", "/presence", {"presence": "busy", "reason": "doctor"})
    assert (refused.status_code, refused.get_json()["field"]) == (422, "reason")
    administrator.change("DELETE", "/presence-reasons/doctor")
    assert agent.problem("PUT", "/presence", {"presence": "break", "reason": "doctor"}) == (422, "refused")
    assert administrator.problem("DELETE", "/presence-reasons/doctor") == (404, "not_found")
    assert administrator.problem("PUT", "/presence-reasons/x", named | {"presence": "offline"}) == (422, "refused")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_makes_no_sense_is_refused_with_its_field(world: World, open_screen: Callable[..., Screen]) -> None:
    administrator = open_screen("administrator")
    conversation_id = world.say("hello").conversation_id
    me, team = f"/agents/{administrator.agent_id}/routing", f"/teams/{TEAM}/routing"
    rules = {"choice": "longest_idle", "widening": []}
    step = {"after_seconds": 60, "lower": 2, "optional": []}
    for path, body, field in (
        (me, {"skills": {"flying": 3}}, "skills"),
        (me, {"skills": {"flying": 6}}, "skills.flying"),
        (me, {"capacity": {"paper": 51}}, "capacity.paper"),
        (me, {"team_ids": ["nobody"]}, "team_ids"),
        (team, rules | {"choice": "at_random"}, "choice"),
        (team, rules | {"overflow": [{"team_id": TEAM}]}, "overflow"),
        (team, rules | {"overflow": [{"team_id": "nobody"}]}, "overflow"),
        (team, rules | {"widening": [step, step | {"after_seconds": 90, "lower": 1}]}, "widening"),
        (team, rules | {"widening": [step | {"optional": ["flying"]}]}, "widening"),
        (f"/inboxes/{PAPER}/routing", {"mode": "sometimes"}, "mode"),
        (f"/conversations/{conversation_id}/needs", {"required": [{"skill": "flying"}]}, "required"),
    ):
        answer = administrator.call("PUT", path, body)
        assert (answer.status_code, answer.get_json()["field"]) == (422, field), answer.text
    for path in ("/agents/nobody/routing", "/teams/nobody/routing"):
        assert administrator.problem("GET", path) == (404, "not_found")
    assert administrator.problem("PUT", "/inboxes/nowhere/routing", {"mode": "manual"}) == (404, "not_found")
    assert administrator.problem("PUT", "/conversations/nowhere/needs", {}) == (404, "not_found")
