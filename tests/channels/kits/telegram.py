"""Telegram, as the conformance kit sees it: each update comes with the secret that the bot was set up with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from channels.social import common, telegram
from hub.domain.messages import Address, WebhookRequest
from hub.ports import ChannelParts
from hub.testing.channel_kit import ChannelKit


def by_secret(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    secret = parts.secrets["webhook_secret"]
    return replace(request, headers={**request.headers, "x-telegram-bot-api-secret-token": secret})


KIT = ChannelKit(
    name="telegram",
    make=telegram.channel,
    payloads=Path(telegram.__file__).parent / "payloads" / "telegram",
    signs={"secret token": by_secret},
    signed=frozenset(),
    customer=Address("telegram", "7340112233"),
    settings=lambda provider: {"api_url": provider},
    secrets={"bot_token": "8001234567:AAGkt0kenForTheKitAlone", "webhook_secret": "the_secret_of_setWebhook"},
    excused={
        "changed": "Telegram signs nothing: its secret and the way to it are all that protects an update",
        "batch": "each request holds one update",
        "reports": "Telegram tells bots nothing of what became of a message",
    },
    lookups={"/getFile?": json.dumps({"ok": True, "result": {"file_id": "x", "file_path": "photos/1.jpg"}}).encode()},
    modules=(common,),
)
