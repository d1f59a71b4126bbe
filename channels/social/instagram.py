"""Instagram: direct messages of a professional account. What an administrator needs of it is in docs/instagram.md."""

from __future__ import annotations

from channels.social.meta_messaging import MetaMessaging
from hub.ports import ChannelParts


def channel(parts: ChannelParts) -> Instagram:
    """The account of an inbox. Raises Refused where a setting or a secret breaks its rule."""
    return Instagram(parts)


class Instagram(MetaMessaging):
    """One account, by Facebook Login or Instagram Login (then `api_url` is https://graph.instagram.com)."""

    channel = "instagram"
    kind = "instagram"
    account_setting = "account_id"
    text_limit = 1000
    media_types = ("image/png", "image/jpeg", "video/mp4", "audio/mp4", "audio/mpeg")
    # Mentions in stories may be shown while they are up, and must not be kept.
    idle_media = frozenset({"story_mention"})

    @property
    def _most_bytes(self) -> int:
        return self.text_limit  # counted in bytes: an accent takes two
