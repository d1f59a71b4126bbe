"""Providers' webhooks: genuine or refused, once or again, and what channels get to see of a request."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import Address, InboundMessage, Parsed, ProviderReply, SetAside, WebhookRequest
from hub.ports import Channel
from hub.store import tables as t
from hub.web.webhooks import BODY_LIMIT, FIELD_LIMIT
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


# --- what no provider sends -------------------------------------------------------------------------------------------

# What never comes to the database need not be tried on two.
ON_ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
FORM = "application/x-www-form-urlencoded"


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("body", "content_type", "form"),
    [
        (b"", FORM, {}),
        (b"Body=1&Body=2&Body=1", FORM, {"Body": ("1", "2", "1")}),
        (b"Body", FORM, {"Body": ("",)}),
        (b"&&=&", FORM, {"": ("",)}),
        ("Body=ñ%C3%B1".encode(), FORM, {"Body": ("ññ",)}),
        (b"Body=\xff\xfe", FORM, {"Body": ("\ufffd\ufffd",)}),
        (b"Body=%ff%00", FORM, {"Body": ("\ufffd\0",)}),
        (b"a=1&" * (FIELD_LIMIT - 1) + b"a=1", FORM, {"a": ("1",) * FIELD_LIMIT}),
        (b"Body=" + b"x" * 1_000_000, FORM, {"Body": ("x" * 1_000_000,)}),
        (b"Body=1", f"{FORM}; charset=UTF-8", {"Body": ("1",)}),
        (b"--b\r\nno form that we read", "multipart/form-data; boundary=b", {}),
        (b"Body=1", "text/plain", {}),
        (b"Body=1", "", {}),
        (b"Body=1", "\xff/\xff", {}),
    ],
    ids=str,
)
def test_any_body_reaches_the_channel_whole(
    client: FlaskClient, seen: list[WebhookRequest], body: bytes, content_type: str, form: dict[str, tuple[str, ...]]
) -> None:
    assert client.post(URL, data=body, content_type=content_type).status_code == 202
    (request,) = seen
    assert (request.body, request.form) == (body, form)


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("body", "content_type", "rule"),
    [
        (b"x" * (BODY_LIMIT + 1), "application/json", f"must have at most {BODY_LIMIT} bytes"),
        (b"Body=" + b"x" * BODY_LIMIT, FORM, f"must have at most {BODY_LIMIT} bytes"),
        (b"a=1&" * FIELD_LIMIT, FORM, f"must be a form of at most {FIELD_LIMIT} fields"),
    ],
    ids=["bytes", "bytes of a form", "fields"],
)
def test_too_much_is_refused_with_field_and_rule(
    world: World, client: FlaskClient, seen: list[WebhookRequest], body: bytes, content_type: str, rule: str
) -> None:
    response = client.post(URL, data=body, content_type=content_type)
    assert response.status_code == 413
    assert response.get_json() == {
        "error_id": "too_large",
        "message": f"body: {rule}",
        "field": "body",
        "rule": rule,
    }
    assert seen == []
    assert world.count(t.webhook_payload) == 0


@ON_ONE_DATABASE
@pytest.mark.parametrize(("length", "status"), [(100, 202), (BODY_LIMIT + 1, 413)])
def test_a_body_that_does_not_say_its_length(
    client: FlaskClient, seen: list[WebhookRequest], length: int, status: int
) -> None:
    """Chunked: the server in front of the application ends the stream."""
    body = b"x" * length
    response = client.post(
        URL,
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
    )
    assert response.status_code == status
    assert [request.body for request in seen] == ([body] if status == 202 else [])


@ON_ONE_DATABASE
@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_none_is_an_empty_body(client: FlaskClient, seen: list[WebhookRequest], length: str) -> None:
    client.post(URL, input_stream=io.BytesIO(b"{}"), environ_overrides={"CONTENT_LENGTH": length})
    assert [request.body for request in seen] == [b""]


@ON_ONE_DATABASE
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_method_is_not_allowed(client: FlaskClient, seen: list[WebhookRequest], method: str) -> None:
    response = client.open(URL, method=method, data=b"{}")
    assert (response.status_code, response.get_json()["error_id"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
    assert seen == []


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("?a=1&a=2&b=", "?a=1&a=2&b="),
        ("?a=%ff%00", "?a=%ff%00"),
        ("?a=b+c%20d", "?a=b+c%20d"),
        ("?", ""),
    ],
)
def test_an_address_is_passed_on_as_it_was_called(
    world: World, client: FlaskClient, seen: list[WebhookRequest], url: str, wanted: str
) -> None:
    client.get(f"{URL}{url}")
    assert [request.url for request in seen] == [f"{world.hub.settings.public_url}{URL}{wanted}"]


@ON_ONE_DATABASE
@pytest.mark.parametrize(("field", "rule"), [("From", "must be a number"), ("events", "must be a list")])
def test_a_refusal_names_the_field_and_its_rule(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, field: str, rule: str
) -> None:
    def refuse(_: WebhookRequest) -> Parsed:
        raise Refused(field, rule)

    monkeypatch.setattr(world.paper, "parse_inbound", refuse)
    response = post(client, "anything")
    assert response.status_code == 422
    assert response.get_json() == {"error_id": "refused", "message": f"{field}: {rule}", "field": field, "rule": rule}


def test_of_a_batch_only_what_is_bad_is_set_aside(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [InboundMessage(f"id-{number}", Address("paper", "customer-1"), "hello") for number in range(2)]
    bad = SetAside("text", "must not be empty", b"raw")
    monkeypatch.setattr(world.paper, "parse_inbound", lambda _: Parsed((good[0], good[1]), (bad,)))
    assert [post(client, "batch").status_code for _ in range(2)] == [200, 200]
    assert world.count(t.message) == 2
    with world.store.read() as connection:
        rows = connection.execute(t.set_aside.select()).all()
    assert {(row.field, row.rule, row.raw) for row in rows} == {("text", "must not be empty", b"raw")}


@ON_ONE_DATABASE
@pytest.mark.parametrize("error", [Refused("settings.url", "must be an address"), KeyError("signing_key")], ids=str)
def test_an_inbox_whose_settings_are_wrong_asks_to_come_again(
    world: World, client: FlaskClient, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Inbox) -> Channel:
        raise error

    monkeypatch.setattr(type(world.hub), "channel_of", property(lambda _: fail))
    response = post(client, "-|id-1|customer-1|hello")
    assert (response.status_code, response.get_json()["error_id"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "60"
    assert "settings.url" not in response.text
