"""Shapes of what providers have approved."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from hub.web.schemas import Shape


class ParameterOut(Shape):
    """A value that a template wants: its `place` is `header`, `body` or `button:N`, and `name` its number or name; or
    `header_file`, whose value is an https address and whose `name` the kind of file."""

    place: str
    name: str


class TemplateButtonOut(Shape):
    kind: str
    title: str


class TemplateOut(Shape):
    """An approved text. `why_not` says why it cannot be sent (`pending`, `paused`, `header_kind`…); empty: it can."""

    id: str
    name: str
    language: str
    category: str
    approval: Literal["approved", "pending", "rejected", "paused", "disabled"]
    reason: str
    why_not: str
    header: str
    body: str
    footer: str
    buttons: list[TemplateButtonOut]
    parameters: list[ParameterOut]


class Templates(Shape):
    """By name and language. `synced_at` is when they were last read from the provider."""

    items: list[TemplateOut]
    synced_at: datetime | None
