"""The real Rasa behind the hub, in one conversation over two channels: forms go on, proof goes where it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.rasa import RasaBot
from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.services import contacts, inbound
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import packets
from hub.web.flask_app import create_app
from tests.fixtures_hub import TEAM, WEB, World
from tests.fixtures_rasa import HUB_TOKEN, HubApi
from tests.services.test_letters import Mails
from tests.services.test_letters import mails as mails  # the fixture

# The first test waits for training and start, which take a minute or more where the machine is busy.
pytestmark = [pytest.mark.rasa, pytest.mark.timeout(900)]

PHONES, NUMBER = "inbox-phones", "+34600123456"
SHIPPED = "on its way"


@pytest.fixture
def world(make_world: Callable[..., World], rasa_bot: RasaBot, hub_api: HubApi) -> Iterator[World]:
    """A hub whose bot is the real one, and whose API is the one that the bot's actions ask."""
    world = make_world(CENTRALITA_BOT_TOKEN=HUB_TOKEN, CENTRALITA_BOT_DEADLINE="10")
    world.bot.reply = rasa_bot.reply  # type: ignore[method-assign]
    client = create_app(world.hub).test_client()

    def ask(method: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        json = body if method == "POST" else None
        headers = {"Authorization": f"Bearer {HUB_TOKEN}"}
        response = client.open(path, method=method, query_string=query, json=json, headers=headers)
        return response.status_code, response.get_json()

    def fill(tx: Any) -> None:
        values = {"id": PHONES, "key": "key-phones", "name": "Phones", "channel": "paper", "team_id": TEAM}
        tx.add(t.inbox, values | {"settings": '{"default_region": "ES"}'})
        tx.add(t.customer_record, {"customer_number": "12345678", "name": "Ana García", "postcode": "28013"})
        values = {"order_id": "A100234", "customer_number": "12345678", "state": "shipped", "carrier": "Correos"}
        tx.add(t.order_record, values | {"expected": "2026-11-25"})

    world.store.write(fill)
    well_behaved, hub_api.answer = hub_api.answer, ask  # type: ignore[method-assign]
    yield world
    hub_api.answer = well_behaved  # type: ignore[method-assign]
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


def answers(world: World, channel: str) -> list[str]:
    """What the bot has said in a channel."""
    with world.store.read() as connection:
        m = t.message.c
        rows = connection.execute(t.message.select().where(m.author_kind == "bot", m.channel == channel))
        return [row.text for row in sorted(rows, key=lambda row: row.event_id)]


def chat(world: World, text: str) -> str:
    """The bot's last answer to what is said in the web chat."""
    world.say(text, inbox_id=WEB, sender="visitor", name="", language="en")
    world.run()
    return answers(world, "webchat")[-1]


def text_message(world: World, text: str) -> str:
    """The bot's last answer to what is texted."""
    message = InboundMessage(f"x-{world.clock.now()}", Address("sms", NUMBER), text, language="en")
    request = WebhookRequest("POST", "https://hub.example/webhooks/phones", body=text.encode())
    inbox = world.inbox(PHONES)
    world.received += world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    world.run()
    return answers(world, "sms")[-1]


@pytest.fixture
def stated(world: World) -> World:
    """A visitor of the page has named their number."""
    visitor = Address("webchat", "visitor", WEB)
    world.store.write(lambda tx: contacts.state_details(tx, visitor, "", "", "600 123 456", "ES"))
    return world


def slots(world: World) -> dict[str, str]:
    with world.store.read() as connection:
        return dict(packets.slots(connection, world.received[-1].conversation_id))


def test_a_form_begun_in_the_chat_is_finished_by_text(stated: World) -> None:
    world = stated
    assert "customer number" in chat(world, "where is my order A100234?")
    assert "postcode" in chat(world, "12345678")
    assert SHIPPED in text_message(world, "28013")
    assert len({each.conversation_id for each in world.received}) == 1
    assert slots(world)["order_id"] == "A100234"
    assert slots(world)["customer_number"] == "12345678"


def test_verified_in_the_chat_the_order_is_told_by_text(stated: World) -> None:
    world = stated
    chat(world, "where is my order A100234?")
    chat(world, "12345678")
    assert SHIPPED in chat(world, "28013")
    assert SHIPPED in text_message(world, "where is my order A100234?"), "nothing is asked again"
    assert "SegmentBegan" in world.kinds()
    assert "HandedOver" not in world.kinds()


def test_verified_by_text_the_order_is_not_told_to_the_chat_that_named_the_number(stated: World) -> None:
    world = stated
    chat(world, "hello")
    text_message(world, "where is my order A100234?")
    text_message(world, "12345678")
    assert SHIPPED in text_message(world, "28013")
    assert len({each.conversation_id for each in world.received}) == 1
    asked_again = chat(world, "where is my order A100234?")
    assert "customer number" in asked_again, "whoever named the number has to prove who they are"
    assert SHIPPED not in " ".join(answers(world, "webchat"))
    assert "12345678" not in slots(world).values()
    assert SHIPPED in text_message(world, "where is my order A100234?"), "and the owner is still known"


def test_a_signed_in_customer_is_asked_for_nothing(world: World) -> None:
    evidence = (("customer", f"{WEB}:12345678", "signed_identity"),)
    world.say("where is my order A100234?", inbox_id=WEB, sender="visitor", language="en", evidence=evidence)
    world.run()
    assert SHIPPED in answers(world, "webchat")[-1]


def test_by_mail_it_answers_what_needs_no_dialogue_and_leaves_the_rest_to_people(mails: Mails, world: World) -> None:
    opened, _ = mails.arrive("What are your opening hours?", subject="Opening hours", Content_Language="en")
    (answer,) = mails.sent
    assert answer.text.endswith("a person will read your answer.")
    assert world.conversation(opened).status == "bot"
    order, _ = mails.arrive("Where is my order?", sender="b@example.org", subject="My order", Content_Language="en")
    assert world.conversation(order).status == "waiting", "it would ask for a number, which a mail is no place for"
    assert "Your number is" in mails.sent[-1].text
