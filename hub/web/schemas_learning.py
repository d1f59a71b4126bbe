"""Shapes of what the questions teach: backtests, gaps, lessons, cases, troubleshooting, help for agents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hub.web.schemas import Identifier, Language, Shape, Text
from hub.web.schemas_conversations import ArticleRef

Share = Annotated[float, Field(ge=0, le=1)]
TaskState = Literal["waiting", "done", "failed"]
Proposal = Literal["proposed", "active", "declined"]
LessonState = Literal["proposed", "accepted", "declined"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]


class ThresholdsIn(Shape):
    """Those that are not given stay each inbox's own."""

    knowledge: Share | None = None
    intent: Share | None = None
    mail: Share | None = None
    mail_intent: Share | None = None


class PolicyTriedIn(Shape):
    """How many messages in a row may go unanswered, and whether a sure article goes before a sure intent."""

    misses: Annotated[int, Field(ge=1, le=10)] = 2
    articles_first: bool = False


class BacktestIn(Shape):
    """`articles`: as the log says that they were found, as published now, or as editors left them."""

    last: Annotated[int, Field(ge=1, le=100_000)] = 1000
    articles: Literal["then", "published", "draft"] = "draft"
    thresholds: ThresholdsIn = ThresholdsIn()
    policy: PolicyTriedIn | None = None


class IntervalOut(Shape):
    """A value with its 95 % interval; `method` says how that was found."""

    value: float
    low: float
    high: float
    method: str


class FigureOut(Shape):
    before: IntervalOut
    after: IntervalOut
    difference: IntervalOut


class EndOut(Shape):
    """`said`: `article:ID`, `intent:NAME`, `case:NAME`, `handoff:REASON` or empty; `handled` in microseconds."""

    answered: bool
    handed_over: bool
    wrong: float
    handled: float
    said: str
    confidence: float


class ReplayedOut(Shape):
    conversation_id: str
    ticket_number: int
    question: str
    before: EndOut
    after: EndOut


class BacktestReport(Shape):
    """`figures`: `answered`, `handed_over`, `wrong` as shares, `minutes` a conversation. `changed`: the conversations
    behind them by what the change means, the dearest first, at most 200 of each; `counts` has all."""

    conversations: int
    turns: int
    figures: dict[str, FigureOut]
    counts: dict[str, int]
    changed: dict[str, list[ReplayedOut]]


class BacktestGiven(Shape):
    """What was tried. `misses` and `articles_first` are None where each inbox's own policy was kept."""

    last: int
    articles: Literal["then", "published", "draft"]
    thresholds: dict[str, float]
    misses: int | None
    articles_first: bool | None


class BacktestOut(Shape):
    id: str
    state: TaskState
    asked_at: datetime
    given: BacktestGiven
    report: BacktestReport | None
    error: str


class Backtests(Shape):
    items: list[BacktestOut]


class GapOut(Shape):
    """Minutes are agents', a week; `before` and `after` are there once its article was public for two weeks."""

    id: str
    name: str
    words: list[str]
    language: str
    state: Literal["open", "drafted", "published", "dismissed"]
    questions: int
    minutes: float
    article_id: str | None
    locale: str | None
    published_at: datetime | None
    before: float | None
    after: float | None


class Gaps(Shape):
    """`searched_at`: when they were last looked for; `searching`: whether they are right now."""

    items: list[GapOut]
    searched_at: datetime | None
    searching: bool


class GapQuestion(Shape):
    message_id: str
    conversation_id: str
    ticket_number: int
    text: str
    reason: Literal["unanswered", "handed_over", "unhelpful"]
    at: datetime
    minutes: float


class GapDetail(Shape):
    gap: GapOut
    questions: list[GapQuestion]


class GapMessage(Shape):
    message_id: str
    author: Literal["contact", "agent", "bot", "system", "vendor"]
    text: str


class GapConversation(Shape):
    """What was said with the customer, without names and what looks like a secret; the last sixty messages."""

    messages: list[GapMessage]


