"""Test questions with their right answers: what the knowledge base makes of them, before and after a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.domain import events as e
from hub.domain.bot_policy import Thresholds
from hub.domain.errors import NotFound, Unavailable
from hub.domain.knowledge import ArticleText, FoundAnswer
from hub.hub import Hub
from hub.ports import KnowledgeBase
from hub.store import tables as t
from hub.store.queries import article_checks, articles, passages
from hub.store.queries.article_checks import Question
from hub.store.unit_of_work import Tx

FOUND = 3  # how many answers are looked at
MOST = 500  # questions; a trial asks each of them twice


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question led to. `place` of the right article, 0: not among the first; `answered`: sure enough to tell a
    customer; `right`: the right article was told, or nothing where no article answers it."""

    question: Question
    found: FoundAnswer | None
    place: int
    answered: bool
    right: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """`before` and `after` a change, question by question in the same order; without a change both are the same."""

    before: tuple[Outcome, ...]
    after: tuple[Outcome, ...]

    @property
    def broken(self) -> tuple[Question, ...]:
        """Right before, wrong after."""
        return self._changed(now_right=False)

    @property
    def mended(self) -> tuple[Question, ...]:
        """Wrong before, right after."""
        return self._changed(now_right=True)

    def _changed(self, *, now_right: bool) -> tuple[Question, ...]:
        pairs = zip(self.before, self.after, strict=True)
        return tuple(two.question for one, two in pairs if one.right != two.right and two.right == now_right)


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares, 0 to 1, None where there is nothing to count; `answered` is a number of questions."""

    recall: float | None
    recall_3: float | None
    precision: float | None
    answered: int


def add(tx: Tx, *, text: str, locale: str, article_id: str, by: e.Actor) -> str:
    """Keeps a question. Returns its id. Raises NotFound where there is no such article."""
    _require(tx, article_id)
    question_id = tx.new_id()
    values = {"text": text, "locale": locale, "article_id": article_id, "agent_id": by.id, "at": tx.now}
    tx.add(t.article_question, {"id": question_id, **values})
    return question_id


def change(tx: Tx, question_id: str, *, text: str, locale: str, article_id: str, by: e.Actor) -> None:
    """Raises NotFound where there is no such question or article."""
    _require(tx, article_id)
    values = {"text": text, "locale": locale, "article_id": article_id, "agent_id": by.id, "at": tx.now}
    if not tx.change(t.article_question, {"id": question_id}, values):
        raise NotFound(f"there is no question {question_id}")


def remove(tx: Tx, question_id: str) -> None:
    """Raises NotFound."""
    if not tx.remove(t.article_question, {"id": question_id}):
        raise NotFound(f"there is no question {question_id}")


def _require(tx: Tx, article_id: str) -> None:
    if article_id and not articles.has_stream(tx, article_id):
        raise NotFound(f"there is no article {article_id}")


def measure(knowledge: KnowledgeBase, questions: Sequence[Question], threshold: float) -> tuple[Outcome, ...]:
    """Asks every question. Raises Unavailable while the models warm up."""
    return tuple(_ask(knowledge, question, threshold) for question in questions[:MOST])


def _ask(knowledge: KnowledgeBase, question: Question, threshold: float) -> Outcome:
    answers = knowledge.search(question.text, language=question.locale, limit=FOUND).answers
    first = answers[0] if answers else None
    places = [place for place, each in enumerate(answers, 1) if each.article_id == question.article_id]
    answered = first is not None and first.confidence >= threshold
    right = places[:1] == [1] and answered if question.article_id else not answered
    return Outcome(question, first, places[0] if places else 0, answered, right)


def quality(outcomes: Sequence[Outcome]) -> Quality:
    """What outcomes come to."""
    answerable = [each for each in outcomes if each.question.article_id]
    answered = [each for each in outcomes if each.answered]
    return Quality(
        recall=_share([each.place == 1 for each in answerable]),
        recall_3=_share([each.place > 0 for each in answerable]),
        precision=_share([each.right for each in answered]),
        answered=len(answered),
    )


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 4) if flags else None


def trial(hub: Hub, article_id: str = "", locale: str = "") -> Trial | None:
    """The test questions as things stand and, where an article is named, once its draft were public.

    Nothing that customers get changes. None while there is nothing to search with. Raises NotFound.
    """
    with hub.store.read() as connection:
        questions = article_checks.questions(connection)
        draft = articles.get(connection, article_id, locale) if article_id else None
        texts = passages.published(connection, article_id) if article_id else []
    if hub.knowledge is None:
        return None
    threshold = Thresholds().knowledge
    try:
        before = measure(hub.knowledge, questions, threshold)
        if draft is None or not questions:
            return Trial(before, before)
        changed = hub.knowledge.fork()
        theirs = next((each for each in texts if each.locale == locale), None)
        mine = (
            replace(theirs, title=draft.title, body=draft.body)
            if theirs
            else ArticleText(article_id, 1, locale, draft.title, draft.body)
        )
        after_texts = [] if draft.internal else [*(each for each in texts if each.locale != locale), mine]
        changed.replace(article_id, [found for text in after_texts for found in changed.passages(text)])
        return Trial(before, measure(changed, questions, threshold))
    except Unavailable:
        return None
