"""Instagram, as the conformance kit sees it."""

from __future__ import annotations

from pathlib import Path

from channels.social import instagram, meta, meta_messaging
from hub.domain.messages import Address
from hub.testing.channel_kit import ChannelKit
from tests.channels.meta_signing import SECRETS, sign

KIT = ChannelKit(
    name="instagram",
    make=instagram.channel,
    payloads=Path(instagram.__file__).parent / "payloads" / "instagram",
    signs={"app secret": sign},
    signed=frozenset({"body"}),
    customer=Address("instagram", "5000000000000001", "17841400000000001"),
    settings=lambda provider: {"account_id": "17841400000000001", "app_id": "4455667788", "api_url": provider},
    secrets={**SECRETS, "access_token": "the-token-of-a-page-of-ours"},
    modules=(meta, meta_messaging),
)
