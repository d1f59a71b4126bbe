"""Text messages by Twilio: whom it believes, what it reads, what it sends and to whom, what an error means."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import settings as fuzzing
from hypothesis import strategies as st
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from channels.sms import twilio
from channels.sms.twilio import ERRORS, TwilioSms, Verdict
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    Address,
    Attachment,
    Consent,
    ConsentWord,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    OutboundMessage,
    RemoteMedia,
    WebhookRequest,
)
from hub.ports import Channel, ChannelParts, FetchedFile, ManySenders, MediaSource, Reconciler
from hub.testing.fakes import ManualClock
from hub.testing.provider import Answer, Provider, nobody_there

ACCOUNT, SERVICE = "AC" + "0" * 32, "MG" + "0" * 32
TOKEN, KEY, SECRET = "auth-token", "webhooks_sharedkey_01", "the secret of a shared key"
SPAIN, UK, ANA = "+34910000001", "+447700900001", "+34600111222"
URL = "https://hub.example/webhooks/key-sms"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
SID = "SM" + "a" * 32


class Shelf:
    """A fetcher that has every file and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str]] = []

    def fetch(self, url: str, *, limit: int, authorization: str = "") -> FetchedFile:
        self.asked.append((url, limit, authorization))
        return FetchedFile(b"\x89PNG", "image/png")


def parts(secrets: Mapping[str, str] | None = None, *, shelf: Shelf | None = None, **settings: Any) -> ChannelParts:
    usual = {"account_sid": ACCOUNT, "numbers": [SPAIN, UK]}
    kept = {name: value for name, value in (usual | settings).items() if value is not None}
    return ChannelParts(
        Inbox("inbox-sms", "key-sms", "Text messages", "sms", "team", settings=kept),
        {"auth_token": TOKEN} if secrets is None else secrets,
        lambda purpose: purpose.encode(),
        ManualClock(),
        shelf or Shelf(),
        URL,
    )


def channel(secrets: Mapping[str, str] | None = None, **settings: Any) -> TwilioSms:
    return twilio.channel(parts(secrets, **settings))


def incoming(*changes: tuple[str, str], without: str = "") -> list[tuple[str, str]]:
    """The fields of a customer's text."""
    fields = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": ANA, "To": SPAIN, "Body": "hola", "NumMedia": "0"}
    fields |= dict(changes)
    fields.pop(without, None)
    return list(fields.items())


def form(fields: list[tuple[str, str]], url: str = URL) -> WebhookRequest:
    return WebhookRequest("POST", url, FORM, body=urlencode(fields).encode())


def said(*changes: tuple[str, str], **settings: Any) -> InboundMessage:
    """The one message that a text becomes."""
    (event,) = channel(**settings).parse_inbound(form(incoming(*changes))).events
    assert isinstance(event, InboundMessage)
    return event


def signed(request: WebhookRequest, signature: str, settings: str = "") -> WebhookRequest:
    headers = {**request.headers, "x-twilio-signature": signature}
    if settings:
        headers["x-twilio-webhooks-signature-settings"] = settings
    return replace(request, headers=headers)


def by_twilio(fields: list[tuple[str, str]], url: str, token: str = TOKEN, algorithm: str = HMAC_SHA1) -> str:
    """What Twilio's own library says the signature is."""
    return str(RequestValidator(token).compute_signature(url, dict(fields), algorithm))


def test_it_is_a_channel_with_media_and_a_memory() -> None:
    fits: Channel = channel()
    assert isinstance(fits, MediaSource)
    assert isinstance(fits, Reconciler)
    assert isinstance(fits, ManySenders)
    assert fits.sender_of(outbound(to="MIBANCO")) == SPAIN
    c = fits.capabilities
    assert (c.channel, c.text_limit, c.segmented, c.opt_out, c.idempotent_send) == ("sms", 1600, True, True, False)
    assert c.messages_per_second == 1.0
    assert channel(messages_per_second=80).capabilities.messages_per_second == 80.0
    assert channel(messages_per_second=0).capabilities.messages_per_second == 0.0


# --- whom it believes -------------------------------------------------------------------------------------------------

# Computed by Twilio's library, apart from this code: see the facts that the channel was built from.
VECTOR = [("Body", "hé"), ("From", "whatsapp:+15551230000"), ("NumMedia", "0")]
VECTOR_URL = "https://hub.example/twilio/wa"


def test_the_known_signatures() -> None:
    request = form(VECTOR, VECTOR_URL)
    channel().verify(signed(request, "l7y3tPDexGwYsu8Ld+rrIimY01A="))
    shared = channel({"auth_token": "another", f"shared_key:{KEY}": TOKEN})
    settings = f"key={KEY},algorithm=HMAC_SHA256"
    shared.verify(signed(request, "nD/dWK8St6rKy+WEARqBB1Do9iQz9b+8HHutT4+dRho=", settings))
    with pytest.raises(BadSignature):
        shared.verify(signed(request, "l7y3tPDexGwYsu8Ld+rrIimY01A=", settings))


@fuzzing(deadline=None)
@given(
    st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=6).filter(
        lambda each: not any("\ud800" <= letter <= "\udfff" for letter in "".join([*each, *each.values()]))
    ),
    st.sampled_from([URL, f"{URL}?message_id=x", "https://hub.example:8443/a", "http://hub.example/a?b=c&b=d"]),
)
def test_it_agrees_with_twilios_library(fields: dict[str, str], url: str) -> None:
    request = form(list(fields.items()), url)
    channel().verify(signed(request, by_twilio(list(fields.items()), url)))
    wrong = by_twilio([*fields.items(), ("Body", "more")], url)
    assert RequestValidator(TOKEN).validate(url, fields, wrong) is False or ("Body", "more") in fields.items()
    if ("Body", "more") not in fields.items():
        with pytest.raises(BadSignature):
            channel().verify(signed(request, wrong))


