"""Shapes of the web chat: what a visitor's page is told and may say."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hub.web.schemas import DeliveryState, Identifier, Language, Shape, Status, Storable
from hub.web.schemas_conversations import AttachmentOut, ButtonOut, WidgetCitation


class WidgetSessionIn(Shape):
    """`visitor_token` resumes an earlier visit, `identity_token` is the shop's JWT for a signed-in customer."""

    inbox: Identifier
    origin: Annotated[str, StringConstraints(max_length=300)]
    visitor_token: Annotated[str, StringConstraints(max_length=4000)] | None = None
    identity_token: Annotated[str, StringConstraints(max_length=8000)] | None = None
    language: Language = "en"


class PreChatField(Shape):
    name: Literal["name", "email", "phone"]
    required: bool


class WidgetSettings(Shape):
    """`text_us` is the firm's number for text messages, as people write it; null where the inbox names none."""

    title: dict[str, str]
    greeting: dict[str, str]
    languages: list[Language]
    pre_chat: list[PreChatField]
    quick_replies: dict[str, list[str]]
    attachment_limit: int
    media_types: list[str]
    text_limit: int
    text_us: str | None = None


class WidgetMessage(Shape):
    """A message as the customer sees it. `from` is relative to the reader."""

    id: str
    client_id: str | None = None
    sender: Literal["me", "bot", "agent", "system"]
    author_name: str = ""
    text: str
    buttons: list[ButtonOut] = Field(default=[])
    attachments: list[AttachmentOut] = Field(default=[])
    citation: WidgetCitation | None = None
    delivery: DeliveryState | None = None
    at: datetime


class WidgetStatus(Shape):
    """`place` is the customer's place in the queue, 1 = next; only while waiting."""

    status: Status
    place: int | None = None
    agent_name: str | None = None


class WidgetEntry(Shape):
    """Exactly one of the three is there. `delivery` reports on an earlier message (either side's)."""

    cursor: str
    at: datetime
    message: WidgetMessage | None = None
    delivery: dict[str, DeliveryState] | None = None
    status: WidgetStatus | None = None


class WidgetFeed(Shape):
    entries: list[WidgetEntry]
    cursor: str
    more: bool


class WidgetWindow(Shape):
    """A time at which somebody is there."""

    begins: datetime
    ends: datetime


class WidgetSessionOut(Shape):
    """`needs_details` asks for the pre-chat form; `entries` holds the recent history, oldest first. `open` is when
    somebody is there in the next days, at least the next time; null where somebody always is."""

    visitor_token: str
    socket_token: str
    contact_name: str
    needs_details: bool
    unread: int
    settings: WidgetSettings
    entries: list[WidgetEntry]
    cursor: str
    status: WidgetStatus | None
    open: list[WidgetWindow] | None


class WidgetDetailsIn(Shape):
    name: Annotated[Storable, StringConstraints(max_length=120)] = ""
    email: Annotated[Storable, StringConstraints(max_length=254)] = ""
    phone: Annotated[Storable, StringConstraints(max_length=40)] = ""


class WidgetMessageIn(Shape):
    """`payload` and `reply_to` are set when a button was pressed: the hub checks that it had offered that button."""

    client_id: Identifier
    text: Annotated[Storable, StringConstraints(max_length=10_000)]
    attachments: list[Identifier] = Field(default=[], max_length=5)
    payload: Annotated[Storable, StringConstraints(max_length=500)] | None = None
    reply_to: Identifier | None = None


class Accepted(Shape):
    """`message_id` is ours; a repeated `client_id` gets the first one's."""

    message_id: str
    conversation_id: str
    duplicate: bool


class SeenIn(Shape):
    """Everything up to and including this message was shown (`read`) or has arrived (`delivered`)."""

    message_id: Identifier
    state: Literal["delivered", "read"] = "read"


class TypingIn(Shape):
    on: bool
