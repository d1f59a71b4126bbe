"""Messages as they came, over the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.domain.errors import Refused
from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.services import intake
from hub.store.queries import listening
from tests.fixtures_hub import PAPER, World
from tests.web.conftest import Screen

RAW = b"From: ana@example.org\r\nSubject: <script>\r\n\r\n\xff\x00 hello\r\n"


@pytest.fixture
def arrive(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, bytes], None]:
    """`arrive(number, raw)` hands a whole message to the hub; an empty one is refused."""
    channel = world.paper
    channel.capabilities = replace(channel.capabilities, keeps_source=True)

    def parse(request: WebhookRequest) -> Parsed:
        if not request.body:
            raise Refused("message", "must not be empty")
        return Parsed((InboundMessage(str(hash(request.body)), Address("paper", "customer-1"), "hello"),))

    monkeypatch.setattr(channel, "parse_inbound", parse)

    def hand_over(number: int, raw: bytes) -> None:
        request = WebhookRequest("FETCH", f"paper:{number}", body=raw)
        intake.take(world.hub, world.inbox(), channel, request, also=lambda _: None)

    return hand_over


def test_each_is_listed_with_what_became_of_it(
    open_screen: Callable[..., Screen], arrive: Callable[[int, bytes], None]
) -> None:
    arrive(1, RAW)
    arrive(2, RAW)
    arrive(3, b"")
    supervisor = open_screen("supervisor")
    shown = supervisor.get(f"/inboxes/{PAPER}/sources")
    assert [(each["origin"], each["state"], each["rule"]) for each in shown["items"]] == [
        ("paper:3", "refused", "must not be empty"),
        ("paper:2", "duplicate", ""),
        ("paper:1", "stored", ""),
    ]
    assert shown["items"][1]["message_id"] == shown["items"][2]["message_id"]
    assert shown["counts"] == {"stored": 1, "duplicate": 1, "refused": 1}
    first = supervisor.get(f"/inboxes/{PAPER}/sources", limit=2)
    rest = supervisor.get(f"/inboxes/{PAPER}/sources", limit=2, before=first["next"])
    assert [each["origin"] for each in (*first["items"], *rest["items"])] == ["paper:3", "paper:2", "paper:1"]
    assert rest["next"] is None
    assert [each["origin"] for each in supervisor.get(f"/inboxes/{PAPER}/sources", state="refused")["items"]] == [
        "paper:3"
    ]


def test_every_byte_can_be_downloaded_and_nothing_runs(
    open_screen: Callable[..., Screen], arrive: Callable[[int, bytes], None]
) -> None:
    arrive(1, RAW)
    supervisor, agent = open_screen("supervisor"), open_screen("agent")
    (source,) = supervisor.get(f"/inboxes/{PAPER}/sources")["items"]
    for screen, path in (
        (supervisor, f"/sources/{source['id']}/raw"),
        (agent, f"/messages/{source['message_id']}/source"),
    ):
        response = screen.call("GET", path)
        assert response.status_code == 200
        assert response.data == RAW
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["Content-Type"] == "message/rfc822"
        assert response.headers["Content-Security-Policy"].startswith("sandbox")


def test_what_is_not_there_is_not_found(world: World, open_screen: Callable[..., Screen]) -> None:
    supervisor = open_screen("supervisor")
    message_id = world.say("by another way").message_id
    assert supervisor.problem("GET", "/inboxes/nowhere/sources")[0] == 404
    assert supervisor.problem("GET", "/sources/nothing/raw")[0] == 404
    assert supervisor.problem("GET", f"/messages/{message_id}/source")[0] == 404


def test_inboxes_tell_how_listening_goes_to_those_who_look_after_them(
    world: World, open_screen: Callable[..., Screen], arrive: Callable[[int, bytes], None]
) -> None:
    world.store.write(lambda tx: listening.take(tx, PAPER, owner="me", lease=60_000_000))
    screens = {role: open_screen(role) for role in ("agent", "team_lead", "supervisor")}

    def told(role: str) -> tuple[dict[str, Any] | None, int | None]:
        (found,) = [each for each in screens[role].get("/inboxes")["items"] if each["id"] == PAPER]
        return found["listener"], found["held_back"]

    nothing = {"seen_at": None, "behind": 0, "notice": "", "error": "", "error_since": None}
    assert told("supervisor") == ({"state": "starting", **nothing}, 0)
    world.store.write(lambda tx: listening.seen(tx, PAPER, owner="me", behind=7, notice="rebuilt"))
    arrive(1, b"")
    state, held_back = told("supervisor")
    assert state is not None
    assert (state["state"], state["behind"], state["notice"], held_back) == ("ok", 7, "rebuilt", 1)
    assert state["seen_at"]
    world.store.write(lambda tx: listening.failed(tx, PAPER, owner="me", error="no answer"))
    state, _ = told("supervisor")
    assert state is not None
    assert (state["state"], state["error"], bool(state["error_since"])) == ("down", "no answer", True)
    assert told("team_lead") == (None, 1)
    assert told("agent") == (None, None)
    others = [each for each in screens["supervisor"].get("/inboxes")["items"] if each["id"] != PAPER]
    assert {each["listener"] for each in others} == {None}