@pytest.mark.parametrize(
    ("called", "signed_as"),
    [
        ("https://hub.example/a", "https://hub.example:443/a"),
        ("https://hub.example:443/a", "https://hub.example/a"),
        ("https://hub.example:8443/a?b=c", "https://hub.example/a?b=c"),
        ("http://hub.example/a", "http://hub.example:80/a"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]/a"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]:443/a"),
        ("https://user:pass:word@hub.example:8443/a", "https://user:pass:word@hub.example/a"),
        ("https://hub.example/a?", "https://hub.example/a?"),
        ("https://hub.example/a?b=%C3%A9&b=+", "https://hub.example/a?b=%C3%A9&b=+"),
    ],
)
def test_with_and_without_port(called: str, signed_as: str) -> None:
    fields = incoming()
    channel().verify(signed(form(fields, called), by_twilio(fields, signed_as)))


@pytest.mark.parametrize("other", ["https://hub.example:8443/a", "http://hub.example/a", "https://hub.example/b"])
def test_another_address_is_refused(other: str) -> None:
    fields = incoming()
    with pytest.raises(BadSignature):
        channel().verify(signed(form(fields, "https://hub.example/a"), by_twilio(fields, other)))


def test_twilio_may_know_the_inbox_by_another_address() -> None:
    public = "https://hooks.shop.example/twilio"
    fields = incoming()
    behind = channel(webhook_url=public)
    behind.verify(signed(form(fields, "http://10.0.0.7:8000/webhooks/key-sms?x=1"), by_twilio(fields, f"{public}?x=1")))
    with pytest.raises(BadSignature):
        behind.verify(signed(form(fields, URL), by_twilio(fields, URL)))


def test_repeated_fields_are_signed_as_twilio_signs_them() -> None:
    fields = [("MediaUrl", "b"), ("MediaUrl", "a"), ("MediaUrl", "b"), ("Body", "")]
    string = f"{URL}BodyMediaUrlaMediaUrlb"  # sorted, each value once
    signature = base64.b64encode(__import__("hmac").new(TOKEN.encode(), string.encode(), "sha1").digest()).decode()
    channel().verify(signed(form(fields), signature))
    with pytest.raises(BadSignature):
        channel().verify(signed(form([*fields, ("MediaUrl", "c")]), signature))


def in_json(document: object, url: str = URL) -> tuple[WebhookRequest, str]:
    """A request with a JSON body, and the address that Twilio calls it at."""
    body = json.dumps(document).encode()
    called = f"{url}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    return WebhookRequest("POST", called, {"content-type": "application/json"}, body=body), called


def test_a_json_body_is_bound_by_its_hash() -> None:
    request, called = in_json(dict(incoming()))
    signature = by_twilio([], called)
    channel().verify(signed(request, signature))
    (event,) = channel().parse_inbound(request).events
    assert isinstance(event, InboundMessage)
    assert event.text == "hola"
    for body in (request.body + b" ", request.body[:-1], b"", b"{}"):
        with pytest.raises(BadSignature, match="hash"):
            channel().verify(signed(replace(request, body=body), signature))


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_that_no_signature_covers_is_refused(kind: str) -> None:
    # A genuine signature over the bare address, as a GET has it, must not vouch for any body.
    request = WebhookRequest("POST", URL, {"content-type": kind} if kind else {}, body=b'{"Body": "pay me"}')
    with pytest.raises(BadSignature, match="hash"):
        channel().verify(signed(request, by_twilio([], URL)))


def test_both_tokens_are_good_while_one_replaces_the_other() -> None:
    fields = incoming()
    rotating = channel({"auth_token": "new", "auth_token_secondary": "old"})
    for token in ("new", "old"):
        rotating.verify(signed(form(fields), by_twilio(fields, URL, token)))
    with pytest.raises(BadSignature):
        rotating.verify(signed(form(fields), by_twilio(fields, URL, "older")))


def test_shared_keys_are_chosen_by_their_id() -> None:
    fields = incoming()
    keys = channel({"auth_token": TOKEN, "shared_key:one": "first", "shared_key:two": "second"})
    for key, secret in (("one", "first"), ("two", "second")):
        signature = by_twilio(fields, URL, secret, HMAC_SHA256)
        keys.verify(signed(form(fields), signature, f"key={key},algorithm=HMAC_SHA256"))
        keys.verify(signed(form(fields), signature, f"algorithm=HMAC_SHA256, key={key}"))
    for settings in ("key=one,algorithm=HMAC_SHA256", "key=three,algorithm=HMAC_SHA256"):
        with pytest.raises(BadSignature):
            keys.verify(signed(form(fields), by_twilio(fields, URL, "second", HMAC_SHA256), settings))


