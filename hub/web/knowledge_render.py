"""What editors see, as the API shows it."""

from __future__ import annotations

from datetime import datetime

from hub.domain import article_checks
from hub.domain.articles import Piece
from hub.domain.knowledge import FoundAnswer
from hub.services.article_questions import Outcome, Trial, quality
from hub.store.queries import articles
from hub.store.queries.article_checks import Figures, Question
from hub.web import schemas_knowledge as s
from hub.web.render import time


def _time_or_none(at: int) -> datetime | None:
    return time(at) if at else None


def article(found: articles.Article) -> s.ArticleOut:
    return s.ArticleOut.model_validate(
        {
            "article_id": found.article_id,
            "locale": found.locale,
            "title": found.title,
            "body": found.body,
            "html": found.html,
            "version": found.version,
            "state": found.state,
            "updated_at": time(found.updated_at),
            "updated_by": found.updated_by,
            "submitted_by": found.submitted_by,
            "approved_by": found.approved_by,
            "review_note": found.review_note,
            "publish_at": _time_or_none(found.publish_at),
            "expires_at": _time_or_none(found.expires_at),
            "category_id": found.category_id or None,
            "internal": bool(found.internal),
        }
    )


def version(found: articles.Version) -> s.ArticleVersionOut:
    return s.ArticleVersionOut(
        version=found.version,
        title=found.title,
        body=found.body,
        published_at=time(found.published_at),
        published_by=found.published_by,
        approved_by=found.approved_by,
    )


def pieces(found: tuple[Piece, ...]) -> list[s.PieceOut]:
    return [s.PieceOut(kind=each.kind, text=each.text) for each in found]


def category(found: articles.Category) -> s.CategoryOut:
    return s.CategoryOut(id=found.id, names=dict(found.names), position=found.position)


def figures(found: Figures, days: int) -> s.FiguresOut:
    return s.FiguresOut(
        days=days,
        shown=found.shown,
        helped=found.helped,
        unhelpful=found.unhelpful,
        handed_off=found.handed_off,
        offered=found.offered,
        picked=found.picked,
    )


def image(found: articles.Image, prefix: str) -> s.ImageOut:
    return s.ImageOut(
        id=found.id, name=found.name, media_type=found.media_type, size=found.size, src=f"{prefix}{found.id}"
    )


def _checked(text: article_checks.Text) -> s.CheckedArticle:
    return s.CheckedArticle(article_id=text.article_id, locale=text.locale, title=text.title)


def checks(texts: list[article_checks.Text], now: int, old: int) -> s.Checks:
    """All three lists."""
    return s.Checks(
        stale=[
            s.StaleOut(article=_checked(each.text), reason=each.reason, since=time(each.since))
            for each in article_checks.stale(texts, now, old)
        ],
        duplicates=[
            s.PairOut(one=_checked(each.one), two=_checked(each.two), similarity=each.similarity)
            for each in article_checks.near_duplicates(texts)
        ],
        contradictions=[
            s.ContradictionOut(
                kind=each.kind,
                one=_checked(each.one),
                two=_checked(each.two),
                sentence_one=each.sentence_one,
                sentence_two=each.sentence_two,
            )
            for each in article_checks.contradictions(texts)
        ],
    )


def question(found: Question) -> s.TestQuestionOut:
    return s.TestQuestionOut(id=found.id, text=found.text, locale=found.locale, article_id=found.article_id or None)


def _found(answer: FoundAnswer | None) -> s.CheckedArticle | None:
    if answer is None:
        return None
    return s.CheckedArticle(article_id=answer.article_id, locale=answer.locale, title=answer.title)


def _quality(outcomes: tuple[Outcome, ...]) -> s.QualityOut:
    shares = quality(outcomes)
    return s.QualityOut(
        recall=shares.recall,
        recall_3=shares.recall_3,
        precision=shares.precision,
        answered=shares.answered,
        outcomes=[
            s.OutcomeOut(
                question=question(each.question),
                found=_found(each.found),
                place=each.place,
                confidence=round(each.found.confidence, 4) if each.found else 0.0,
                answered=each.answered,
                right=each.right,
            )
            for each in outcomes
        ],
    )


def trial(found: Trial | None) -> s.TrialOut:
    if found is None:
        return s.TrialOut(checked=False, before=None, after=None, broken=[], mended=[])
    return s.TrialOut(
        checked=True,
        before=_quality(found.before),
        after=_quality(found.after),
        broken=[question(each) for each in found.broken],
        mended=[question(each) for each in found.mended],
    )
