"""Shapes of knowing who a customer is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hub.web.schemas import Identifier, Shape, Storable, VerifiedLevel


class FieldsOut(Shape):
    """What the firm keeps of a customer, by the field's name."""

    fields: dict[str, str]


class FieldIn(Shape):
    value: Annotated[Storable, StringConstraints(max_length=500)]


class AnswersIn(Shape):
    """Fields of the contact that an agent asked for, and those that were answered right."""

    asked: list[Identifier] = Field(max_length=30)
    right: list[Identifier] = Field(max_length=30)


class AnswersOut(Shape):
    level: VerifiedLevel


class SendCodeIn(Shape):
    inbox_id: Identifier
    identity_id: Identifier


class CodeSent(Shape):
    message_id: str


class CodeIn(Shape):
    code: Annotated[Storable, StringConstraints(max_length=20)]


class CodeOut(Shape):
    right: bool
