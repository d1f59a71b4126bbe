"""How Meta proves itself: a signature over the raw body, or the token of the handshake."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from hub.domain.messages import WebhookRequest
from hub.ports import ChannelParts

SECRETS = {"app_secret": "the-secret-of-an-app", "verify_token": "a-token-for-handshakes"}


def sign(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    """As Meta: with the app's secret; a handshake brings what was typed in at the app's dashboard."""
    if request.method == "GET":
        mark = "&" if "?" in request.url else "?"
        return replace(request, url=f"{request.url}{mark}hub.verify_token={parts.secrets['verify_token']}")
    digest = hmac.new(parts.secrets["app_secret"].encode(), request.body, hashlib.sha256).hexdigest()
    return replace(request, headers={**request.headers, "x-hub-signature-256": f"sha256={digest}"})
