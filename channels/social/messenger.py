"""Messenger: the threads of a Facebook page. What an administrator needs of it is in docs/messenger.md."""

from __future__ import annotations

from channels.social.meta_messaging import MetaMessaging
from hub.ports import ChannelParts


def channel(parts: ChannelParts) -> Messenger:
    """The page of an inbox. Raises Refused where a setting or a secret breaks its rule."""
    return Messenger(parts)


class Messenger(MetaMessaging):
    """One page."""

    channel = "messenger"
    kind = "page"
    account_setting = "page_id"
    text_limit = 2000
    deep_link = "https://m.me/{account}?ref={token}"
    media_types = ("image/png", "image/jpeg", "image/gif", "video/mp4", "audio/mpeg", "audio/mp4", "application/pdf")
