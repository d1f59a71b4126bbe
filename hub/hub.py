"""The hub's parts, put together by `hub.app.build` and handed to whoever needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.domain.inbox import Inbox
from hub.ports import Bot, Channel, Clock, FileStore, KnowledgeBase, Nudger, Push, Writer
from hub.settings import Settings
from hub.store.inbox_directory import InboxDirectory
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Hub:
    """Everything that services, routes and jobs work with; nothing of it is global.

    `channel_of` gives the channel of an inbox. `bot`, `knowledge` and `writer` are None where there is none.
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
    writer: Writer | None = None
