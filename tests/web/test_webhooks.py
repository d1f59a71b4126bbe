"""Providers' webhooks: genuine or refused, once or again, and what channels get to see of a request."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub.domain.messages import Parsed, ProviderReply, WebhookRequest
from hub.store import tables as t
from hub.web.webhooks import BODY_LIMIT
from tests.fixtures_hub import World

URL = "/webhooks/key-paper"


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


def post(client: FlaskClient, body: str, paper: str = "genuine") -> TestResponse:
    return client.post(URL, data=body.encode(), headers={"X-Paper": paper})


def test_a_message_comes_in(world: World, client: FlaskClient) -> None:
    response = post(client, "-|id-1|customer-1|hello")
    assert (response.status_code, response.data, response.content_type) == (200, b"", "text/plain")
    assert world.count(t.message) == 1
    assert world.count(t.webhook_payload) == 1


def test_a_repeated_webhook_gets_its_200_and_writes_nothing(world: World, client: FlaskClient) -> None:
    for _ in range(3):
        assert post(client, "-|id-1|customer-1|hello").status_code == 200
    assert (world.count(t.message), world.count(t.webhook_payload)) == (1, 1)


def test_fifty_copies_at_once_are_one_message(world: World, app: APIFlask) -> None:
    statuses: list[int] = []
    start = threading.Barrier(50)

    def deliver() -> None:
        client = app.test_client()
        start.wait()
        statuses.append(post(client, "-|id-1|customer-1|hello").status_code)

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 50
    assert (world.count(t.message), world.count(t.conversation)) == (1, 1)


def test_what_is_not_genuine_is_refused_and_leaves_no_trace(world: World, client: FlaskClient) -> None:
    response = post(client, "-|id-1|customer-1|hello", paper="forged")
    assert (response.status_code, response.get_json()["error_id"]) == (401, "bad_signature")
    assert (world.count(t.message), world.count(t.webhook_payload)) == (0, 0)


@pytest.mark.parametrize("key", ["unknown", "x" * 65, "%00"])
def test_an_unknown_inbox(client: FlaskClient, key: str) -> None:
    response = client.post(f"/webhooks/{key}", data=b"")
    assert (response.status_code, response.get_json()["error_id"]) == (404, "not_found")


def test_too_large_a_body_is_not_read(world: World, client: FlaskClient) -> None:
    response = post(client, "-|id-1|customer-1|" + "x" * BODY_LIMIT)
    assert (response.status_code, response.get_json()["error_id"]) == (413, "too_large")
    assert world.count(t.message) == 0


@pytest.fixture
def seen(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[WebhookRequest]]:
    """The requests that the channel got to see; it answers a handshake."""
    found: list[WebhookRequest] = []

    def parse(request: WebhookRequest) -> Parsed:
        found.append(request)
        return Parsed(reply=ProviderReply(202, b'{"challenge": 1}', "application/json"))

    monkeypatch.setattr(world.paper, "verify", lambda _: None)
    monkeypatch.setattr(world.paper, "parse_inbound", parse)
    return found


def test_a_handshake_gets_the_answer_that_the_provider_wants(
    world: World, client: FlaskClient, seen: list[WebhookRequest]
) -> None:
    response = client.get(f"{URL}?mode=subscribe&token=a%20b&mode=again")
    assert (response.status_code, response.data) == (202, b'{"challenge": 1}')
    assert response.content_type == "application/json"
    (request,) = seen
    assert request.method == "GET"
    assert request.url == f"{world.hub.settings.public_url}{URL}?mode=subscribe&token=a%20b&mode=again"
    assert world.count(t.webhook_payload) == 0


def test_a_form_is_seen_raw_and_parsed(world: World, client: FlaskClient, seen: list[WebhookRequest]) -> None:
    raw = b"Body=Hola%2C+qu%C3%A9+tal&Media=1&Media=2&Empty="
    client.post(URL, data=raw, content_type="application/x-www-form-urlencoded", headers={"X-Twilio-Signature": "s"})
    (request,) = seen
    assert request.body == raw
    assert request.form == {"Body": ("Hola, qué tal",), "Media": ("1", "2"), "Empty": ("",)}
    assert request.headers["x-twilio-signature"] == "s"
    assert request.url == f"{world.hub.settings.public_url}{URL}"
