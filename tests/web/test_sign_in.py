"""Signing in over HTTP: cookies, other sites' pages, who is let in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask

from hub.services import people
from hub.store import tables as t
from hub.web.context import caller_address
from hub.web.flask_app import create_app
from tests.fixtures_hub import World
from tests.web.conftest import PASSWORD, Screen

SESSION = "/api/v1/session"


def test_signing_in_and_out(app: APIFlask, screen: Screen, make_agent: Callable[..., str]) -> None:
    agent_id = make_agent("supervisor", "Sofía")
    assert screen.problem("GET", "/session") == (401, "not_signed_in")
    response = screen.sign_in("sofía@example.org")
    assert response.get_json()["agent"] | {"team_ids": []} == {
        "id": agent_id,
        "name": "Sofía",
        "email": "sofía@example.org",
        "role": "supervisor",
        "language": "en",
        "team_ids": [],
        "presence": "available",
    }
    assert screen.get("/session") == response.get_json()
    kept = screen.client.get_cookie("centralita")
    assert kept is not None
    assert screen.change("DELETE", "/session") == {"ok": True}
    assert screen.client.get_cookie("centralita") is None
    screen.client.set_cookie("centralita", kept.value)
    assert screen.problem("GET", "/session") == (401, "not_signed_in")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(screen: Screen, make_agent: Callable[..., str]) -> None:
    make_agent("agent")
    cookie = screen.sign_in("agent@example.org").headers["Set-Cookie"]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie
    assert "; Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_over_tls_the_cookie_never_travels_without_it(
    make_world: Callable[..., World], make_agent: Callable[..., str]
) -> None:
    make_agent("agent")
    hub = make_world(CENTRALITA_PUBLIC_URL="https://help.example").hub
    screen = Screen(create_app(hub).test_client())
    response = screen.sign_in("agent@example.org")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-centralita=")
    assert "; Secure" in cookie
    assert response.headers["Strict-Transport-Security"]


def test_a_wrong_password(screen: Screen, make_agent: Callable[..., str]) -> None:
    make_agent("agent")
    response = screen.sign_in("agent@example.org", "a wrong guess")
    assert response.status_code == 401
    assert response.get_json()["error_id"] == "not_signed_in"
    assert "Set-Cookie" not in response.headers


def test_too_many_guesses_say_when_to_come_back(screen: Screen) -> None:
    for _ in range(5):
        assert screen.sign_in("x@example.org").status_code == 401
    response = screen.sign_in("x@example.org")
    assert response.status_code == 429
    assert response.get_json()["error_id"] == "too_many"
    assert 0 < int(response.headers["Retry-After"]) <= 901


@pytest.mark.parametrize(
    ("proxy", "said", "counted"),
    [
        ("10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1, 2001:db8::7", "2001:db8::7"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "unknown", "10.0.0.2"),
        ("192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("8.8.8.8", "203.0.113.9", "8.8.8.8"),
        ("", "203.0.113.9", ""),
    ],
)
def test_behind_a_proxy_of_ours_each_caller_has_an_address(app: APIFlask, proxy: str, said: str, counted: str) -> None:
    headers = {"X-Forwarded-For": said} if said else {}
    with app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": proxy}):
        assert caller_address() == counted


def test_somebodys_guesses_behind_a_proxy_do_not_keep_others_out(app: APIFlask, make_agent: Callable[..., str]) -> None:
    make_agent("agent")
    data = {"email": "agent@example.org", "password": "a wrong guess"}

    def tries(address: str, **given: str) -> int:
        proxied = {"X-Forwarded-For": address}
        return app.test_client().post("/api/v1/session", json=data | given, headers=proxied).status_code

    assert [tries("203.0.113.9") for _ in range(6)] == [401] * 5 + [429]
    assert tries("203.0.113.10", password=PASSWORD) == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:1"]
)
def test_other_sites_pages_can_change_nothing(origin: str, screen: Screen, open_screen: Callable[..., Screen]) -> None:
    signing_in = screen.client.post(
        SESSION, json={"email": "agent@example.org", "password": PASSWORD}, headers={"Origin": origin}
    )
    changing = open_screen("agent").call("PUT", "/presence", {"presence": "busy"}, Origin=origin)
    assert [signing_in.status_code, changing.status_code] == [403, 403]


def test_our_own_page_can(screen: Screen, world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen("agent")
    for origin in ("http://localhost", world.hub.settings.public_url):
        response = agent.call("PUT", "/presence", {"presence": "busy"}, Origin=origin)
        assert response.get_json()["presence"] == "busy"


def test_a_form_of_another_site_is_no_sign_in(screen: Screen, make_agent: Callable[..., str]) -> None:
    make_agent("agent")
    body = f'{{"email": "agent@example.org", "password": "{PASSWORD}"}}'
    response = screen.client.post(SESSION, data=body, content_type="text/plain")
    assert (response.status_code, response.get_json()["field"]) == (422, "Content-Type")


def test_a_disabled_agent_is_out_at_once(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen("agent")
    world.store.write(lambda tx: people.disable(tx, agent.agent_id))
    assert agent.problem("GET", "/session") == (401, "not_signed_in")


def test_a_changed_role_holds_at_once(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen("administrator")
    assert agent.get("/outbox/dead") == {"items": []}
    world.store.write(lambda tx: tx.change(t.agent, {"id": agent.agent_id}, {"role": "agent"}))
    assert agent.problem("GET", "/outbox/dead") == (403, "forbidden")


def test_use_keeps_a_session_alive(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen("agent")
    for _ in range(5):
        world.clock.pass_time(8 * 3_600_000_000)
        assert agent.get("/session")["agent"]["id"] == agent.agent_id
    world.clock.pass_time(12 * 3_600_000_000)
    assert agent.problem("GET", "/session") == (401, "not_signed_in")


def test_presence(open_screen: Callable[..., Screen]) -> None:
    agent = open_screen("agent")
    shown = agent.change("PUT", "/presence", {"presence": "break", "reason": "lunch"})
    assert shown["presence"] == "break"
    assert {each["id"]: each["presence"] for each in agent.get("/agents")["items"]}[agent.agent_id] == "break"
    response = agent.call("PUT", "/presence", {"presence": "asleep"})
    assert (response.status_code, response.get_json()["field"]) == (422, "presence")
    feed = agent.get("/events", after="0.0")
    came, changed = [each for each in feed["entries"] if each["kind"] == "PresenceChanged"]
    assert came["data"] == {"presence": "available", "reason": "signed_in", "until": 0}
    assert changed["actor"] == {"kind": "agent", "id": agent.agent_id, "name": "Agent"}
    assert (changed["conversation_id"], changed["data"]) == (None, {"presence": "break", "reason": "lunch", "until": 0})


def test_who_and_what_there_is(open_screen: Callable[..., Screen]) -> None:
    agent = open_screen("agent")
    assert [each["name"] for each in agent.get("/agents")["items"]] == ["Agent", "Ana", "Ben"]
    assert agent.get("/teams")["items"] == [
        {"id": "team-one", "name": "First line", "tier": "1"},
        {"id": "team-two", "name": "Second line", "tier": "2"},
    ]
    assert {each["channel"] for each in agent.get("/inboxes")["items"]} == {"paper", "webchat"}
