"""The handoff packet: what a person gets with a conversation from the bot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hub.domain.events import TriedAnswer

# A long talk with the bot is told by its end: an agent reads this list, and the event keeps it.
MOST_TRIED = 50
# Confidence is calibrated: below one in twenty the search has only named the least unlikely of its articles.
WORTH_TELLING = 0.05
# An agent skims a suggestion at the cost of seconds; one in ten that helps still saves minutes.
WORTH_SUGGESTING = 0.1
MOST_SUGGESTED = 3


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


def worth_telling(considered: Iterable[TriedAnswer]) -> tuple[TriedAnswer, ...]:
    """The last answers that a person should know of, in the order in which they were considered."""
    told = [each for each in considered if each.given or each.source == "bot" or each.score >= WORTH_TELLING]
    return tuple(told[-MOST_TRIED:])


def worth_suggesting(tried: Iterable[TriedAnswer]) -> tuple[TriedAnswer, ...]:
    """The articles that may help a person on, the best first, each once; not what the customer was given already."""
    tried = tuple(tried)
    given = {each.article_id for each in tried if each.given}
    best: dict[str, TriedAnswer] = {}
    for each in sorted(tried, key=lambda answer: -answer.score):
        if each.article_id and each.article_id not in given and each.score >= WORTH_SUGGESTING:
            best.setdefault(each.article_id, each)
    return tuple(best.values())[:MOST_SUGGESTED]


def suggestion(tried: TriedAnswer) -> str:
    """How an article that may help stands in the event: `article_id@version@locale`."""
    return f"{tried.article_id}@{tried.version}@{tried.locale}"


def parse_suggestion(value: str) -> tuple[str, int, str]:
    """(article, version, locale) of a `suggestion`."""
    article_id, version, locale = value.rsplit("@", 2)
    return article_id, int(version), locale
