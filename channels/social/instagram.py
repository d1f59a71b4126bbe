"""Instagram: direct messages of a professional account. What an administrator needs of it is in docs/instagram.md."""

from __future__ import annotations

from urllib.parse import urlencode

from channels.social import common, meta
from channels.social.meta_messaging import MetaMessaging
from hub.domain.errors import ChannelError, Refused
from hub.ports import ChannelParts

INSTAGRAM = "https://graph.instagram.com"


def channel(parts: ChannelParts) -> Instagram:
    """The account of an inbox. Raises Refused where a setting or a secret breaks its rule."""
    return Instagram(parts)


class Instagram(MetaMessaging):
    """One account, by Facebook Login or, where `instagram_login` is set, by Instagram Login."""

    channel = "instagram"
    kind = "instagram"
    account_setting = "account_id"
    name_field = "username"
    person_fields = "name,username"
    text_limit = 1000
    deep_link = "https://ig.me/m/{handle}?ref={token}"
    media_types = ("image/png", "image/jpeg", "video/mp4", "audio/mp4", "audio/mpeg")
    # Mentions in stories may be shown while they are up, and must not be kept.
    idle_media = frozenset({"story_mention"})

    def _read_settings(self, parts: ChannelParts) -> meta.MetaSettings:
        self._by_instagram = parts.inbox.settings.get("instagram_login", False)
        if not isinstance(self._by_instagram, bool):
            raise Refused("instagram_login", "must be true or false")
        return meta.read_settings(parts, self.account_setting, INSTAGRAM if self._by_instagram else meta.API_URL)

    def renew_token(self) -> int:
        """See `hub.ports.EndingToken`: Instagram Login's tokens end after 60 days, and are exchanged from their second
        day on. Source: developers.facebook.com/docs/instagram-platform/reference/refresh_access_token."""
        if not self._by_instagram:
            return 0
        query = urlencode({"grant_type": "ig_refresh_token", "access_token": self._settings.token})
        said = common.get(f"{self._settings.api}/refresh_access_token?{query}")
        token, lasts = meta.text(said, "access_token", 1000), said.get("expires_in")
        if not token or not isinstance(lasts, int):
            raise ChannelError("bad_answer", "Instagram's answer has no token")
        self._parts.keep_secret("access_token", token)
        return self._parts.clock.now() + lasts * 1_000_000

    @property
    def _most_bytes(self) -> int:
        return self.text_limit  # counted in bytes: an accent takes two
