"""The web chat's channel: tokens, origins, bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from channels.chat.widget import (
    ATTACHMENTS_PER_MESSAGE,
    SOCKET_LIFETIME,
    TEXT_LIMIT,
    VISITOR_LIFETIME,
    SignedIdentity,
    Visitor,
    WidgetChannel,
    canonical_origin,
    issue_visitor_token,
    read_identity_token,
    read_visitor_token,
)
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.messages import Address, Delivery, OutboundMessage, WebhookRequest
from hub.ports import Channel

SECRET = b"hub secret of at least 32 bytes...."
SHOP_SECRET = b"shop secret of at least 32 bytes..."
NOW = 1_800_000_000_000_000
SECONDS = NOW // 1_000_000
PAYLOADS = Path(__file__).parents[2] / "channels" / "chat" / "payloads"
ANA = Visitor(
    visitor_id="01JD3Z7V8W",
    inbox_id="shop",
    language="es",
    display_name="Ana",
    evidence=(("email", "ana@example.org", "signed_identity"),),
)


class StoppedClock:
    def __init__(self, now: int = NOW) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


def channel(clock: StoppedClock | None = None, identity_secret: bytes | None = SHOP_SECRET) -> WidgetChannel:
    return WidgetChannel("shop", SECRET, identity_secret, ("https://shop.example",), clock or StoppedClock())


def request(body: bytes | dict[str, Any], token: str | None = None) -> WebhookRequest:
    return WebhookRequest(
        method="POST",
        url="https://hub.example/widget/v1/messages",
        headers={"authorization": f"Bearer {token or issue_visitor_token(ANA, secret=SECRET, now=NOW)}"},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


def identity(**changes: Any) -> dict[str, Any]:
    claims = {"aud": "centralita", "sub": "4711", "exp": SECONDS + 3600, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: dict[str, Any], secret: bytes = SHOP_SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def handmade(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token as an attacker would put it together, past the library's own scruples."""

    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signing_input = part(header) + b"." + part(claims)
    signature = hmac.new(secret, signing_input, hashlib.sha256).digest() if secret else b""
    return (signing_input + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


# --- the channel ------------------------------------------------------------------------------------------------------


def test_it_is_a_channel() -> None:
    fits: Channel = channel()
    assert fits.capabilities.channel == "webchat"


def test_samples_become_messages() -> None:
    text = channel().parse_inbound(request((PAYLOADS / "text.json").read_bytes())).events
    assert len(text) == 1
    assert text[0].external_id == "01JD3Z7V8W:01JD3Z8Q4T7M2V9X5K6B1C0NAE"
    assert text[0].text == "¿Dónde está mi pedido?"
    assert text[0].address == Address("webchat", "01JD3Z7V8W", "shop", "Ana")
    assert text[0].language == "es"
    assert text[0].thread_key == ""
    assert text[0].evidence == ANA.evidence
    button = channel().parse_inbound(request((PAYLOADS / "button.json").read_bytes())).events[0]
    pressed = json.loads((PAYLOADS / "button.json").read_bytes())
    assert (button.text, button.payload, button.reply_to) == ("Sí", pressed["payload"], pressed["reply_to"])
    attached = channel().parse_inbound(request((PAYLOADS / "attachment.json").read_bytes())).events[0]
    ids = json.loads((PAYLOADS / "attachment.json").read_bytes())["attachments"]
    assert (attached.text, [each.attachment_id for each in attached.attachments]) == ("", ids)


def test_the_same_request_twice_gives_equal_values() -> None:
    asked = request({"client_id": "c1", "text": "hello"})
    assert channel().parse_inbound(asked) == channel().parse_inbound(asked)


def test_parsing_asks_no_clock_but_verifying_does() -> None:
    late = StoppedClock(NOW + (VISITOR_LIFETIME + 60) * 1_000_000)
    asked = request({"client_id": "c1", "text": "hello"})
    assert channel(late).parse_inbound(asked) == channel().parse_inbound(asked)
    channel().verify(asked)
    with pytest.raises(BadSignature, match="expired"):
        channel(late).verify(asked)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic YTpi"}])
def test_a_missing_token_is_refused(headers: dict[str, str]) -> None:
    asked = WebhookRequest("POST", "https://hub.example/", headers=headers, body=b'{"client_id":"c","text":"x"}')
    with pytest.raises(BadSignature):
        channel().verify(asked)
    with pytest.raises(BadSignature):
        channel().parse_inbound(asked)


def test_a_visitor_of_another_inbox_is_refused() -> None:
    token = issue_visitor_token(Visitor("v", "other"), secret=SECRET, now=NOW)
    with pytest.raises(BadSignature, match="another inbox"):
        channel().verify(request({"client_id": "c", "text": "x"}, token))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"\xff\xfe", "body"),
        (b"[" * 100_000, "body"),
        (b"9" * 5_000, "body"),
        (b"[]", "body"),
        ({"text": "x"}, "client_id"),
        ({"client_id": "a b", "text": "x"}, "client_id"),
        ({"client_id": "c" * 65, "text": "x"}, "client_id"),
        ({"client_id": "c\n", "text": "x"}, "client_id"),
        ({"client_id": 7, "text": "x"}, "client_id"),
        ({"client_id": "c"}, "text"),
        ({"client_id": "c", "text": ""}, "text"),
        ({"client_id": "c", "text": " \n"}, "text"),
        ({"client_id": "c", "text": "x" * (TEXT_LIMIT + 1)}, "text"),
        ({"client_id": "c", "text": "a\0b"}, "text"),
        (b'{"client_id": "c", "text": "\\ud800"}', "text"),
        ({"client_id": "c", "text": "x", "attachments": "id"}, "attachments"),
        ({"client_id": "c", "text": "x", "attachments": [""]}, "attachments"),
        ({"client_id": "c", "text": "x", "attachments": ["a"] * (ATTACHMENTS_PER_MESSAGE + 1)}, "attachments"),
        ({"client_id": "c", "text": "x", "payload": "/affirm"}, "reply_to"),
        ({"client_id": "c", "text": "x", "reply_to": "m"}, "reply_to"),
        ({"client_id": "c", "text": "x", "payload": "p" * 501, "reply_to": "m"}, "payload"),
        ({"client_id": "c", "text": "x", "payload": "p", "reply_to": "m m"}, "reply_to"),
        ({"client_id": "c", "text": "x", "trusted": True}, "trusted"),
        ({"client_id": "c", "text": "x", "": True}, "body"),
    ],
)
def test_a_bad_body_is_refused_with_its_field(body: bytes | dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        channel().parse_inbound(request(body))
    assert refused.value.field == field


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    try:
        parsed = channel().parse_inbound(request(body))
    except Refused:
        return
    assert len(parsed.events) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"client_id": st.just("c1") | JSON, "text": st.text(max_size=50) | JSON},
        optional={"attachments": JSON, "payload": JSON, "reply_to": JSON, "other": JSON},
    )
)
def test_any_fields_are_a_message_or_refused(body: dict[str, Any]) -> None:
    try:
        message = channel().parse_inbound(request(body)).events[0]
    except Refused:
        return
    assert message.text == body["text"]
    message.text.encode()  # what is let through can be stored
    assert message.external_id == f"{ANA.visitor_id}:{body['client_id']}"


