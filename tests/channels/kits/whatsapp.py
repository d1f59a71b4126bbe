"""WhatsApp by the Cloud API, as the conformance kit sees it."""

from __future__ import annotations

from pathlib import Path

from channels.social import meta, whatsapp
from hub.domain.messages import Address
from hub.testing.channel_kit import ChannelKit
from tests.channels.meta_signing import SECRETS, sign

KIT = ChannelKit(
    name="whatsapp",
    make=whatsapp.channel,
    payloads=Path(whatsapp.__file__).parent / "payloads" / "whatsapp",
    signs={"app secret": sign},
    signed=frozenset({"body"}),
    customer=Address("whatsapp", "34600111222"),
    settings=lambda provider: {"phone_number_id": "106540352242922", "api_url": provider},
    secrets={**SECRETS, "access_token": "the-token-of-a-system-user"},
    modules=(meta,),
    lookups={"/v26.0/": b'{"url": "https://lookaside.fbsbx.com/whatsapp/1"}'},
)
