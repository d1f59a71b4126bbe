"""The hub's parts, put together by `hub.app.build` and handed to whoever needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hub.domain.channel_setup import Setup
from hub.domain.inbox import Inbox
from hub.ports import Bot, Channel, Clock, FileStore, KnowledgeBase, Nearby, Nudger, Push, Writer
from hub.settings import Settings
from hub.store.inbox_directory import InboxDirectory
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Store


class Catalogue(Protocol):
    """The kinds of inboxes that can be connected: those of the installed packages."""

    def kinds(self) -> Mapping[str, Setup]:
        """All of them, with what an administrator gives for each."""

    def make(self, inbox: Inbox, secrets: Mapping[str, str]) -> Channel:
        """The channel of an inbox that may not be stored yet. Raises NotFound, and Refused naming the setting."""


class Seldom:
    """Says that something is due at most once in a while; each process for itself."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def due(self, what: str, now: int, pause: int) -> bool:
        """Whether `pause` microseconds have passed since this was last due; then it is not again for as long."""
        if now - self._last.get(what, -pause) < pause:
            return False
        if len(self._last) > _MOST_REMEMBERED:
            self._last.clear()
        self._last[what] = now
        return True


_MOST_REMEMBERED = 10_000


def _at_once(errand: Callable[[], None]) -> None:
    errand()


@dataclass(frozen=True, slots=True)
class Hub:
    """Everything that services, routes and jobs work with; nothing of it is global.

    `channel_of` gives the channel of an inbox, `catalogue` what further ones can be. `aside` runs what nobody waits for
    and nobody misses. `bot`, `knowledge`, `writer` and `nearby` (a database that finds vectors) are None where there is
    none.
    """

    settings: Settings
    clock: Clock
    store: Store
    box: SecretBox
    files: FileStore
    inboxes: InboxDirectory
    channel_of: Callable[[Inbox], Channel]
    bot: Bot | None
    knowledge: KnowledgeBase | None
    push: Push
    nudger: Nudger
    catalogue: Catalogue
    writer: Writer | None = None
    nearby: Nearby | None = None
    aside: Callable[[Callable[[], None]], None] = _at_once
    seldom: Seldom = field(default_factory=Seldom)
