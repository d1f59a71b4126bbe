"""Messenger, as the conformance kit sees it."""

from __future__ import annotations

from pathlib import Path

from channels.social import messenger, meta, meta_messaging
from hub.domain.messages import Address
from hub.testing.channel_kit import ChannelKit
from tests.channels.meta_signing import SECRETS, sign

KIT = ChannelKit(
    name="messenger",
    make=messenger.channel,
    payloads=Path(messenger.__file__).parent / "payloads" / "messenger",
    signs={"app secret": sign},
    signed=frozenset({"body"}),
    customer=Address("messenger", "24587126910001", "1011121314"),
    settings=lambda provider: {"page_id": "1011121314", "app_id": "4455667788", "api_url": provider},
    secrets={**SECRETS, "access_token": "the-token-of-a-page-of-ours"},
    modules=(meta, meta_messaging),
    excused={"reports": "Messenger says up to when everything was got or read, and names no message"},
)
