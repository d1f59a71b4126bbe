"""Customers' texts on their way to the hub: signed as Twilio's own library wants it, repeated, copied, overtaken."""

from __future__ import annotations

import base64
import socket
from dataclasses import replace
from typing import Any

import pytest

from channels.simulators.twilio_webhooks import connection_of, signature
from tests.channels.simulators.conftest import ACCOUNT, CARMEN, OLIVER, SERVICE, SPAIN, UK, Heard, World

PICTURE = {"content_base64": base64.b64encode(b"\x89PNG dots").decode(), "media_type": "image/png", "name": "box.png"}


def test_a_text_has_the_documented_parameters_and_a_genuine_signature(world: World) -> None:
    answer = world.text("¿Dónde está mi pedido? Ñandú & co. 50%")
    (call,) = world.hub.heard
    assert call.is_genuine()
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.headers["User-Agent"] == "TwilioProxy/1.1"
    form = call.form
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == answer["sid"]
    wanted = {
        "From": CARMEN,
        "To": SPAIN,
        "Body": "¿Dónde está mi pedido? Ñandú & co. 50%",
        "AccountSid": ACCOUNT.sid,
        "ApiVersion": "2010-04-01",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCountry": "ES",
        "ToCountry": "ES",
        "FromCity": "",
    }
    assert wanted.items() <= form.items()
    assert "MessagingServiceSid" not in form
    assert answer["delivered"]
    assert [attempt["status"] for attempt in answer["attempts"]] == [200]
    assert answer["attempts"][0]["latency_ms"] > 0


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("HMAC_SHA1", "l7y3tPDexGwYsu8Ld+rrIimY01A="),
        ("HMAC_SHA256", "nD/dWK8St6rKy+WEARqBB1Do9iQz9b+8HHutT4+dRho="),
    ],
)
def test_signatures_are_those_of_known_examples(algorithm: str, value: str) -> None:
    fields = [("NumMedia", "0"), ("From", "whatsapp:+15551230000"), ("Body", "hé")]
    assert signature("https://hub.example/twilio/wa", fields, "auth-token", algorithm) == value


def test_the_newer_signature_has_its_settings_header(world: World) -> None:
    world.number(signing="shared_key", messaging_service_sid=SERVICE)
    world.text()
    (call,) = world.hub.heard
    header = call.headers["X-Twilio-Webhooks-Signature-Settings"]
    assert header == "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    assert call.is_genuine()
    assert call.form["MessagingServiceSid"] == SERVICE


@pytest.mark.parametrize("signing", ["token", "shared_key"])
def test_a_json_body_is_signed_by_its_hash(world: World, signing: str) -> None:
    world.number(body_format="json", signing=signing, webhook_url=f"{world.hub.url}/webhooks/sms?a=1")
    world.text("hola, ¿qué tal?")
    (call,) = world.hub.heard
    assert "?a=1&bodySHA256=" in call.url
    assert call.is_genuine()
    assert not replace(call, body=call.body + b" ").is_genuine()


@pytest.mark.parametrize("do", ["tamper", "unsigned"])
def test_a_forgery_is_one(world: World, do: str) -> None:
    world.fault(where="webhook", do=do)
    world.text()
    world.text()
    first, second = world.hub.heard
    assert not first.is_genuine()
    assert second.is_genuine()


def test_fifty_copies_at_the_same_moment(world: World) -> None:
    answer = world.text(copies=50)
    assert len(answer["attempts"]) == 50
    assert {call.form["MessageSid"] for call in world.hub.heard} == {answer["sid"]}
    assert len({call.headers["I-Twilio-Idempotency-Token"] for call in world.hub.heard}) == 1
    summary = world.ledger.summary()["texts"]
    assert (summary["sent"], summary["accepted"], summary["acceptances"]) == (1, 1, 50)


@pytest.mark.parametrize(
    ("fault", "copies"),
    [({"do": "duplicate", "copies": 3}, 3), ({"do": "parallel", "copies": 7}, 7), ({"do": "lose_answer"}, 2)],
)
def test_copies_as_a_fault(world: World, fault: dict[str, Any], copies: int) -> None:
    world.fault(where="webhook", **fault)
    assert len(world.text()["attempts"]) == copies
    assert len(world.text()["attempts"]) == 1


def test_texts_of_one_customer_come_in_order_and_others_do_not_wait(world: World) -> None:
    for number in range(20):
        for sender in (CARMEN, OLIVER):
            world.text(str(number), **{"from": sender, "wait": False})
    heard = world.hub.wait_for(40)
    for sender in (CARMEN, OLIVER):
        assert [int(call.form["Body"]) for call in heard if call.form["From"] == sender] == list(range(20))
    assert world.text("last")["delivered"]
    summary = world.ledger.summary()["texts"]
    assert (summary["sent"], summary["pairs"], summary["out_of_order"]) == (41, 2, 0)


