"""What the bot may ask: with its token, about the customer who was proved in that conversation, not too often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from hub.services import records
from hub.services.inbound import Received
from hub.store import tables as t
from hub.web.flask_app import create_app
from tests.fixtures_hub import PAPER, World

TOKEN = "the bot's own token"
HOUR = 3_600_000_000
CUSTOMER, POSTCODE, ORDER = "12345678", "SW1A 1AA", "A100234"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world(CENTRALITA_BOT_TOKEN=TOKEN)

    def fill(tx: Any) -> None:
        for number, name, postcode in ((CUSTOMER, "Ana García", POSTCODE), ("87654321", "John Smith", "28013")):
            tx.add(t.customer_record, {"customer_number": number, "name": name, "postcode": postcode})
        for order_id, number in ((ORDER, CUSTOMER), ("B200", "87654321")):
            values = {"order_id": order_id, "customer_number": number, "state": "shipped", "carrier": "SEUR"}
            tx.add(t.order_record, values | {"expected": "2026-11-25"})

    world.store.write(fill)
    return world


class Bot:
    def __init__(self, client: FlaskClient, token: str = TOKEN) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    def verify(self, said: Received, number: str = CUSTOMER, postcode: str = POSTCODE) -> TestResponse:
        body = {**where(said), "customer_number": number, "postcode": postcode}
        return self.client.post("/bot/v1/verify", json=body, headers=self.headers)

    def order(self, said: Received, order_id: str = ORDER) -> TestResponse:
        return self.client.get(f"/bot/v1/orders/{order_id}", query_string=where(said), headers=self.headers)


def where(said: Received) -> dict[str, str]:
    """How the bot names the message that it answers."""
    return {"conversation_id": said.conversation_id, "message_id": said.message_id}


@pytest.fixture
def bot(world: World) -> Bot:
    return Bot(create_app(world.hub).test_client())


@pytest.fixture
def said(world: World) -> Received:
    return world.say("where is my order?")


@pytest.mark.parametrize("postcode", ["SW1A 1AA", "sw1a1aa", " Sw1A  1aA "])
def test_who_proves_who_they_are_hears_of_their_order(bot: Bot, said: Received, postcode: str) -> None:
    assert bot.order(said).status_code == 404
    assert bot.verify(said, postcode=postcode).get_json() == {"verified": True, "name": "Ana García"}
    assert bot.order(said).get_json() == {
        "order_id": ORDER,
        "state": "shipped",
        "carrier": "SEUR",
        "expected": "2026-11-25",
    }


@pytest.mark.parametrize(("number", "postcode"), [(CUSTOMER, "28013"), ("87654321", POSTCODE), ("00000000", POSTCODE)])
def test_wrong_details_prove_nothing(bot: Bot, said: Received, number: str, postcode: str) -> None:
    assert bot.verify(said, number, postcode).get_json() == {"verified": False, "name": None}
    assert bot.order(said).status_code == 404


def test_others_orders_and_orders_that_are_not_there_look_the_same(bot: Bot, said: Received) -> None:
    bot.verify(said)
    theirs, none = bot.order(said, "B200"), bot.order(said, "C300")
    assert theirs.status_code == none.status_code == 404
    assert theirs.get_json()["message"].replace("B200", "") == none.get_json()["message"].replace("C300", "")


def test_a_proof_holds_in_its_own_conversation_only(world: World, bot: Bot, said: Received) -> None:
    bot.verify(said)
    other = world.say("hello", sender="customer-2")
    assert bot.order(other).status_code == 404
    bot.verify(said, postcode="00000")
    assert bot.order(said).status_code == 200


@pytest.mark.parametrize(("name", "then"), [("", "Ana García"), ("Anita", "Anita")])
def test_a_proof_names_a_contact_who_has_no_name_yet(world: World, bot: Bot, name: str, then: str) -> None:
    said = world.say("where is my order?", name=name)
    world.say("hello", sender="somebody else", name="")

    def names() -> list[str]:
        with world.store.read() as connection:
            return sorted(connection.execute(select(t.contact.c.name)).scalars())

    bot.verify(said, postcode="00000")
    assert names() == sorted(["", name])
    bot.verify(said)
    assert names() == ["", then]
    bot.verify(said, "87654321", "28013")
    assert names() == ["", then]


def test_a_shops_signed_identity_is_proof_where_the_conversation_began_with_it(world: World, bot: Bot) -> None:
    evidence = (("customer", f"{PAPER}:{CUSTOMER}", "signed_identity"),)
    signed = world.say("hello", sender="signed in", evidence=evidence)
    assert bot.order(signed).status_code == 200
    assert bot.order(signed, "B200").status_code == 404
    stated = (("customer", f"{PAPER}:87654321", "stated"),)
    guessed = world.say("hello", sender="somebody", evidence=stated)
    assert bot.order(guessed, "B200").status_code == 404


def test_too_many_tries_wait_an_hour(world: World, bot: Bot, said: Received) -> None:
    for _ in range(records.TRIES):
        assert bot.verify(said, postcode="00000").get_json()["verified"] is False
    response = bot.verify(said)
    assert (response.status_code, response.get_json()["error_id"]) == (429, "too_many")
    assert 0 < int(response.headers["Retry-After"]) <= 3601
    assert bot.order(said).status_code == 404
    world.clock.pass_time(HOUR)
    assert bot.verify(said).get_json()["verified"] is True


def test_an_unknown_conversation_or_message(bot: Bot, said: Received) -> None:
    for unknown in (replace(said, conversation_id="nothing"), replace(said, message_id="nothing")):
        assert bot.verify(unknown).status_code == 404
        assert bot.order(unknown).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"customer_number": "12 34"}, "customer_number"),
        ({"customer_number": ""}, "customer_number"),
        ({"postcode": "x"}, "postcode"),
        ({"postcode": "SW1A 1AA; drop"}, "postcode"),
        ({"conversation_id": "a b"}, "conversation_id"),
        ({"message_id": ""}, "message_id"),
        ({"more": 1}, "more"),
    ],
)
def test_malformed_details_are_refused(bot: Bot, said: Received, body: dict[str, object], field: str) -> None:
    whole = {**where(said), "customer_number": CUSTOMER, "postcode": POSTCODE} | body
    response = bot.client.post("/bot/v1/verify", json=whole, headers=bot.headers)
    assert (response.status_code, response.get_json()["field"]) == (422, field)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"bearer {TOKEN}", f"Bearer {TOKEN}x", "Bearer ñ"])
def test_only_with_the_token(bot: Bot, said: Received, header: str) -> None:
    bot.headers = {"Authorization": header}
    assert (bot.verify(said).status_code, bot.order(said).status_code) == (401, 401)


def test_without_a_configured_token_nobody(make_world: Callable[..., World], said: Received) -> None:
    client = create_app(make_world(CENTRALITA_BOT_TOKEN="").hub).test_client()
    for token in ("", TOKEN):
        assert Bot(client, token).verify(said).status_code == 401
    assert client.get("/bot/v1/orders/A1?conversation_id=x").status_code == 401
