"""Shapes of what is said of an inbox's answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hub.web.schemas import Shape

Probability = Annotated[float, Field(ge=0, le=1)]


class AnsweringIn(Shape):
    """How sure an inbox's answers must be.

    `target_precision`: the share of the knowledge base's answers that is to be right; 0: `knowledge`, a probability,
    decides in its place, and nothing is offered. `intent`: from which probability on the bot acts on what it
    understood. `mail`, `mail_intent`: both again by mail, where nobody asks back. `misses`: unanswered messages in a
    row until a person takes over. `articles_first`: a sure article goes before a sure intent.
    """

    target_precision: Probability
    knowledge: Probability
    intent: Probability
    mail: Probability
    mail_intent: Probability
    misses: Annotated[int, Field(ge=1, le=10)]
    articles_first: bool


class AnsweringOut(AnsweringIn):
    """The same, of an inbox. `bot`: whether the bot and the knowledge base try first at all."""

    inbox_id: str
    name: str
    channel: str
    bot: bool


class AnsweringList(Shape):
    items: list[AnsweringOut]
