"""Text messages by Twilio, as the conformance kit sees them: signed with the account's token, or with a shared key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from channels.sms import twilio
from hub.domain.messages import Address, WebhookRequest
from hub.ports import ChannelParts
from hub.testing.channel_kit import ChannelKit

KEY = "webhooks_sharedkey_01"


class Fields(dict[str, tuple[str, ...]]):
    """A form as Twilio's library asks for repeated fields."""

    def getlist(self, name: str) -> tuple[str, ...]:
        return self[name]


def signed(request: WebhookRequest, secret: str, algorithm: str) -> WebhookRequest:
    """As Twilio: a form by its fields, JSON by its hash in the address."""
    if request.headers.get("content-type") == "application/json":
        mark = "&" if "?" in request.url else "?"
        request = replace(request, url=f"{request.url}{mark}bodySHA256={hashlib.sha256(request.body).hexdigest()}")
    signature = RequestValidator(secret).compute_signature(request.url, Fields(request.form), algorithm)
    return replace(request, headers={**request.headers, "x-twilio-signature": signature})


def by_token(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    return signed(request, parts.secrets["auth_token"], HMAC_SHA1)


def by_shared_key(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    request = signed(request, parts.secrets[f"shared_key:{KEY}"], HMAC_SHA256)
    settings = f"key={KEY},algorithm={HMAC_SHA256}"
    return replace(request, headers={**request.headers, "x-twilio-webhooks-signature-settings": settings})


KIT = ChannelKit(
    name="sms",
    make=twilio.channel,
    payloads=Path(twilio.__file__).parent / "payloads",
    signs={"token": by_token, "shared key": by_shared_key},
    signed=frozenset({"form", "url"}),
    customer=Address("sms", "+34600111222"),
    settings=lambda provider: {
        "account_sid": "AC" + "0" * 32,
        "numbers": ["+34910000001", "+447700900001"],
        "senders": {"FR": "LUMBRE"},
        "api_url": provider,
    },
    secrets={"auth_token": "the token of a test account", f"shared_key:{KEY}": "the secret of a shared key"},
    excused={"unsupported": "what Twilio brings from numbers is text and files, and nothing else"},
)
