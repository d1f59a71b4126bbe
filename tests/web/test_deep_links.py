"""Links between channels, as screens make and show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hub.domain import deep_links
from hub.domain.inbox import AccountState
from hub.domain.messages import Address, InboundMessage, Parsed, Referral, WebhookRequest
from hub.services import inbound
from hub.store.queries import inbox_health
from tests.fixtures_hub import PAPER, WEB, World
from tests.web.conftest import Screen


def test_an_agent_gives_a_link_and_sees_who_came_by_it(world: World, open_screen: Callable[..., Screen]) -> None:
    agent = open_screen()
    chat = world.say("hola", inbox_id=WEB, sender="visitor", language="es")
    path = f"/conversations/{chat.conversation_id}/links"
    assert agent.get(path)["items"] == []
    assert agent.problem("POST", path, {"inbox_id": PAPER}) == (422, "refused")
    assert agent.problem("POST", path, {"inbox_id": "nowhere"}) == (404, "not_found")
    world.paper.capabilities = replace(world.paper.capabilities, deep_link="https://go.example/{handle}?start={token}")
    world.store.write(lambda tx: inbox_health.checked(tx, PAPER, AccountState("Paper", handle="paper")))
    assert agent.get(path)["items"] == [{"inbox_id": PAPER, "inbox_name": "paper", "channel": "paper"}]
    given = agent.change("POST", path, {"inbox_id": PAPER})
    assert given["text"].startswith("Puede seguir con nosotros por aquí")
    assert given["link"] in given["text"]
    token = given["link"].partition("=")[2]
    assert deep_links.is_token(token)
    message = InboundMessage("first", Address("paper", "eva"), "", referral=Referral("link", reference=token))
    request, inbox = WebhookRequest("POST", "https://hub.example/webhooks/paper"), world.inbox(PAPER)
    for external_id in ("first", "second"):
        came = replace(message, external_id=external_id)
        world.store.write(lambda tx, m=came: inbound.accept(tx, inbox, Parsed((m,)), request))
    shown = agent.get(f"/conversations/{chat.conversation_id}/messages")["items"]
    assert [(each["link"], each["rule"]) for each in shown if each["kind"] == "incoming"] == [
        (None, "new"),
        ("linked", "link"),
        ("used", "window"),
    ]
    assert [each["segment_began"]["evidence"] for each in shown if each["segment_began"]] == ["signed_link"]
    assert all(each["referral"] is None for each in shown), "the word is shown to nobody"
