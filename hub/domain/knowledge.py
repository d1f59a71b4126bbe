"""Values that pass between the hub, the bot and the knowledge base."""

from __future__ import annotations

from dataclasses import dataclass

from hub.domain.messages import Button


@dataclass(frozen=True, slots=True)
class ArticleText:
    """One published version of an article in one locale, ready to be cut into passages.

    `phrasings` are customers' own words for it in this locale's language, learnt from confirmed answers.
    """

    article_id: str
    version: int
    locale: str
    title: str
    body: str
    phrasings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article that can be found on its own.

    `vectors` is opaque to everybody but the encoder that made it (`model_id` names it); it goes to the store and back
    as bytes. A negative `ordinal` marks a learnt phrasing: it helps to find the article and is never an answer.
    """

    article_id: str
    version: int
    locale: str
    ordinal: int
    title: str
    text: str
    model_id: str
    vectors: bytes

    @property
    def is_phrasing(self) -> bool:
        """Whether this is a customer's phrasing rather than a piece of the article."""
        return self.ordinal < 0


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """One article that may answer a question.

    `score` orders the answers of one search (not comparable between models); `confidence` is the calibrated
    probability, 0 to 1, that this answer is right.
    """

    article_id: str
    version: int
    locale: str
    title: str
    passage: str
    score: float
    confidence: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Answers, best first, at most one per article; empty when nothing is indexed.

    `model_id` and `calibration_id` name what made the numbers, so that a decision can be explained later. `precision`
    is the share, 0 to 1, that was right of all first answers at least as sure as this one: what a target is compared
    with.
    """

    answers: tuple[FoundAnswer, ...]
    language: str
    model_id: str
    calibration_id: str
    precision: float = 0.0

    @property
    def confidence(self) -> float:
        """Probability, 0 to 1, that the first answer is right; 0 when there is none."""
        return self.answers[0].confidence if self.answers else 0.0


@dataclass(frozen=True, slots=True)
class BotMessage:
    """One thing the bot says."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class BotReply:
    """What the bot made of one customer message.

    `handoff_reason` is set when the bot itself asks for a person. `in_form` is true when the bot is in the middle of a
    form, where any answer belongs to it. `slots` is the bot's whole memory of the conversation. `verified_level` is
    `none`, `claimed` or `verified`; `verification_failed` says that the last allowed try went wrong in this turn.
    """

    messages: tuple[BotMessage, ...]
    intent: str
    confidence: float
    handoff_reason: str = ""
    in_form: bool = False
    slots: tuple[tuple[str, str], ...] = ()
    verified_level: str = "none"
    verification_failed: bool = False
    model_id: str = ""
