"""Who may be written to, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures_hub import World
from tests.web.conftest import Screen


@pytest.fixture
def opened(world: World, open_screen: Callable[..., Screen]) -> tuple[Screen, str]:
    """An agent's screen and a conversation."""
    return open_screen("agent"), world.say("a person please").conversation_id


def identity(screen: Screen, conversation_id: str) -> dict[str, Any]:
    (found,) = screen.get(f"/conversations/{conversation_id}")["contact"]["identities"]
    return dict(found)


def test_an_agent_forbids_and_allows_an_address(opened: tuple[Screen, str]) -> None:
    agent, conversation_id = opened
    known = identity(agent, conversation_id)
    assert known["do_not_contact"] is None
    where = f"/conversations/{conversation_id}/do-not-contact"
    wish = {"identity_id": known["id"], "forbidden": True, "reason": "asked on the phone"}
    answer = agent.change("POST", where, wish)
    assert answer["identities"][0]["do_not_contact"]["how"] == "agent"
    assert identity(agent, conversation_id)["do_not_contact"] == answer["identities"][0]["do_not_contact"]
    message = {"client_id": "c-1", "text": "still there?"}
    assert agent.problem("POST", f"/conversations/{conversation_id}/messages", message) == (409, "do_not_contact")
    agent.change("POST", f"/conversations/{conversation_id}/messages", message | {"kind": "note"})
    agent.change("POST", where, wish | {"forbidden": False})
    assert identity(agent, conversation_id)["do_not_contact"] is None
    agent.change("POST", f"/conversations/{conversation_id}/messages", message | {"client_id": "c-2"})
    notes = [each["text"] for each in agent.get(f"/conversations/{conversation_id}/messages")["items"]]
    assert notes.count("asked on the phone") == 2


@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"forbidden": "maybe"}, {"identity_id": "a b"}]
)
def test_a_decision_needs_a_reason_and_an_address(opened: tuple[Screen, str], change: dict[str, object]) -> None:
    agent, conversation_id = opened
    wish = {"identity_id": identity(agent, conversation_id)["id"], "forbidden": True, "reason": "why"}
    where = f"/conversations/{conversation_id}/do-not-contact"
    assert agent.problem("POST", where, wish | change) == (422, "refused")
    assert agent.problem("POST", where, wish | {"identity_id": "nobody"}) == (404, "not_found")