@pytest.mark.parametrize(
    ("secret", "algorithm", "settings"),
    [
        (SECRET, HMAC_SHA1, f"key={KEY},algorithm=HMAC_SHA1"),
        (SECRET, HMAC_SHA1, ""),
        (TOKEN, HMAC_SHA256, f"key={KEY},algorithm=HMAC_SHA256"),
        (TOKEN, HMAC_SHA256, ""),
        (SECRET, HMAC_SHA256, f"key={KEY}"),
        (SECRET, HMAC_SHA256, "algorithm=HMAC_SHA256"),
        (SECRET, HMAC_SHA256, f"key={KEY},algorithm=hmac_sha256"),
        (SECRET, HMAC_SHA256, f"key={KEY},algorithm=HMAC_SHA256,"),
        (SECRET, HMAC_SHA256, f"key={KEY},algorithm=HMAC_SHA256,key={KEY}"),
        (SECRET, HMAC_SHA256, f"key={KEY},algorithm=HMAC_MD5"),
    ],
)
def test_no_secret_is_good_for_another_algorithm(secret: str, algorithm: str, settings: str) -> None:
    fields = incoming()
    both = channel({"auth_token": TOKEN, f"shared_key:{KEY}": SECRET})
    with pytest.raises(BadSignature):
        both.verify(signed(form(fields), by_twilio(fields, URL, secret, algorithm), settings))


def test_an_inbox_that_demands_shared_keys_takes_no_token() -> None:
    fields = incoming()
    secrets = {"auth_token": TOKEN, f"shared_key:{KEY}": SECRET}
    by_token = signed(form(fields), by_twilio(fields, URL))
    by_key = signed(form(fields), by_twilio(fields, URL, SECRET, HMAC_SHA256), f"key={KEY},algorithm=HMAC_SHA256")
    channel(secrets).verify(by_token)
    channel(secrets).verify(by_key)
    strict = channel(secrets, require_shared_key=True)
    strict.verify(by_key)
    with pytest.raises(BadSignature, match="shared keys only"):
        strict.verify(by_token)


# --- what it reads ----------------------------------------------------------------------------------------------------


def test_the_number_that_they_wrote_to_is_kept() -> None:
    assert (said(("To", UK)).to, said().to) == (UK, SPAIN)


def test_a_number_of_the_services_pool_is_ours_though_no_setting_names_it() -> None:
    pool = {"numbers": None, "messaging_service_sid": SERVICE}
    assert said(("To", "+34910005555"), ("MessagingServiceSid", SERVICE), **pool).to == "+34910005555"
    parsed = channel(**pool).parse_inbound(form(incoming(("MessagingServiceSid", "MG" + "1" * 32))))
    assert (parsed.events, parsed.set_aside[0].field) == ((), "To")


@pytest.mark.parametrize("sender", [ANA, "22000", "+15550001111", "MIBANCO", "My Bank 24"])
def test_numbers_short_codes_and_names_write(sender: str) -> None:
    assert said(("From", sender)).address == Address("sms", sender)


@pytest.mark.parametrize("sender", ["whatsapp:+34600111222", "rcs:brand", "34600111222x", "+0", "a" * 12, "sip:a@b"])
def test_what_else_writes_is_set_aside(sender: str) -> None:
    parsed = channel().parse_inbound(form(incoming(("From", sender))))
    assert parsed.events == ()
    assert (parsed.set_aside[0].field, parsed.reply.status) == ("From", 200)


def test_the_reply_is_twiml_that_says_nothing() -> None:
    reply = channel().parse_inbound(form(incoming())).reply
    assert (reply.status, reply.content_type) == (200, "text/xml")
    assert reply.body == b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


def media(*fields: tuple[str, str]) -> tuple[list[str], list[str], str]:
    """(addresses of files, fields set aside, text) of a text with these fields of media."""
    parsed = channel().parse_inbound(form(incoming(*fields)))
    found = [each for event in parsed.events if isinstance(event, InboundMessage) for each in event.media]
    texts = [event.text for event in parsed.events if isinstance(event, InboundMessage)]
    return [each.url for each in found], [each.field for each in parsed.set_aside], texts[0] if texts else ""


A, B = "https://api.twilio.com/a", "https://api.twilio.com/b"


@pytest.mark.parametrize(
    ("fields", "urls", "aside"),
    [
        ([("NumMedia", "1"), ("MediaUrl0", A)], [A], []),
        ([("NumMedia", "2"), ("MediaUrl0", A), ("MediaUrl1", B)], [A, B], []),
        ([("NumMedia", "3"), ("MediaUrl0", A)], [A], ["MediaUrl1", "MediaUrl2"]),
        ([("NumMedia", "0"), ("MediaUrl0", A)], [A], []),
        ([("NumMedia", "2"), ("MediaUrl1", B)], [B], ["MediaUrl0"]),
        ([("NumMedia", "-1"), ("MediaUrl0", A)], [A], ["NumMedia"]),
        ([("NumMedia", "99999999999999999999")], [], ["NumMedia"]),
        ([("NumMedia", "11")], [], ["NumMedia"]),
        ([("NumMedia", "three"), ("MediaUrl0", A)], [A], ["NumMedia"]),
        ([("NumMedia", "²")], [], ["NumMedia"]),
        ([("NumMedia", "1"), ("MediaUrl0", "file:///etc/passwd")], [], ["MediaUrl0"]),
        ([("NumMedia", "1"), ("MediaUrl0", "https://")], [], ["MediaUrl0"]),
        ([("NumMedia", "1"), ("MediaUrl0", "https://[a")], [], ["MediaUrl0"]),
        ([("NumMedia", "1"), ("MediaUrl0", f"https://a.example/{'a' * 2000}")], [], ["MediaUrl0"]),
        ([("NumMedia", "1"), ("MediaUrl77", A)], [], ["MediaUrl0", "MediaUrl77"]),
    ],
)
def test_lies_about_files_cost_no_text(fields: list[tuple[str, str]], urls: list[str], aside: list[str]) -> None:
    assert media(*fields) == (urls, aside, "hola")


