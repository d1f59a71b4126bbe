"""An inbox's rules as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain.bot_policy import Policy, Thresholds

HOUR = 3_600_000_000
DAY = 24 * HOUR

# How a waiting conversation finds somebody: agents take it themselves; the fittest is asked; the fittest is given it.
ROUTING_MODES = ("manual", "offer", "automatic")


@dataclass(frozen=True, slots=True)
class AccountState:
    """What a provider says of an inbox's account. `name` is as people know it; `quality` and `limit` are the provider's
    own words; `token_until` in microseconds (0: no end is known). `handle` is what links to the account are made with:
    a user name, or the digits of a number.

    `problems` keep messages from coming or leaving though the account is in order: (what, detail). What it is: one of
    `webhook_unset`, `webhook_elsewhere` (detail: where), `webhook_error` (what the provider heard of us),
    `missing_scope`, `auto_reply`, `no_origins`, `account_status`.
    """

    name: str = ""
    quality: str = ""
    limit: str = ""
    token_until: int = 0
    problems: tuple[tuple[str, str], ...] = ()
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Inbox:
    """One connected channel instance. Windows are in microseconds.

    `window`: how long after its last activity the contact's open conversation still takes a message; `reopen_window`:
    how long after it was resolved. `bot`: whether the bot and the knowledge base try first. `settings` is the channel's
    own; `sealed_secrets` are its secrets as they rest, encrypted. `routing` is one of `ROUTING_MODES`. `disabled`: what
    is to leave waits, and nothing is taken in. `receipts`: customers are shown that an agent reads and writes.
    """

    id: str
    key: str
    name: str
    channel: str
    team_id: str
    bot: bool = True
    window: int = 3 * DAY
    reopen_window: int = 7 * DAY
    thresholds: Thresholds = field(default_factory=Thresholds)
    settings: Mapping[str, Any] = field(default_factory=dict)
    sealed_secrets: str = field(default="", repr=False)
    routing: str = "manual"
    policy: Policy = field(default_factory=Policy)
    disabled: bool = False
    receipts: bool = True
