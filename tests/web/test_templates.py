"""Reply windows, templates and stopped inboxes, as screens get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.domain.templates import Approval, Template
from hub.services import inbound
from hub.store.queries import stops
from hub.store.queries import templates as queries
from tests.fixtures_hub import PAPER, World
from tests.web.conftest import Screen

DAY = 86_400_000_000
ORDER = Template("t-1", "order_shipped", "en", "utility", Approval.APPROVED, "Order {{1}} is on its way.")


@pytest.fixture
def conversation_id(world: World) -> str:
    """Somebody wrote to an inbox whose customers may be answered for a day."""
    world.paper.capabilities = replace(world.paper.capabilities, reply_window=86_400, templates=True)
    message = InboundMessage("x-1", Address("paper", "customer-1"), "hello", sent_at=world.clock.now())
    inbox, request = world.inbox(), WebhookRequest("POST", "https://hub.example/webhooks/paper")
    (received,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    world.store.write(
        lambda tx: queries.replace_all(tx, PAPER, (ORDER, replace(ORDER, approval=Approval.PAUSED, name="old")))
    )
    return received.conversation_id


def test_the_way_says_until_when_and_the_answer_is_refused_after_it(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    screen = open_screen("agent")
    (way,) = screen.get(f"/conversations/{conversation_id}")["ways"]
    assert way["window"]["closes_at"].startswith("2026-")
    assert (way["window"]["tagged_until"], way["window"]["templates"], way["stopped"]) == (None, True, None)
    world.clock.pass_time(DAY)
    screen = open_screen("agent", "Eva")  # the session before has ended too
    path = f"/conversations/{conversation_id}/messages"
    assert screen.problem("POST", path, {"client_id": "c1", "text": "hello?"}) == (422, "refused")
    stored = screen.get(f"/inboxes/{PAPER}/templates")
    assert [(each["name"], each["why_not"]) for each in stored["items"]] == [("old", "paused"), ("order_shipped", "")]
    assert stored["items"][1]["parameters"] == [{"place": "body", "name": "1"}]
    chosen = {"id": stored["items"][1]["id"], "parameters": ["A-17"]}
    sent = screen.change("POST", path, {"client_id": "c2", "text": "", "template": chosen})
    assert sent["text"] == "Order A-17 is on its way."
    paused = {"id": stored["items"][0]["id"], "parameters": ["A-17"]}
    assert screen.problem("POST", path, {"client_id": "c3", "text": "", "template": paused}) == (422, "refused")


def test_an_inbox_without_templates_says_so(conversation_id: str, open_screen: Callable[..., Screen]) -> None:
    screen = open_screen("agent")
    assert screen.problem("POST", f"/inboxes/{PAPER}/templates/sync") == (409, "conflict")
    assert screen.problem("GET", "/inboxes/nowhere/templates") == (404, "not_found")


def test_a_stopped_inbox_is_shown_and_an_administrator_lets_it_go_on(
    world: World, conversation_id: str, open_screen: Callable[..., Screen]
) -> None:
    world.store.write(lambda tx: stops.stop(tx, PAPER, "131042", "the bill is not paid", tries=False))
    (way,) = open_screen("agent").get(f"/conversations/{conversation_id}")["ways"]
    assert (way["stopped"]["code"], way["stopped"]["tries"]) == ("131042", False)
    assert open_screen("supervisor").problem("POST", f"/inboxes/{PAPER}/resume") == (403, "forbidden")
    administrator = open_screen("administrator")
    parts = [each for each in administrator.get("/health")["parts"] if each["name"] == "sending"]
    assert [(each["state"], each["detail"]["error"]) for each in parts] == [("down", "131042 the bill is not paid")]
    administrator.change("POST", f"/inboxes/{PAPER}/resume")
    assert [each for each in administrator.get("/health")["parts"] if each["name"] == "sending"] == []
