"""The shapes of editors' work: articles, categories, versions, checks, test questions, import and export."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from hub.web.schemas import Identifier, Language, Shape, Storable, Token

ArticleState = Literal[
    "draft", "review", "approved", "scheduled", "published", "changed", "withdrawn", "expired", "archived"
]
Names = dict[Language, Annotated[Storable, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]]


class ArticleIn(Shape):
    """`html` is cleaned and counts where it is given; else `body`, plain text."""

    locale: Language
    title: Annotated[Storable, StringConstraints(min_length=1, max_length=300)]
    body: Annotated[Storable, StringConstraints(max_length=100_000)] = ""
    html: Annotated[Storable, StringConstraints(max_length=400_000)] = ""
    article_id: Identifier | None = None

    @model_validator(mode="after")
    def _has_text(self) -> ArticleIn:
        if not self.html.strip() and not self.body.strip():
            raise ValueError("must hold text in body or html")
        return self


class ArticlesQuery(Shape):
    """`query` is looked for in titles and texts. What is archived is listed only where `state` asks for it."""

    query: Annotated[Storable, StringConstraints(max_length=200)] = ""
    locale: Language | None = None
    state: ArticleState | None = None
    category_id: Identifier | None = None
    after: Token | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ArticleOut(Shape):
    """An article in one locale, as its editor left it. `version` is the public one; 0: none is public. `html` is empty
    where the article came as plain text. `internal`: only the firm reads it, in every locale."""

    article_id: str
    locale: Language
    title: str
    body: str
    html: str
    version: int
    state: ArticleState
    updated_at: datetime
    updated_by: str
    submitted_by: str
    approved_by: str
    review_note: str
    publish_at: datetime | None
    expires_at: datetime | None
    category_id: str | None
    internal: bool


class Articles(Shape):
    items: list[ArticleOut]
    next: str | None


class NoteIn(Shape):
    note: Annotated[Storable, StringConstraints(max_length=2_000)] = ""


class PublishIn(Shape):
    """`at`: not now but then. `accept_broken`: although test questions are no longer answered right."""

    at: AwareDatetime | None = None
    accept_broken: bool = False


class ExpiryIn(Shape):
    expires_at: AwareDatetime | None


class PlacementIn(Shape):
    category_id: Identifier | None
    internal: bool


class VersionRef(Shape):
    version: Annotated[int, Field(ge=1, le=1_000_000)]


class ArticleVersionOut(Shape):
    version: int
    title: str
    body: str
    published_at: datetime
    published_by: str
    approved_by: str


class ArticleVersions(Shape):
    """The newest first. `public` is the one that customers get; 0: none."""

    items: list[ArticleVersionOut]
    public: int


class DifferenceQuery(Shape):
    """ArticleVersions; 0 is the draft."""

    earlier: Annotated[int, Field(ge=0, le=1_000_000)]
    later: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class PieceOut(Shape):
    kind: Literal["same", "removed", "added"]
    text: str


class Difference(Shape):
    title: list[PieceOut]
    body: list[PieceOut]


class FiguresOut(Shape):
    """What customers did with an article in the last `days`. Helped and unhelpful are what they said; offered: it was
    one of several to choose from; picked: it was chosen of them, and so shown."""

    days: int
    shown: int
    helped: int
    unhelpful: int
    handed_off: int
    offered: int
    picked: int


class FiguresQuery(Shape):
    days: Annotated[int, Field(ge=1, le=3660)] = 90


class CategoryOut(Shape):
    id: str
    names: dict[str, str]
    position: int


class Categories(Shape):
    items: list[CategoryOut]


class CategoryIn(Shape):
    """Named in at least one language."""

    names: Annotated[Names, Field(min_length=1, max_length=10)]
    position: Annotated[int, Field(ge=0, le=10_000)] = 0


class ImageOut(Shape):
    """`src` is what an article's HTML shows it by."""

    id: str
    name: str
    media_type: str
    size: int
    src: str


# --- checks -----------------------------------------------------------------------------------------------------------


class ChecksQuery(Shape):
    """`days`: an article that was published longer ago is old."""

    days: Annotated[int, Field(ge=1, le=3660)] = 180


class CheckedArticle(Shape):
    article_id: str
    locale: str
    title: str


class StaleOut(Shape):
    article: CheckedArticle
    reason: Literal["old", "translation", "unhelpful", "ends_soon"]
    since: datetime


class PairOut(Shape):
    one: CheckedArticle
    two: CheckedArticle
    similarity: float


class ContradictionOut(Shape):
    kind: Literal["numbers", "negation", "translation"]
    one: CheckedArticle
    two: CheckedArticle
    sentence_one: str
    sentence_two: str


class Checks(Shape):
    stale: list[StaleOut]
    duplicates: list[PairOut]
    contradictions: list[ContradictionOut]


# --- test questions ---------------------------------------------------------------------------------------------------


class TestQuestionIn(Shape):
    """`article_id` null: no article answers it, and saying nothing is right."""

    text: Annotated[Storable, StringConstraints(min_length=1, max_length=1_000, strip_whitespace=True)]
    locale: Language
    article_id: Identifier | None


class TestQuestionOut(Shape):
    id: str
    text: str
    locale: str
    article_id: str | None


class TestQuestions(Shape):
    items: list[TestQuestionOut]


class OutcomeOut(Shape):
    """`place` of the right article among what was found, 0: not found. `right`: the customer would have been told the
    right thing, or nothing where nothing answers it."""

    question: TestQuestionOut
    found: CheckedArticle | None
    place: int
    confidence: float
    answered: bool
    right: bool


class QualityOut(Shape):
    """Shares, 0 to 1; null where there is nothing to count. `recall`: of the questions that an article answers, those
    whose first find is that article; `recall_3`: among the first three. `precision`: of those answered, those answered
    right."""

    recall: float | None
    recall_3: float | None
    precision: float | None
    answered: int
    outcomes: list[OutcomeOut]


class TrialOut(Shape):
    """The test questions as things stand and, for an article, once it were published. `checked` is false while there
    is nothing to search with."""

    checked: bool
    before: QualityOut | None
    after: QualityOut | None
    broken: list[TestQuestionOut]
    mended: list[TestQuestionOut]


# --- import and export ------------------------------------------------------------------------------------------------


class RefusedArticle(Shape):
    where: str
    rule: str


class Imported(Shape):
    """What became of each article of a file: drafts made or changed, left as they were, refused with the reason."""

    created: int
    changed: int
    unchanged: int
    categories: int
    refused: list[RefusedArticle]
