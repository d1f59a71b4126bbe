"""LINE, as the conformance kit sees it: signed with the channel secret."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

from channels.social import common, line
from hub.domain.messages import Address, WebhookRequest
from hub.ports import ChannelParts
from hub.testing.channel_kit import ChannelKit


def by_secret(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    digest = hmac.new(parts.secrets["channel_secret"].encode(), request.body, hashlib.sha256).digest()
    return replace(request, headers={**request.headers, "x-line-signature": b64encode(digest).decode()})


KIT = ChannelKit(
    name="line",
    make=line.channel,
    payloads=Path(line.__file__).parent / "payloads" / "line",
    signs={"channel secret": by_secret},
    signed=frozenset({"body"}),
    customer=Address("line", "U4af4980629000000000000000000abcd"),
    settings=lambda provider: {"api_url": provider},
    secrets={
        "channel_secret": "the channel secret".replace(" ", "-"),
        "channel_access_token": "token-for-the-kit-alone",
    },
    excused={"reports": "LINE tells nothing of what became of a message"},
    modules=(common,),
)
