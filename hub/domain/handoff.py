"""The handoff packet: what a person gets with a conversation from the bot."""

from __future__ import annotations

from dataclasses import dataclass

from hub.domain.events import TriedAnswer


@dataclass(frozen=True, slots=True)
class SuggestedArticle:
    article_id: str
    version: int
    locale: str
    title: str
    passage: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Packet:
    """Everything a person needs to go on without asking again. Times in microseconds, 0: not set.

    `open_question` is (message id, text) of what the customer wants to know; None where nothing is open.
    """

    reason: str
    handed_over_at: int
    waiting_since: int
    language: str
    slots: tuple[tuple[str, str], ...]
    verified_level: str
    verified_by: str
    tried: tuple[TriedAnswer, ...]
    open_question: tuple[str, str] | None
    suggested: tuple[SuggestedArticle, ...]
    transcript_messages: int


def suggestion(tried: TriedAnswer) -> str:
    """How an article that may help stands in the event: `article_id@version@locale`."""
    return f"{tried.article_id}@{tried.version}@{tried.locale}"


def parse_suggestion(value: str) -> tuple[str, int, str]:
    """(article, version, locale) of a `suggestion`."""
    article_id, version, locale = value.rsplit("@", 2)
    return article_id, int(version), locale
