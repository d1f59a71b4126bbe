"""Shapes of links between channels."""

from __future__ import annotations

from datetime import datetime

from hub.web.schemas import Identifier, Shape


class LinkPlace(Shape):
    """An inbox into which a link can lead."""

    inbox_id: str
    inbox_name: str
    channel: str


class LinkPlaces(Shape):
    items: list[LinkPlace]


class LinkIn(Shape):
    inbox_id: Identifier


class LinkOut(Shape):
    """A link, and a sentence with it in the customer's language."""

    link: str
    text: str
    expires_at: datetime