def test_a_picture_alone_is_a_message_and_nothing_at_all_is_none() -> None:
    assert media(("Body", ""), ("NumMedia", "1"), ("MediaUrl0", A), ("MediaContentType0", "image/jpeg"))[0] == [A]
    assert said(("Body", ""), ("MediaUrl0", A), ("MediaContentType0", "image/jpeg")).media == (
        RemoteMedia(A, "image/jpeg"),
    )
    parsed = channel().parse_inbound(form(incoming(("Body", " \n"))))
    assert (parsed.events, [each.field for each in parsed.set_aside]) == ((), ["Body"])


def test_a_text_beyond_all_measure_is_cut_and_kept_whole_aside() -> None:
    assert said(("Body", "ñ" * 10_000)).text == "ñ" * 10_000
    request = form(incoming(("Body", "ñ" * 10_001)))
    parsed = channel().parse_inbound(request)
    (event,) = parsed.events
    assert isinstance(event, InboundMessage)
    assert len(event.text) == 10_000
    assert (parsed.set_aside[0].field, parsed.set_aside[0].raw) == ("Body", request.body)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (incoming(without="MessageSid"), "MessageSid"),
        (incoming(("MessageSid", "")), "MessageSid"),
        (incoming(("MessageSid", "SM1")), "MessageSid"),
        (incoming(without="From"), "From"),
        (incoming(without="To"), "To"),
        (incoming(without="AccountSid"), "AccountSid"),
        (incoming(("AccountSid", "AC" + "1" * 32)), "AccountSid"),
        ([*incoming(), ("From", "+34600111333")], "From"),
        ([*incoming(), ("Body", "adiós")], "Body"),
        ([*incoming(), ("MessageSid", "SM" + "b" * 32)], "MessageSid"),
        ([], "AccountSid"),
    ],
)
def test_what_everything_hangs_on_must_be_there_once(fields: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(Refused) as refused:
        channel().parse_inbound(form(fields))
    assert refused.value.field == field
    assert refused.value.rule


def test_the_same_value_twice_is_one_and_what_is_unknown_is_left_alone() -> None:
    twice = [*incoming(), ("From", ANA), ("Body", "hola"), ("Weather", "fine"), ("Weather", "rain")]
    (event,) = channel().parse_inbound(form(twice)).events
    assert event == said()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (WebhookRequest("GET", URL), "method"),
        (WebhookRequest("POST", URL, {"content-type": "text/plain"}, body=b"x"), "content-type"),
        (WebhookRequest("POST", URL, FORM, body=b"Body=%ff&AccountSid=x"), "body"),
        (WebhookRequest("POST", URL, FORM, body="Body=ñ".encode()), "body"),
        (WebhookRequest("POST", URL, FORM, body=b"a=1&" * 1001), "body"),
        (WebhookRequest("POST", URL, {"content-type": "application/json"}, body=b"{"), "body"),
        (WebhookRequest("POST", URL, {"content-type": "application/json"}, body=b"[" * 100_000), "body"),
        (WebhookRequest("POST", URL, {"content-type": "application/json"}, body=b"[]"), "body"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(request_: WebhookRequest, field: str) -> None:
    with pytest.raises(Refused) as refused:
        channel().parse_inbound(request_)
    assert refused.value.field == field


def test_what_no_database_takes_does_not_get_there() -> None:
    assert said(("Body", "a\0b")).text == "a\ufffdb"
    request, _ = in_json(dict(incoming(("Body", "a\ud800b"))))
    (event,) = channel().parse_inbound(request).events
    assert isinstance(event, InboundMessage)
    assert event.text == "a\ufffdb"


# --- consent ----------------------------------------------------------------------------------------------------------

STOP, START, HELP = ConsentWord.STOP, ConsentWord.START, ConsentWord.HELP


@pytest.mark.parametrize(
    ("text", "sender", "consent"),
    [
        ("STOP", ANA, Consent(STOP, answered=True)),
        (" stopall ", ANA, Consent(STOP, answered=True)),
        ("Cancel", ANA, Consent(STOP, answered=True)),  # whatever we think of it, Twilio has blocked them
        ("Cancel!", ANA, None),  # Twilio has not
        ("Stop.", ANA, Consent(STOP)),
        ("baja", ANA, Consent(STOP)),
        ("quit!", "+12025550123", Consent(STOP)),
        ("start", ANA, Consent(START, answered=True)),
        ("alta", ANA, Consent(START)),
        ("yes", ANA, None),
        ("HELP", ANA, Consent(HELP, answered=True)),
        ("ayuda", ANA, Consent(HELP)),
        ("stop the delivery", ANA, None),
        ("cancelar", ANA, None),
    ],
)
def test_twilio_answers_its_own_words_exactly_as_written(text: str, sender: str, consent: Consent | None) -> None:
    assert said(("Body", text), ("From", sender)).consent == consent


def test_a_short_code_of_ours_is_left_to_us() -> None:
    assert said(("Body", "STOP"), ("To", "22000"), numbers=["22000"]).consent == Consent(STOP)
    assert said(("Body", "CANCEL"), ("To", "22000"), numbers=["22000"]).consent is None


@pytest.mark.parametrize(
    ("text", "told", "consent"),
    [
        ("Detener", "STOP", Consent(STOP, answered=True)),
        ("quiero", "START", Consent(START, answered=True)),
        ("quién", "HELP", Consent(HELP, answered=True)),
        ("YES", "START", None),  # an answer to the bot's question, however Twilio understands it
        ("sí", "START", None),
        ("YES", "STOP", Consent(STOP, answered=True)),
        ("hola", "MAYBE", None),
        ("CANCEL", "", None),  # taken off the service's list
        ("STOP", "", Consent(STOP)),
        ("baja", "", Consent(STOP)),
    ],
)
def test_advanced_opt_out_says_what_a_word_was(text: str, told: str, consent: Consent | None) -> None:
    assert said(("Body", text), ("OptOutType", told), opt_out="advanced").consent == consent


def test_where_twilio_answers_nothing_all_is_ours() -> None:
    assert said(("Body", "STOP"), opt_out="off").consent == Consent(STOP)
    assert said(("Body", "CANCEL"), opt_out="off").consent is None
    own = {"opt_out": "off", "stop_words": ["Cancelar", "Stop"]}
    assert said(("Body", "¡CANCELAR!"), **own).consent == Consent(STOP)
    assert said(("Body", "baja"), **own).consent is None
    assert said(("Body", "ayuda"), **own).consent == Consent(HELP)


# --- reports ----------------------------------------------------------------------------------------------------------


def reported(status: str, query: str = "", *more: tuple[str, str]) -> DeliveryUpdate:
    fields = {"MessageSid": SID, "SmsSid": SID, "MessageStatus": status, "SmsStatus": status, "AccountSid": ACCOUNT}
    request = form([*fields.items(), ("To", ANA), ("From", SPAIN), *more], f"{URL}{query}")
    (event,) = channel().parse_inbound(request).events
    assert isinstance(event, DeliveryUpdate)
    return event


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((each, Delivery.SENT) for each in ("accepted", "scheduled", "queued", "sending", "sent")),
        ("partially_delivered", Delivery.SENT),
        ("delivered", Delivery.DELIVERED),
        ("read", Delivery.READ),
        *((each, Delivery.FAILED) for each in ("undelivered", "failed", "canceled")),
    ],
)
def test_every_status_of_the_api_has_a_state(status: str, state: Delivery) -> None:
    assert reported(status).state is state


