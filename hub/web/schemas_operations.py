"""Shapes of running the hub: its health, its outbox, what is held back and where it listens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from hub.web.schemas import Identifier, Shape, SourceState


class PartHealth(Shape):
    name: str
    state: str
    detail: dict[str, str] = Field(default={})


class HealthOut(Shape):
    """`state` is `ok`, `warming` (answers, some parts still load) or `degraded`."""

    state: Literal["ok", "warming", "degraded"]
    parts: list[PartHealth]


class OutboxRowOut(Shape):
    id: int
    handler: str
    order_key: str
    attempts: int
    last_error: str
    event_id: int
    created_at: datetime


class OutboxRows(Shape):
    items: list[OutboxRowOut]


class SourceOut(Shape):
    """`duplicate`: the message was there already. `read`: a report on a message, no message itself. `field` and `rule`
    say why one was refused. `origin` is where it was fetched from, `size` is in bytes. `sender` and `subject` are empty
    where they could not be read."""

    id: str
    inbox_id: str
    state: SourceState
    origin: str
    field: str
    rule: str
    message_id: str | None
    sender: str
    subject: str
    size: int
    at: datetime


class HeldBackPage(Shape):
    """Newest first. `next` continues with `before`; null at the end. `counts` is how many there are by inbox."""

    items: list[SourceOut]
    next: str | None
    counts: dict[str, int]


class HeldBackQuery(Shape):
    inbox_id: Identifier | None = None
    before: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AcceptedOut(Shape):
    """What came of a message that was taken in after all; null where it is a report on a message of ours."""

    conversation_id: str | None
    message_id: str | None


class SourcePage(Shape):
    """Newest first. `next` continues with `before`; null at the end. `counts` is of the whole inbox."""

    items: list[SourceOut]
    next: str | None
    counts: dict[str, int]


class SourcesQuery(Shape):
    state: SourceState | None = None
    before: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