class Begun(Shape):
    """The article that was begun or taught; empty where there is none."""

    article_id: str
    locale: str


class LessonIn(Shape):
    """`article_id` answers the message; with `answer` it should say this instead. Without an article, `answer` is one
    that no article has."""

    message_id: Identifier
    article_id: Identifier | None = None
    locale: Language
    answer: Text = ""


class LessonOut(Shape):
    id: str
    state: LessonState
    conversation_id: str
    text: str
    article_id: str | None
    locale: str
    title: str
    answer: str
    created_at: datetime


class Lessons(Shape):
    items: list[LessonOut]


class LessonsQuery(Shape):
    state: LessonState = "proposed"


class Words(Shape):
    """A text in both languages."""

    en: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    es: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class ChoiceOut(Shape):
    id: Name
    text: Words


class CaseQuestion(Shape):
    id: Name
    text: Words
    choices: Annotated[list[ChoiceOut], Field(min_length=2, max_length=10)]


class CaseSolution(Shape):
    id: Name
    title: Words
    text: Words
    article_id: str


class CaseOut(Shape):
    id: str
    base_id: str
    solution: str
    answers: dict[str, str]
    told: str
    language: str
    state: Proposal
    conversation_id: str | None


class WrittenCaseIn(Shape):
    id: Identifier
    solution: Name
    answers: dict[Name, Name]
    told: Annotated[str, StringConstraints(max_length=2000)] = ""
    language: str = ""


class CaseBaseIn(Shape):
    """A whole base: questions, solutions and the cases that were written with it."""

    title: Words
    questions: Annotated[list[CaseQuestion], Field(max_length=100)]
    solutions: Annotated[list[CaseSolution], Field(max_length=200)]
    cases: Annotated[list[WrittenCaseIn], Field(max_length=2000)]


class CaseBaseOut(Shape):
    id: str
    title: Words
    questions: list[CaseQuestion]
    solutions: list[CaseSolution]
    cases: int


class CaseBases(Shape):
    items: list[CaseBaseOut]


class Cases(Shape):
    items: list[CaseOut]


class CasesQuery(Shape):
    state: Proposal = "proposed"


class CaseIn(Shape):
    base_id: Name
    solution: Name
    answers: dict[Name, Name]
    told: Annotated[str, StringConstraints(max_length=2000)] = ""
    language: Language = "en"


class StandingOut(Shape):
    """A solution, how probable it is, and what the customer of the nearest case said."""

    solution: str
    title: Words
    text: Words
    probability: float
    nearest: str


class AskedOut(Shape):
    question: CaseQuestion
    why: Words


class GuideOut(Shape):
    """Troubleshooting in a conversation; `base_id` is empty where none was begun and nothing like the problem is known.
    `ask` is the next best question."""

    base_id: str
    state: Literal["none", "asking", "offered", "solved", "given_up"]
    answers: dict[str, str]
    ask: AskedOut | None
    standing: list[StandingOut]
    kind: Literal["ask", "solve", "give_up"]


class GuideIn(Shape):
    """All answers so far. `solution`: what helped; the conversation is then proposed as a case."""

    base_id: Name
    answers: dict[Name, Name]
    solution: Name | None = None


class SimilarOut(Shape):
    conversation_id: str
    ticket_number: int
    question: str
    answer: str
    likeness: float


class SentenceOut(Shape):
    message_id: str
    author: str
    text: str


class HelpOut(Shape):
    """`may_draft`: whether this installation asks a language model for drafts."""

    question_id: str
    question: str
    suggested: list[ArticleRef]
    similar: list[SimilarOut]
    summary: list[SentenceOut]
    may_draft: bool


class DraftSource(Shape):
    article_id: str
    version: int
    locale: str
    title: str
    passage: str


class DraftOut(Shape):
    """A model's text for the agent to read and change, and the articles that it leans on."""

    text: str
    sources: list[DraftSource]
