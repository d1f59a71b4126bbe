"""People, invitations, teams, shifts and questions, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.services import people
from hub.store import tables as t
from tests.fixtures_hub import SECOND_TEAM, TEAM, World
from tests.web.conftest import PASSWORD, Screen

NEW = {"name": "Nora", "email": "Nora@example.org", "role": "agent", "language": "es", "team_ids": [TEAM]}
OTHER_PASSWORD = "another long password"


@pytest.fixture
def administrator(open_screen: Callable[..., Screen]) -> Screen:
    return open_screen("administrator")


def token_of(invited: dict[str, Any]) -> str:
    link: str = invited["link"]
    return link.partition("#")[2]


def test_somebody_new_chooses_a_password_once_and_signs_in(administrator: Screen, screen: Screen) -> None:
    nora = administrator.change("POST", "/people", NEW)
    assert (nora["email"], nora["invited"], nora["disabled"]) == ("nora@example.org", True, False)
    assert screen.sign_in("nora@example.org", "").status_code == 422
    assert screen.sign_in("nora@example.org").status_code == 401
    token = token_of(administrator.change("POST", f"/people/{nora['id']}/invitation"))
    assert screen.change("POST", "/invitations/open", {"token": token})["name"] == "Nora"
    short = {"token": token, "password": "short"}
    assert screen.problem("POST", "/invitations/accept", short) == (422, "refused")
    screen.change("POST", "/invitations/accept", {"token": token, "password": PASSWORD})
    again = {"token": token, "password": OTHER_PASSWORD}
    assert screen.problem("POST", "/invitations/accept", again) == (401, "not_signed_in"), "it is good once"
    assert screen.sign_in("nora@example.org").status_code == 200
    [shown] = [each for each in administrator.get("/people")["items"] if each["id"] == nora["id"]]
    assert not shown["invited"]
    # Whoever forgot theirs: the new one ends every session.
    token = token_of(administrator.change("POST", f"/people/{nora['id']}/invitation"))
    screen.change("POST", "/invitations/accept", {"token": token, "password": OTHER_PASSWORD})
    assert screen.problem("GET", "/session") == (401, "not_signed_in")
    assert screen.sign_in("nora@example.org", OTHER_PASSWORD).status_code == 200


def test_an_invitation_that_is_none_is_refused(world: World, administrator: Screen, screen: Screen) -> None:
    nora = administrator.change("POST", "/people", NEW)
    path = f"/people/{nora['id']}/invitation"
    token = token_of(administrator.change("POST", path))
    agent_id, until, signature = token.split(".")
    later = f"{agent_id}.{int(until) + 1}.{signature}"
    for wrong in (
        "",
        "x",
        f"{agent_id}..",
        f"{agent_id}.{until}.",
        f"{agent_id}.{until}.é",
        later,
        f"nobody.{until}.x",
    ):
        assert screen.problem("POST", "/invitations/open", {"token": wrong}) == (401, "not_signed_in"), wrong
    world.clock.pass_time(people.INVITED_FOR)
    assert screen.problem("POST", "/invitations/open", {"token": token}) == (401, "not_signed_in")
    body = {name: value for name, value in NEW.items() if name != "team_ids"} | {"disabled": True}
    administrator.sign_in("administrator@example.org")
    administrator.change("PUT", f"/people/{nora['id']}", body)
    assert administrator.problem("POST", path) == (422, "refused")


def test_whoever_is_disabled_is_out_at_once_and_can_come_back(administrator: Screen, open_screen: Any) -> None:
    agent: Screen = open_screen("agent")
    body = {"name": "Agent", "email": "agent@example.org", "role": "agent", "language": "en"}
    administrator.change("PUT", f"/people/{agent.agent_id}", body | {"disabled": True})
    assert agent.problem("GET", "/session") == (401, "not_signed_in")
    assert agent.sign_in("agent@example.org").status_code == 401
    assert agent.agent_id not in [each["id"] for each in administrator.get("/agents")["items"]]
    assert agent.agent_id in [each["id"] for each in administrator.get("/people")["items"]]
    administrator.change("PUT", f"/people/{agent.agent_id}", body | {"role": "team_lead"})
    assert agent.sign_in("agent@example.org").status_code == 200
    assert agent.get("/floor")["queues"], "the new role counts"


def test_somebody_stays_an_administrator_and_addresses_are_one_persons(administrator: Screen, open_screen: Any) -> None:
    me = f"/people/{administrator.agent_id}"
    body = {"name": "Admin", "email": "administrator@example.org", "role": "administrator", "language": "en"}
    for change in ({"disabled": True}, {"role": "agent"}):
        assert administrator.problem("PUT", me, body | change) == (422, "refused"), change
    other = open_screen("administrator", "Other")
    assert administrator.problem("PUT", me, body | {"email": "OTHER@example.org"}) == (422, "refused")
    administrator.change("PUT", me, body | {"role": "agent"})
    assert administrator.problem("GET", "/people") == (403, "forbidden")
    assert other.problem("PUT", f"/people/{other.agent_id}", body | {"email": "x@y.z", "role": "agent"})[0] == 422
    assert other.problem("PUT", "/people/nobody", body) == (404, "not_found")


def test_a_team_has_a_tier_and_leads_of_its_own(administrator: Screen, open_screen: Any) -> None:
    lead, agent = open_screen("team_lead"), open_screen("agent")
    made = administrator.change("POST", "/teams", {"name": "Workshop", "tier": "vendor"})
    assert (made["tier"], made["members"], made["lead_ids"]) == ("vendor", [], [])
    path = f"/teams/{TEAM}"
    named = administrator.get(path)
    body = {"name": named["name"], "tier": "2", "lead_ids": [lead.agent_id]}
    found = administrator.change("PUT", path, body)
    assert (found["tier"], found["lead_ids"]) == ("2", [lead.agent_id])
    # Whoever says anew what they can do still leads it.
    administrator.change("PUT", f"/agents/{lead.agent_id}/routing", {"team_ids": [TEAM, SECOND_TEAM]})
    assert lead.get(path)["lead_ids"] == [lead.agent_id]
    for wrong in ({"lead_ids": [agent.agent_id]}, {"lead_ids": ["nobody"]}, {"name": "Workshop"}, {"name": " "}):
        assert administrator.problem("PUT", path, body | wrong) == (422, "refused"), wrong
    assert administrator.problem("PUT", "/teams/nothing", body) == (404, "not_found")


def test_shifts_of_a_day_are_plain_windows(world: World, administrator: Screen, open_screen: Any) -> None:
    agent = open_screen("agent")
    path = f"/agents/{agent.agent_id}/shifts/2026-11-23"
    shift = {"zone": "Europe/Madrid", "windows": [["09:00", "14:00"], ["15:00", "18:00"]]}
    [kept] = administrator.change("PUT", path, shift)["items"]
    assert (kept["windows"], kept["day"], kept["agent"]["id"]) == (shift["windows"], "2026-11-23", agent.agent_id)
    assert len(administrator.get("/shifts", first="2026-11-20", last="2026-11-30")["items"]) == 1
    assert administrator.get("/shifts", first="2026-11-24", last="2026-11-30")["items"] == []
    refused = (
        {"zone": "Mars/Base"},
        {"windows": [["14:00", "09:00"]]},
        {"windows": [["09:00", "14:00"], ["13:00", "15:00"]]},
    )
    for wrong in refused:
        assert administrator.problem("PUT", path, shift | wrong) == (422, "refused"), wrong
    assert administrator.problem("PUT", path.replace("23", "99"), shift)[0] == 422
    far = {"first": "2026-11-20", "last": "2027-11-20"}
    assert administrator.client.get("/api/v1/shifts", query_string=far).status_code == 422
    administrator.change("PUT", path, shift | {"windows": []})
    assert world.count(t.shift) == 0


def test_what_agents_ask_is_written_down_in_both_languages(administrator: Screen, open_screen: Any) -> None:
    agent = open_screen("agent")
    question = {"text_en": "What is your customer number?", "text_es": "¿Cuál es su número de cliente?", "position": 1}
    administrator.change("PUT", "/questions/customer_number", question)
    assert agent.get("/questions")["items"] == [{"name": "customer_number", **question}]
    assert administrator.change("DELETE", "/questions/customer_number")["items"] == []
    assert administrator.problem("DELETE", "/questions/customer_number") == (404, "not_found")