def test_a_text_can_be_overtaken_and_the_ledger_knows(still_world: World) -> None:
    still_world.fault(where="webhook", do="reorder", seconds=2)
    for body in ("first", "second"):
        still_world.text(body, wait=False)
    still_world.play()
    assert still_world.hub.texts() == ["second", "first"]
    assert still_world.ledger.summary()["texts"]["out_of_order"] == 1


@pytest.mark.parametrize(
    ("overrides", "calls"), [("", 1), ("#rc=3&rp=5xx", 3), ("#rc=1&rp=5xx", 2), ("#rc=5&rp=ct", 1), ("#rc=2&rp=all", 3)]
)
def test_a_webhook_is_repeated_as_its_address_says(still_world: World, overrides: str, calls: int) -> None:
    still_world.number(webhook_url=f"{still_world.hub.url}/webhooks/sms{overrides}")
    statuses = iter([503, 500, 200])
    still_world.hub.answer = lambda _: (next(statuses), "", "text/xml")
    still_world.text("one", wait=False)
    still_world.text("two", wait=False)
    still_world.play(0)
    # The customer's next text waits while this one may still be repeated.
    assert still_world.hub.texts() == ["one"] + (["two"] if calls == 1 else [])
    statuses = iter([500, 200, 200] if calls != 1 else [200])
    still_world.play()
    assert still_world.hub.texts() == ["one"] * calls + ["two"]
    assert {call.is_genuine() for call in still_world.hub.heard} == {True}


