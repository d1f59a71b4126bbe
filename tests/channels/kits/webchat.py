"""The web chat, as the conformance kit sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from channels.chat import widget
from hub.domain.messages import Address, WebhookRequest
from hub.domain.visitor import Visitor
from hub.ports import ChannelParts
from hub.testing.channel_kit import ChannelKit

ANA = Visitor(
    visitor_id="01JD3Z7V8W",
    inbox_id="kit-inbox",
    language="es",
    display_name="Ana",
    evidence=(("email", "ana@example.org", "signed_identity"),),
)


def sign(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    """As a browser: with its visitor token."""
    token = widget.issue_visitor_token(ANA, secret=parts.derive("web chat visitors"), now=parts.clock.now())
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})


KIT = ChannelKit(
    name="webchat",
    make=widget.channel,
    payloads=Path(widget.__file__).parent / "payloads",
    signs={"visitor token": sign},
    signed=frozenset(),
    customer=Address("webchat", ANA.visitor_id, ANA.inbox_id),
    settings=lambda _: {"origins": ["https://shop.example"]},
    secrets={"identity_secret": "a shop's secret of 32 bytes or more"},
    wants_state=frozenset({"attachment"}),
    excused={
        "changed": "a visitor token says who speaks; what they say is protected by TLS alone",
        "batch": "a browser sends one message at a time",
        "unsupported": "both ends are ours: a kind that the hub does not know is refused",
        "reports": "the hub knows itself what the page has shown (POST /widget/v1/seen)",
        "outages": "the feed is its transport: there is no provider that could fail",
        "attachments": "files are looked at when they are uploaded (docs/attachments.md)",
        "buttons": "the page reads them from the feed, however many there are",
    },
)