def test_the_api_knows_no_further_status() -> None:
    from twilio.rest.api.v2010.account.message import MessageInstance  # noqa: PLC0415  # as much of it as is needed

    known = {value for name, value in vars(MessageInstance.Status).items() if name.isupper()}
    assert known - {"receiving", "received"} == set(twilio._STATES)


def test_a_report_names_our_message_by_the_address_that_it_comes_to() -> None:
    update = reported("sent", "?message_id=01JD4A0000000000000000MINE")
    assert (update.message_id, update.provider_id) == ("01JD4A0000000000000000MINE", SID)
    for query in ("", "?message_id=", "?message_id=a%00b", f"?message_id={'a' * 65}", "?other=1"):
        assert reported("sent", query).message_id == ""


def test_a_failure_says_why() -> None:
    update = reported("undelivered", "", ("ErrorCode", "30007"))
    assert (update.error_code, update.error_text) == ("30007", "the network took the message for unwanted")
    update = reported("failed", "", ("ErrorCode", "30008"), ("ErrorMessage", "x" * 900))
    assert update.error_text == "x" * 500
    for odd in ("", "99999", "²", "1e3", "9" * 99):
        assert reported("failed", "", ("ErrorCode", odd)).error_text == ""


def test_a_service_reports_later_that_somebody_opted_out() -> None:
    assert reported("failed", "", ("ErrorCode", "21610")).opted_out
    assert not reported("failed", "", ("ErrorCode", "30007")).opted_out


def test_a_status_without_the_newer_name_is_a_report_too() -> None:
    fields = [("SmsSid", SID), ("SmsStatus", "delivered"), ("AccountSid", ACCOUNT), ("To", ANA), ("From", SPAIN)]
    (event,) = channel().parse_inbound(form(fields)).events
    assert event == DeliveryUpdate(Delivery.DELIVERED, provider_id=SID)


@pytest.mark.parametrize("status", ["archived", "received", ""])
def test_an_unknown_status_is_set_aside(status: str) -> None:
    parsed = channel().parse_inbound(form([*incoming(without="Body"), ("MessageStatus", status)]))
    assert (parsed.events, parsed.set_aside[0].field) == ((), "MessageStatus")


# --- what it sends ----------------------------------------------------------------------------------------------------

MADE = {"sid": SID, "status": "queued", "direction": "outbound-api", "body": "hola", "num_media": "0"}
TAKEN = Answer(201, {"Content-Type": "application/json"}, json.dumps(MADE).encode())


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        provider.answer = TAKEN
        yield provider


def outbound(text: str = "hola", to: str = ANA, **values: Any) -> OutboundMessage:
    return OutboundMessage("01JD4A0000000000000000MINE", "conversation", Address("sms", to), text, **values)


def sent(provider: Provider, message: OutboundMessage, **settings: Any) -> dict[str, list[str]]:
    """The form that Twilio gets."""
    receipt = channel(api_url=provider.url, **settings).send(message)
    assert (receipt.provider_id, receipt.state) == (SID, Delivery.SENT)
    return provider.asked[-1].form


