"""Files from addresses that somebody else wrote."""

from __future__ import annotations

from collections.abc import Collection

from hub.domain.errors import ChannelError
from hub.ports import FetchedFile


class PublicFetcher:
    """Fetches from public hosts only.

    Args:
        allow: `host:port` that may be fetched from though they are private.
    """

    def __init__(self, allow: Collection[str]) -> None:
        self._allow = frozenset(allow)

    def fetch(self, url: str, *, limit: int, authorization: str = "") -> FetchedFile:  # noqa: ARG002
        raise ChannelError("not_fetched", url, permanent=True)