def test_sending_says_sent_because_the_feed_is_the_transport() -> None:
    address = Address("webchat", "v", "shop")
    receipt = channel().send(OutboundMessage("m1", "c1", address, "hello"))
    assert (receipt.provider_id, receipt.state) == ("m1", Delivery.SENT)
    with pytest.raises(ChannelError) as wrong:
        channel().send(OutboundMessage("m1", "c1", Address("webchat", "v", "other"), "hello"))
    assert wrong.value.permanent
    with pytest.raises(ChannelError) as long:
        channel().send(OutboundMessage("m1", "c1", address, "x" * (TEXT_LIMIT + 1)))
    assert long.value.code == "too_long"
    assert long.value.permanent


@pytest.mark.parametrize(
    ("secret", "identity_secret", "origins", "field"),
    [
        (b"short", None, (), "secret"),
        (SECRET, b"short", (), "identity_secret"),
        (SECRET, None, ("shop.example",), "allowed_origins"),
        (SECRET, None, ("null",), "allowed_origins"),
        (SECRET, None, ("*",), "allowed_origins"),
    ],
)
def test_bad_settings_are_refused(
    secret: bytes, identity_secret: bytes | None, origins: tuple[str, ...], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        WidgetChannel("shop", secret, identity_secret, origins, StoppedClock())
    assert refused.value.field == field


# --- visitor tokens ---------------------------------------------------------------------------------------------------


def test_a_visitor_token_says_who_the_visitor_is() -> None:
    assert read_visitor_token(issue_visitor_token(ANA, secret=SECRET, now=NOW), secret=SECRET, now=NOW) == ANA
    assert channel().read_visitor_token(channel().issue_visitor_token(ANA)) == ANA


def test_a_token_is_good_only_for_its_purpose() -> None:
    socket_token = channel().issue_visitor_token(ANA, purpose="socket")
    assert channel().read_visitor_token(socket_token, purpose="socket") == ANA
    with pytest.raises(BadSignature):
        channel().read_visitor_token(socket_token)
    with pytest.raises(BadSignature):
        channel().read_visitor_token(channel().issue_visitor_token(ANA), purpose="socket")
    a_minute_later = StoppedClock(NOW + (SOCKET_LIFETIME + 30) * 1_000_000)
    with pytest.raises(BadSignature, match="expired"):
        channel(a_minute_later).read_visitor_token(socket_token, purpose="socket")


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    token = issue_visitor_token(ANA, secret=SECRET, now=NOW)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters().filter(lambda each: each != token[place]))
    changed = token[:place] + letter + token[place + 1 :]
    try:
        assert read_visitor_token(changed, secret=SECRET, now=NOW) == ANA
    except BadSignature:
        return
    # The last character of unpadded base64 carries unused bits: two spellings of one signature, never of other claims.
    assert place == len(token) - 1