def refusal(provider: Provider, message: OutboundMessage, **settings: Any) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        channel(api_url=provider.url, **settings).send(message)
    return error.value


def test_it_signs_in_with_the_token_or_with_an_api_key(provider: Provider) -> None:
    def credentials() -> str:
        scheme, _, value = provider.asked[-1].headers["authorization"].partition(" ")
        assert scheme == "Basic"
        return base64.b64decode(value).decode()

    sent(provider, outbound())
    assert provider.asked[-1].path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert credentials() == f"{ACCOUNT}:{TOKEN}"
    keys = {"api_key_sid": "SK1", "api_key_secret": "s", "shared_key:one": "x"}
    twilio.channel(parts(keys, api_url=provider.url)).send(outbound())
    assert provider.asked[-1].path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert credentials() == "SK1:s"


@pytest.mark.parametrize(
    ("to", "written_to", "settings", "sender", "service"),
    [
        (ANA, "", {}, SPAIN, ""),
        (ANA, UK, {}, UK, ""),
        (ANA, "+34910009999", {}, SPAIN, ""),  # that number has gone to another inbox
        (ANA, "", {"messaging_service_sid": SERVICE}, "", SERVICE),
        (ANA, UK, {"messaging_service_sid": SERVICE}, UK, SERVICE),
        (ANA, "+34910009999", {"messaging_service_sid": SERVICE}, "+34910009999", SERVICE),
        ("+447700900123", "", {"senders": {"GB": "LUMBRE", "*": UK}}, "LUMBRE", ""),
        ("+447700900123", UK, {"senders": {"GB": "LUMBRE"}}, UK, ""),
        ("+33600111222", "", {"senders": {"GB": "LUMBRE", "*": UK}}, UK, ""),
        ("+33600111222", "", {"senders": {"FR": "22000"}, "messaging_service_sid": SERVICE}, "22000", ""),
        ("+33600111222", "", {"senders": {"*": UK}, "messaging_service_sid": SERVICE}, "", SERVICE),
        ("22000", "", {"senders": {"*": UK}}, UK, ""),
    ],
)
def test_the_sender(
    provider: Provider, to: str, written_to: str, settings: dict[str, Any], sender: str, service: str
) -> None:
    got = sent(provider, outbound(to=to, sender=written_to), **settings)
    assert (got.get("From", [""]), got.get("MessagingServiceSid", [""])) == ([sender], [service])
    assert channel(**settings).sender_of(outbound(to=to, sender=written_to)) == f"{sender} {service}".strip()


def test_reports_come_to_an_address_that_names_the_message(provider: Provider) -> None:
    query = "?message_id=01JD4A0000000000000000MINE#rc=3&rp=5xx,ct,rt"
    assert sent(provider, outbound())["StatusCallback"] == [f"{URL}{query}"]
    public = "https://user:pass@hooks.shop.example/twilio"
    assert sent(provider, outbound(), webhook_url=f"{public}#rc=5")["StatusCallback"] == [f"{public}{query}"]


def picture(size: int = 1000, kind: str = "image/png", name: str = "a.png") -> Attachment:
    return Attachment("id", name, kind, size, f"https://hub.example/files/{name}")


def test_files_go_as_mms_where_numbers_can_and_else_as_links(provider: Provider) -> None:
    got = sent(provider, outbound(attachments=(picture(),)))
    assert got["Body"] == ["hola\nhttps://hub.example/files/a.png"]
    assert "MediaUrl" not in got
    files = (picture(), picture(name="b.webp", kind="image/webp"), picture(name="c.pdf", kind="application/pdf"))
    got = sent(provider, outbound(attachments=files), mms=True)
    assert got["MediaUrl"] == ["https://hub.example/files/a.png", "https://hub.example/files/c.pdf"]
    assert got["Body"] == ["hola\nhttps://hub.example/files/b.webp"]
    got = sent(provider, outbound(attachments=(picture(),)), numbers=["+12025550100"])
    assert got["MediaUrl"] == ["https://hub.example/files/a.png"]


def test_a_picture_alone_has_no_body(provider: Provider) -> None:
    got = sent(provider, outbound("", attachments=(picture(),)), mms=True)
    assert got["MediaUrl"] == ["https://hub.example/files/a.png"]
    assert got.get("Body", [""]) == [""]


def test_what_is_too_much_for_one_mms_follows_as_links(provider: Provider) -> None:
    files = tuple(picture(2_000_000, name=f"{number}.png") for number in range(3))
    got = sent(provider, outbound(attachments=files), mms=True)
    assert got["MediaUrl"] == ["https://hub.example/files/0.png", "https://hub.example/files/1.png"]
    assert got["Body"] == ["hola\nhttps://hub.example/files/2.png"]
    many = tuple(picture(10, name=f"{number}.png") for number in range(12))
    got = sent(provider, outbound(attachments=many), mms=True)
    assert len(got["MediaUrl"]) == 10
    assert got["Body"][0].splitlines()[1:] == ["https://hub.example/files/10.png", "https://hub.example/files/11.png"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (outbound("x" * 1601), "21617"),
        (outbound("x" * 1590, attachments=(picture(),)), "21617"),
        (outbound(" "), "21602"),
        (outbound(to="MIBANCO"), "no_reply"),
        (outbound(attachments=(picture(kind="application/x-msdownload"),)), "12300"),
        (outbound(attachments=(picture(5 * 1024 * 1024 + 1),)), "63034"),
        (outbound(attachments=(replace(picture(), url=""),)), "21620"),
    ],
)
def test_what_twilio_would_refuse_is_not_sent(provider: Provider, message: OutboundMessage, code: str) -> None:
    error = refusal(provider, message)
    assert (error.code, error.permanent, provider.asked) == (code, True, [])


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_code_of_the_table_means_what_the_table_says(provider: Provider, code: int) -> None:
    verdict, meaning = ERRORS[code]
    provider.answer = Answer(400, {}, json.dumps({"code": code}).encode())
    error = refusal(provider, outbound())
    assert (error.code, str(error)) == (str(code), meaning)
    assert error.permanent == (verdict in (Verdict.PERMANENT, Verdict.OPTED_OUT))
    assert (error.account, error.opted_out) == (verdict is Verdict.ACCOUNT, verdict is Verdict.OPTED_OUT)
    assert not error.unknown


