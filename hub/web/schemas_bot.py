"""Shapes of the bot's own calls."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from hub.web.schemas import Identifier, Shape


class OrderQuery(Shape):
    """`message_id` is the customer's message that asks: whoever wrote it must be who was proved."""

    conversation_id: Identifier
    message_id: Identifier


class OrderOut(Shape):
    """`carrier` and `expected` (ISO 8601 date) are empty where they are not known."""

    order_id: str
    state: str
    carrier: str
    expected: str


class VerifyIn(Shape):
    """What a customer said to prove who they are, and the message in which they did."""

    conversation_id: Identifier
    message_id: Identifier
    customer_number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    postcode: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{3,16}$")]


class VerifyOut(Shape):
    verified: bool
    name: str | None = None
