"""Shapes of the inboxes' settings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hub.web.schemas import ListenerOut, Shape


class WordsOut(Shape):
    """A text in each language."""

    en: str
    es: str


class SetupFieldOut(Shape):
    """One thing to fill in. `where` names another setting and the value with which this one matters."""

    name: str
    form: Literal["text", "long", "number", "boolean", "choice", "list", "json"]
    label: WordsOut
    hint: WordsOut | None
    secret: bool
    made: bool
    required: bool
    default: str
    choices: list[str]
    where: list[str]
    advanced: bool


class InboxKindOut(Shape):
    """A kind of inbox that can be connected: its provider's name, what to fill in, what to click at the provider."""

    channel: str
    title: str
    webhook: bool
    page: str
    fields: list[SetupFieldOut]
    steps: list[WordsOut]


class InboxKinds(Shape):
    """`public`: whether providers reach the hub at its address, which must be https for that."""

    items: list[InboxKindOut]
    public: bool


class ProblemOut(Shape):
    """Keeps messages from coming or leaving though the account is in order; `detail` says where or what."""

    what: str
    detail: str


class InboxHealthOut(Shape):
    """How an inbox is. `heard_at`: when the provider last called and was believed, `refused_at` when somebody was not,
    `sent_at` when it last took a message; each up to half a minute late. `checked_at`: when it was last asked how the
    account is; `error` is its answer where it refused, `account` and what follows else. `wrong` names a setting that
    breaks its rule. `stopped` since `stopped_at` with `waiting` messages (1000: that or more); `tries`: one of them
    tries from time to time."""

    heard_at: datetime | None
    sent_at: datetime | None
    refused_at: datetime | None
    refusal: str
    checked_at: datetime | None
    code: str
    error: str
    account: str
    quality: str
    limit: str
    token_until: datetime | None
    problems: list[ProblemOut]
    wrong: str
    stopped: str
    stopped_at: datetime | None
    waiting: int
    tries: bool
    listener: ListenerOut | None
    state: Literal["ok", "warning", "down", "off", "unknown"]


class InboxSettingsOut(Shape):
    """An inbox with its settings by their declared names. Of its secrets only the names are told; `checkable`: there is
    a provider that can be asked. `address` is where the provider calls, or what the web chat's page holds."""

    id: str
    key: str
    name: str
    channel: str
    team_id: str
    bot: bool
    receipts: bool
    disabled: bool
    settings: dict[str, Any]
    secrets: list[str]
    address: str
    health: InboxHealthOut


class InboxSettingsList(Shape):
    items: list[InboxSettingsOut]


class InboxIn(Shape):
    """What is filled in. `settings` are all of the declared ones; of `secrets` those that are given change, an empty
    one goes; `made` names those that the hub is to make anew."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    team_id: str
    bot: bool = True
    receipts: bool = True
    settings: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    made: list[str] = Field(default_factory=list)


class NewInboxIn(InboxIn):
    channel: str


class InboxSaved(Shape):
    """`made` are secrets that were made, to be pasted at the provider; they are not shown again."""

    inbox: InboxSettingsOut
    made: dict[str, str]


class InboxSwitch(Shape):
    on: bool