@pytest.mark.parametrize(
    ("status", "body", "flags"),
    [
        (400, b"{}", "permanent"),
        (400, b'{"code": 99999, "message": "new"}', "permanent"),
        (400, b'{"code": "21610"}', "permanent"),
        (400, b"[]", "permanent"),
        (403, b"", "account"),
        (404, b"<html>", "permanent"),
        (408, b"", "retry"),
        (429, b"", "retry"),
        (500, b"", "retry"),
        (502, b"", "unknown"),
        (503, b"", "retry"),
        (504, b"", "unknown"),
        (307, b"", "permanent"),
    ],
)
def test_a_status_without_a_known_code(provider: Provider, status: int, body: bytes, flags: str) -> None:
    provider.answer = Answer(status, {"Location": "https://elsewhere.example/"} if status == 307 else {}, body)
    error = refusal(provider, outbound())
    found = [name for name in ("permanent", "account", "unknown") if getattr(error, name)]
    assert (found or ["retry"]) == [flags]
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 0.0), ("soon", None), ("-1", None), ("9" * 30, None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after(provider: Provider, value: str, seconds: float | None) -> None:
    provider.answer = Answer(429, {"Retry-After": value}, b"{}")
    assert refusal(provider, outbound()).retry_after == seconds


def test_where_nobody_listens_nothing_was_sent() -> None:
    with pytest.raises(ChannelError) as error:
        channel(api_url=nobody_there()).send(outbound())
    assert (error.value.code, error.value.unknown, error.value.permanent) == ("not_reached", False, False)


def test_no_error_shows_the_token(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for answer in (Answer(401, {}, b'{"code": 20003}'), Answer(behaviour="drops"), Answer(201, {}, b"{")):
        provider.answer = answer
        error = refusal(provider, outbound("a private text"))
        told = f"{error!r} {error} {error.__cause__!r} {caplog.text}"
        for secret in (TOKEN, base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode(), "a private text"):
            assert secret not in told
    assert TOKEN not in repr(twilio.read_settings(parts()))


class Counting(http.server.BaseHTTPRequestHandler):
    """Takes messages over lasting connections, and keeps which connection each came by."""

    protocol_version = "HTTP/1.1"
    lines: list[Any]

    def do_POST(self) -> None:
        self.lines.append(self.client_address)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(TAKEN.body)))
        self.end_headers()
        self.wfile.write(TAKEN.body)

    def log_message(self, format: str, *arguments: object) -> None:
        return


def test_one_connection_carries_many_messages() -> None:
    Counting.lines = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        sms = channel(api_url=f"http://127.0.0.1:{server.server_port}")
        for _ in range(5):
            sms.send(outbound())
        assert len(Counting.lines) == 5
        assert len(set(Counting.lines)) == 1
    finally:
        del sms  # closes its connections
        server.shutdown()
        thread.join()
        server.server_close()


# --- a lost answer ----------------------------------------------------------------------------------------------------

SINCE = 1_795_306_200_500_000  # 2026-11-22 00:10:00.5 UTC


def listed(**changes: Any) -> dict[str, Any]:
    return MADE | {"to": ANA, "date_created": "Sun, 22 Nov 2026 00:10:00 +0000"} | changes


def found(provider: Provider, *messages: dict[str, Any], message: OutboundMessage | None = None) -> str:
    """The provider's id of the message that was found; empty where none was."""
    body = {"messages": list(messages), "next_page_uri": None, "page_size": 100, "page": 0, "end": 0, "start": 0}
    provider.answer = Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    receipt = channel(api_url=provider.url).find_sent(message or outbound(), since=SINCE)
    return receipt.provider_id if receipt else ""


def test_a_lost_message_is_found_by_recipient_words_and_time(provider: Provider) -> None:
    assert found(provider, listed(status="delivered")) == SID
    asked = provider.asked[-1]
    assert (asked.method, "To=%2B34600111222" in asked.path) == ("GET", True)
    assert found(provider) == ""
    for other in (
        {"body": "adiós"},
        {"direction": "inbound"},
        {"num_media": "1"},
        {"date_created": "Sun, 22 Nov 2026 00:09:59 +0000"},
        {"date_created": None},
    ):
        assert found(provider, listed(**other)) == ""
        assert found(provider, listed(**other), listed()) == SID
    assert found(provider, listed(), listed(sid="SM" + "b" * 32)) == ""
    # The address of a file is another at each send.
    with_link = outbound(attachments=(replace(picture(), url=""),))
    assert found(provider, listed(body="hola\nhttps://hub.example/files/a.png?signature=1"), message=with_link) == SID
    for body in ("hola", "hola\na.png", "hola https://a.example https://b.example", "https://hub.example/files/a.png"):
        assert found(provider, listed(body=body), message=with_link) == ""


