"""Slack by the Events API, as the conformance kit sees it: signed as version 0."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path

from channels.social import common, slack
from hub.domain.messages import Address, WebhookRequest
from hub.ports import ChannelParts
from hub.testing.channel_kit import ChannelKit


def version_0(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    stamp = str(parts.clock.now() // 1_000_000)
    # By hand: Slack's library wants the body to be text. tests/channels/test_social.py holds the two together.
    base = f"v0:{stamp}:".encode() + request.body
    signature = hmac.new(parts.secrets["signing_secret"].encode(), base, hashlib.sha256).hexdigest()
    signed = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}"}
    return replace(request, headers={**request.headers, **signed})


KIT = ChannelKit(
    name="slack",
    make=slack.channel,
    payloads=Path(slack.__file__).parent / "payloads" / "slack",
    signs={"version 0": version_0},
    signed=frozenset({"body"}),
    customer=Address("slack", "U0ANA00001", "T0CUSTOMER"),
    settings=lambda provider: {"api_url": provider},
    secrets={"bot_token": "xoxb-the-token-for-the-kit", "signing_secret": "the-signing-secret-of-the-kit"},
    excused={"batch": "each request holds one event"},
    modules=(common,),
)
