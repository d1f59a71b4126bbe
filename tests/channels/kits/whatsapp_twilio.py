"""WhatsApp through Twilio, as the conformance kit sees it: signed like text messages."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from twilio.request_validator import HMAC_SHA1, RequestValidator

from channels.sms import twilio, whatsapp_twilio
from hub.domain.messages import Address, WebhookRequest
from hub.ports import ChannelParts
from hub.testing.channel_kit import ChannelKit


class Fields(dict[str, tuple[str, ...]]):
    """A form as Twilio's library asks for repeated fields."""

    def getlist(self, name: str) -> tuple[str, ...]:
        return self[name]


def by_token(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    """As Twilio: a form by its fields, JSON by its hash in the address."""
    if request.headers.get("content-type") == "application/json":
        mark = "&" if "?" in request.url else "?"
        request = replace(request, url=f"{request.url}{mark}bodySHA256={hashlib.sha256(request.body).hexdigest()}")
    validator = RequestValidator(parts.secrets["auth_token"])
    signature = validator.compute_signature(request.url, Fields(request.form), HMAC_SHA1)
    return replace(request, headers={**request.headers, "x-twilio-signature": signature})


KIT = ChannelKit(
    name="whatsapp_twilio",
    make=whatsapp_twilio.channel,
    payloads=Path(whatsapp_twilio.__file__).parent / "payloads_whatsapp",
    signs={"token": by_token},
    signed=frozenset({"form", "url"}),
    customer=Address("whatsapp", "+34600111222"),
    settings=lambda provider: {
        "account_sid": "AC" + "0" * 32,
        "numbers": ["+34910000001"],
        "api_url": provider,
    },
    secrets={"auth_token": "the token of a test account"},
    modules=(twilio,),
)