@given(st.text(st.characters(), max_size=300))
def test_any_text_is_no_token(text: str) -> None:
    with pytest.raises(BadSignature):
        read_visitor_token(text, secret=SECRET, now=NOW)
    with pytest.raises(BadSignature):
        read_identity_token(text, secret=SECRET, now=NOW)


@given(st.dictionaries(st.sampled_from(["sub", "inbox", "language", "name", "evidence", "exp", "nbf"]), JSON))
def test_a_genuine_token_with_odd_claims_is_refused_or_read(claims: dict[str, Any]) -> None:
    token = handmade({"alg": "HS256"}, {"aud": "centralita:visitor", **claims}, SECRET)
    try:
        visitor = read_visitor_token(token, secret=SECRET, now=NOW)
    except BadSignature:
        return
    assert visitor.visitor_id == claims["sub"]


@given(st.dictionaries(st.sampled_from(["typ", "kid", "crit", "b64", "cty", "alg", "jwk"]), JSON))
def test_odd_headers_are_refused_or_harmless(header: dict[str, Any]) -> None:
    token = handmade({"alg": "HS256", **header}, identity(), SHOP_SECRET)
    try:
        assert read_identity_token(token, secret=SHOP_SECRET, now=NOW).subject == "4711"
    except BadSignature:
        return
    assert header.get("alg", "HS256") == "HS256"


# --- signed identities ------------------------------------------------------------------------------------------------