def test_a_lost_message_that_failed_since_is_found_failed(provider: Provider) -> None:
    body = {"messages": [listed(status="undelivered")], "next_page_uri": None, "page_size": 100}
    provider.answer = Answer(200, {}, json.dumps(body).encode())
    receipt = channel(api_url=provider.url).find_sent(outbound(), since=SINCE)
    assert receipt is not None
    assert receipt.state is Delivery.FAILED


@pytest.mark.parametrize("answer", [Answer(503), Answer(behaviour="drops"), Answer(200, {}, b"{"), Answer(504)])
def test_where_twilio_does_not_answer_nothing_is_known_and_nothing_sent(provider: Provider, answer: Answer) -> None:
    provider.answer = answer
    with pytest.raises(ChannelError) as error:
        channel(api_url=provider.url).find_sent(outbound(), since=SINCE)
    assert (error.value.permanent, error.value.unknown) == (False, False)


# --- files from customers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.twilio.com/2010-04-01/Accounts/AC0/Messages/MM0/Media/ME0", True),
        ("https://api.ie1.twilio.com/media", True),
        ("https://simulator.example:8443/media", True),
        ("http://api.twilio.com/media", False),
        ("https://simulator.example/media", False),
        ("http://simulator.example:8443/media", False),
        ("https://eviltwilio.com/media", False),
        ("https://api.twilio.com.attacker.example/media", False),
        ("https://api.twilio.com@attacker.example/media", False),
        ("https://127.0.0.1/media", False),
    ],
)
def test_the_credentials_go_to_twilio_alone(url: str, allowed: bool) -> None:
    shelf = Shelf()
    sms = twilio.channel(parts(shelf=shelf, api_url="https://simulator.example:8443"))
    if not allowed:
        with pytest.raises(ChannelError) as error:
            sms.fetch_media(RemoteMedia(url))
        assert (error.value.permanent, shelf.asked) == (True, [])
        return
    assert sms.fetch_media(RemoteMedia(url)).content == b"\x89PNG"
    basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert shelf.asked == [(url, 5 * 1024 * 1024, f"Basic {basic}")]


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"account_sid": None}, "account_sid"),
        ({"account_sid": "AC1"}, "account_sid"),
        ({"account_sid": 7}, "account_sid"),
        ({"numbers": None}, "numbers"),
        ({"numbers": []}, "numbers"),
        ({"numbers": "+34910000001"}, "numbers"),
        ({"numbers": ["910000001"]}, "numbers"),
        ({"numbers": ["+34 910 000 001"]}, "numbers"),
        ({"numbers": [34910000001]}, "numbers"),
        ({"messaging_service_sid": "MG1"}, "messaging_service_sid"),
        ({"default_region": "es"}, "default_region"),
        ({"default_region": "Spain"}, "default_region"),
        ({"api_url": "api.twilio.com"}, "api_url"),
        ({"api_url": "https://api.twilio.com/?x=1"}, "api_url"),
        ({"webhook_url": "ftp://hub.example/"}, "webhook_url"),
        ({"opt_out": "on"}, "opt_out"),
        ({"opt_out": True}, "opt_out"),
        ({"mms": "yes"}, "mms"),
        ({"require_shared_key": True}, "shared_key"),
        ({"require_shared_key": 1}, "require_shared_key"),
        ({"messages_per_second": -1}, "messages_per_second"),
        ({"messages_per_second": "1"}, "messages_per_second"),
        ({"messages_per_second": float("nan")}, "messages_per_second"),
        ({"timeout": True}, "timeout"),
        ({"timeout": 1000}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"senders": ["LUMBRE"]}, "senders"),
        ({"senders": {"Spain": "LUMBRE"}}, "senders"),
        ({"senders": {"ES": "A name that is too long"}}, "senders"),
        ({"senders": {"ES": "1234567890"}}, "senders"),
        ({"senders": {"ES": ""}}, "senders"),
        ({"senders": {"ES": 7}}, "senders"),
        ({"stop_words": "STOP"}, "stop_words"),
        ({"start_words": ["stop"]}, "start_words"),
    ],
)
def test_settings_that_break_a_rule_are_refused_by_name(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        channel(**settings)
    assert refused.value.field == field
    assert refused.value.rule


@pytest.mark.parametrize(
    ("secrets", "field"),
    [
        ({}, "auth_token"),
        ({"auth_token": ""}, "auth_token"),
        ({"auth_token": 7}, "auth_token"),
        ({"api_key_sid": "SK1", "api_key_secret": "s"}, "auth_token"),
        ({"auth_token": "t", "api_key_sid": "SK1"}, "api_key_secret"),
        ({"auth_token": "t", "shared_key:": "s"}, "shared_key"),
        ({"auth_token": "t", "shared_key:one": ""}, "shared_key"),
    ],
)
def test_secrets_that_break_a_rule_are_refused_without_telling_them(secrets: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        channel(secrets)
    assert refused.value.field == field


def test_the_payloads_hold_nothing_that_looks_like_a_real_account() -> None:
    folder = Path(twilio.__file__).parent / "payloads"
    for path in folder.iterdir():
        text = path.read_text()
        for sid in twilio._ACCOUNT_SID.findall(text):
            assert set(sid[2:]) <= {"0", "1"}, path.name