def test_nobody_answers_at_all(still_world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    still_world.number(webhook_url=f"http://127.0.0.1:{port}/webhooks/sms#rc=2&rp=ct")
    sid = still_world.text(wait=False)["sid"]
    still_world.play()
    assert [attempt["status"] for attempt in still_world.ledger.attempts(sid)] == [0, 0, 0]
    assert still_world.ledger.summary()["texts"]["failed"] == 1


def test_overrides_have_limits() -> None:
    connection = connection_of("https://hub.example/x#rc=99&ct=1&rt=999999&rp=4xx,ct")
    assert (connection.retries, connection.connect, connection.read) == (5, 0.1, 15.0)
    assert connection.policy == {"4xx", "ct"}


@pytest.mark.parametrize(
    ("text", "kind", "replies"),
    [
        ("<Response/>", "text/xml", []),
        ("<Response><Message>Hola</Message></Response>", "text/xml; charset=utf-8", ["Hola"]),
        ("<Response><Message><Body>a</Body></Message><Message>b</Message></Response>", "application/xml", ["a", "b"]),
        ("Gracias", "text/plain", ["Gracias"]),  # so does Twilio
        ("", "text/plain", []),
        ('{"ok": true}', "application/json", []),
        ("<Response><Message>", "text/xml", []),
    ],
)
def test_what_the_webhook_answers_is_sent(world: World, text: str, kind: str, replies: list[str]) -> None:
    world.hub.answer = lambda _: (200, text, kind)
    world.text()
    made = [message for message in world.ledger.listed() if message.direction == "outbound-reply"]
    assert sorted(message.body for message in made) == replies
    errors = world.ledger.entries(kind="error")
    assert [entry["detail"]["code"] for entry in errors] == ([12100] if text.endswith("<Message>") else [])


# --- STOP, START, HELP ---


def own_words(world: World) -> list[str]:
    return [message.body for message in reversed(world.ledger.listed()) if message.origin == "provider"]


@pytest.mark.parametrize("word", ["STOP", " stop ", "StopAll", "UNSUBSCRIBE", "cancel", "END", "quit"])
def test_a_stop_word_blocks_the_pair_and_twilio_answers(world: World, word: str) -> None:
    world.text(word)
    assert world.ledger.is_blocked(CARMEN, SPAIN)
    assert not world.ledger.is_blocked(CARMEN, UK)
    assert own_words(world) == [
        "You have successfully been unsubscribed. You will not receive any more messages from this number. "
        "Reply START to resubscribe."
    ]
    # The hub hears of it like of any text, and is told nothing else.
    assert world.hub.texts() == [word]
    assert "OptOutType" not in world.hub.heard[0].form


@pytest.mark.parametrize("word", ["START", "yes", "Unstop"])
def test_a_start_word_lifts_it(world: World, word: str) -> None:
    world.text("STOP")
    world.text(word)
    assert not world.ledger.is_blocked(CARMEN, SPAIN)
    assert "re-subscribed" in own_words(world)[1]


def test_words_in_a_sentence_and_yes_of_somebody_unblocked_mean_nothing(world: World) -> None:
    for body in ("stop please", "please cancel", "yes", "baja"):
        world.text(body)
    assert own_words(world) == []
    assert world.ledger.blocks() == []


def test_help_is_answered_and_blocks_nothing(world: World) -> None:
    world.text("info")
    assert own_words(world) == ["Reply STOP to unsubscribe. Msg&Data Rates May Apply."]
    assert world.ledger.blocks() == []


def test_a_service_is_blocked_as_a_whole(world: World) -> None:
    for number in (SPAIN, UK):
        world.number(number, messaging_service_sid=SERVICE)
    world.text("STOP")
    assert world.ledger.blocks() == [(CARMEN, SERVICE)]


def test_handling_switched_off_leaves_it_to_the_hub(world: World) -> None:
    world.number(opt_out="off")
    world.text("STOP")
    assert own_words(world) == world.ledger.blocks() == []
    assert world.hub.texts() == ["STOP"]


def test_advanced_handling_tells_the_webhook(world: World) -> None:
    world.number(opt_out="advanced")
    for word in ("STOP", "HELP", "START", "thanks"):
        world.text(word)
    assert [call.form.get("OptOutType") for call in world.hub.heard] == ["STOP", "HELP", "START", None]


# --- pictures ---


def test_a_picture_is_fetched_with_the_password_from_another_store(world: World) -> None:
    sid = world.text("look", media=[PICTURE, PICTURE | {"media_type": "image/jpeg"}])["sid"]
    assert sid.startswith("MM")
    (call,) = world.hub.heard
    form = call.form
    assert (form["NumMedia"], form["MediaContentType0"], form["MediaContentType1"]) == ("2", "image/png", "image/jpeg")
    path = form["MediaUrl0"].removeprefix(world.url)
    assert path.startswith(f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages/{sid}/Media/ME")
    http = world.app.test_client()
    assert http.get(path).status_code == 401
    moved = http.get(path, auth=(ACCOUNT.sid, ACCOUNT.token))
    assert moved.status_code == 307
    stored = http.get(moved.location.removeprefix(world.url))
    assert (stored.status_code, stored.data, stored.content_type) == (200, b"\x89PNG dots", "image/png")
    assert "sandbox" in stored.headers["Content-Security-Policy"]
    forged = moved.location.removeprefix(world.url).replace("Signature=", "Signature=0")
    assert http.get(forged).status_code == 403


def test_a_media_address_grows_too_old(still_world: World) -> None:
    still_world.text("look", media=[PICTURE], wait=False)
    still_world.play()
    (call,) = still_world.hub.heard
    http = still_world.app.test_client()
    path = call.form["MediaUrl0"].removeprefix(still_world.url)
    location = http.get(path, auth=(ACCOUNT.sid, ACCOUNT.token)).location.removeprefix(still_world.url)
    assert http.get(location).status_code == 200
    still_world.play(4 * 3600)
    assert http.get(location).status_code == 403


@pytest.mark.parametrize(
    ("do", "status", "content", "kind"),
    [
        ("missing", 404, None, "application/json"),
        ("expired", 403, None, "text/html"),
        ("html", 200, b"<!doctype html><title>Please sign in</title>", "text/html"),
        ("empty", 200, b"", "image/png"),
        ("other_type", 200, b"\x89PNG dots", "image/gif"),
    ],
)
def test_media_that_is_not_what_it_should_be(
    world: World, do: str, status: int, content: bytes | None, kind: str
) -> None:
    world.text("look", media=[PICTURE])
    world.fault(where="media", do=do, **({"media_type": "image/gif"} if do == "other_type" else {}))
    path = world.hub.heard[0].form["MediaUrl0"].removeprefix(world.url)
    http = world.app.test_client()
    answer = http.get(path, auth=(ACCOUNT.sid, ACCOUNT.token))
    if answer.status_code == 307:
        answer = http.get(answer.location.removeprefix(world.url))
    assert (answer.status_code, answer.mimetype) == (status, kind)
    assert content is None or answer.data == content
    assert http.get(path, auth=(ACCOUNT.sid, ACCOUNT.token)).status_code == 307  # once was asked for


def test_every_call_is_in_the_ledger(world: World) -> None:
    def refuse(call: Heard) -> tuple[int, str, str]:
        return (422 if call.form["Body"] == "bad" else 200), "", "text/xml"

    world.hub.answer = refuse
    good, bad = world.text("good"), world.text("bad")
    assert (good["delivered"], bad["delivered"]) == (True, False)
    entries = world.ledger.entries()
    assert [(entry["kind"], entry["sid"], entry["status"]) for entry in entries] == [
        ("text", good["sid"], 0),
        ("webhook", good["sid"], 200),
        ("text", bad["sid"], 0),
        ("webhook", bad["sid"], 422),
    ]
    assert world.ledger.summary()["texts"]["failed"] == 1