def test_the_shops_token_says_who_is_signed_in() -> None:
    token = signed(identity(email="Ana@Example.org", name="Ana Ruiz", phone="+34 600 12-34-56"))
    found = channel().read_identity_token(token)
    assert found == SignedIdentity("4711", "ana@example.org", "+34600123456", "Ana Ruiz")
    assert found.evidence("shop") == (
        ("customer", "shop:4711", "signed_identity"),
        ("email", "ana@example.org", "signed_identity"),
        ("phone", "+34600123456", "signed_identity"),
    )
    assert SignedIdentity("4711").evidence("shop") == (("customer", "shop:4711", "signed_identity"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"sub": None},
        {"aud": None},
        {"aud": "another"},
        {"aud": ["centralita", "another"]},
        {"aud": "centralita:visitor"},
        {"exp": SECONDS - 31},
        {"exp": SECONDS + 24 * 3600 + 31},
        {"exp": True},
        {"exp": "soon"},
        {"exp": SECONDS + 0.5},
        {"nbf": SECONDS + 31},
        {"nbf": "now"},
        {"sub": ""},
        {"sub": "s" * 201},
        {"email": "ana"},
        {"email": "ana@example"},
        {"email": "a@b.c\nx"},
        {"email": 7},
        {"phone": "600123456"},
        {"name": "n" * 121},
        {"name": "a\0b"},
    ],
)
def test_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    token = handmade({"alg": "HS256", "typ": "JWT"}, identity(**changes), SHOP_SECRET)
    with pytest.raises(BadSignature):
        channel().read_identity_token(token)


def test_clocks_may_differ_a_little() -> None:
    assert channel().read_identity_token(signed(identity(exp=SECONDS - 29))).subject == "4711"
    assert channel().read_identity_token(signed(identity(exp=SECONDS + 24 * 3600 + 29))).subject == "4711"
    assert channel().read_identity_token(signed(identity(nbf=SECONDS + 29))).subject == "4711"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    for secret in (b"", SHOP_SECRET):
        with pytest.raises(BadSignature):
            channel().read_identity_token(handmade({"alg": algorithm}, identity(), secret))


def test_a_public_key_is_no_secret() -> None:
    """The old confusion: a token "signed" by HMAC with an RSA public key, and one that says RS256."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadSignature):
        channel().read_identity_token(handmade({"alg": "HS256"}, identity(), public))
    with pytest.raises(BadSignature):
        channel().read_identity_token(jwt.encode(identity(), key, algorithm="RS256"))


def test_another_shops_secret_is_refused() -> None:
    with pytest.raises(BadSignature):
        channel().read_identity_token(signed(identity(), SECRET))
    with pytest.raises(BadSignature, match="no signed identities"):
        channel(identity_secret=None).read_identity_token(signed(identity()))


# --- origins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://shop.example", "https://SHOP.example", "https://shop.example:443"])
def test_the_shops_origin_is_allowed(origin: str) -> None:
    assert channel().allows_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?",
        "https://shop.example#",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:99999",
        "https://shop.example.evil.example",
        "https://evil.example#https://shop.example",
        "https://user@shop.example",
        "https://shop.example@evil.example",
        "https://www.shop.example",
        "https://shop.example.",
        "https://shop.example\n",
        " https://shop.example",
        "https://ѕhop.example",
        "//shop.example",
        "shop.example",
        "file://",
        "https://[::1",
    ],
)
def test_any_other_origin_is_not(origin: str) -> None:
    assert not channel().allows_origin(origin)


@given(st.text(st.characters(), max_size=60) | st.text("htps:/.[]@#?0123456789", max_size=30))
def test_a_canonical_origin_stays_as_it_is(text: str) -> None:
    canonical = canonical_origin(text)
    assert canonical is None or canonical_origin(canonical) == canonical


def test_an_ipv6_origin_keeps_its_brackets() -> None:
    assert canonical_origin("http://[::1]:8000") == "http://[::1]:8000"
