"""Measures search on anyone's articles and messages: `centralita evaluate search` (docs/quality.md).

The articles are indexed in a scratch index by the code, models and calibration that answer customers. Files are JSON
lines: articles `{"id", "locale", "title", "body"}`; messages `{"text", "locale", "relevant": [article ids]}`, an empty
list where no article answers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.domain.errors import Refused
from hub.domain.knowledge import ArticleText, Passage, SearchResult
from kb.search import LocalKnowledgeBase

PLACES = 10
TARGETS = (0.90, 0.95)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Query:
    """One message of a data set: `relevant` are the articles that answer it."""

    text: str
    locale: str
    relevant: frozenset[str]


def read_articles(file: Path) -> tuple[ArticleText, ...]:
    """The articles of a file. Raises `Refused`, naming file and line, for a row that is not of the documented form."""
    found: dict[tuple[str, str], ArticleText] = {}
    for line, row in _rows(file, {"id": str, "locale": str, "title": str, "body": str}):
        if not row["id"] or not row["locale"]:
            raise Refused(line, "must have an id and a locale that are not empty")
        key = (row["id"], row["locale"])
        if key in found:
            raise Refused(line, f"must not repeat {row['id']} in {row['locale']}")
        found[key] = ArticleText(row["id"], 1, row["locale"], row["title"], row["body"])
    return tuple(found.values())


def read_queries(file: Path, articles: Sequence[ArticleText]) -> tuple[Query, ...]:
    """The messages of a file.

    Args:
        file: see the module.
        articles: what the messages may name.

    Raises:
        Refused: naming file and line, for a row that is not of the documented form or names an unknown article.
    """
    known = {article.article_id for article in articles}
    found = []
    for line, row in _rows(file, {"text": str, "locale": str, "relevant": list}):
        if not row["text"].strip():
            raise Refused(line, "must have a text that is not empty")
        if any(not isinstance(article_id, str) or article_id not in known for article_id in row["relevant"]):
            raise Refused(line, "must have in relevant only ids of articles")
        found.append(Query(row["text"], row["locale"], frozenset(row["relevant"])))
    return tuple(found)


def with_phrasings(articles: Sequence[ArticleText], learnt: Sequence[Query]) -> tuple[ArticleText, ...]:
    """The articles with customers' phrasings that were learnt for them: with the locale in which they were said, or the
    article's first where it has not that."""
    locales: dict[str, list[str]] = {}
    for article in articles:
        locales.setdefault(article.article_id, []).append(article.locale)
    taught: dict[tuple[str, str], list[str]] = {}
    for each in learnt:
        for article_id in each.relevant:
            there = locales[article_id]
            taught.setdefault((article_id, each.locale if each.locale in there else there[0]), []).append(each.text)
    return tuple(
        replace(article, phrasings=tuple(taught.get((article.article_id, article.locale), ()))) for article in articles
    )


def _rows(file: Path, needed: Mapping[str, type]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each row stands, and the row. Empty lines are passed over."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(str(file), f"must be a readable file of UTF-8 text: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{file.name} line {number}"
        try:
            row = json.loads(line)
        except ValueError as broken:
            raise Refused(place, "must be a JSON object") from broken
        if not isinstance(row, dict):
            raise Refused(place, "must be a JSON object")
        for name, kind in needed.items():
            if not isinstance(row.get(name), kind):
                raise Refused(place, f"must have {name}, a {'list' if kind is list else 'string'}")
        yield place, row


def measure(
    knowledge: LocalKnowledgeBase,
    articles: Sequence[ArticleText],
    queries: Sequence[Query],
    progress: Progress = lambda _what, _done, _all: None,
) -> dict[str, Any]:
    """What customers with these messages would have got.

    Args:
        knowledge: warm; its index is replaced.
        articles: what is indexed.
        queries: what is asked, each in its locale as if its language had been detected.
        progress: is told what is done, how many of how many.

    Returns:
        `recall@1`, `recall@3`, `recall@5`, `mrr@10` over the answerable messages, in all and `by_locale`;
        `answerable_auroc` over all; `bands` by target precision, each with `precision` of what is answered and
        `coverage` (share of all messages that are answered); `p50_ms`, `p95_ms` of one search. None where there is
        nothing to count.
    """
    passages: list[Passage] = []
    for done, article in enumerate(articles, start=1):
        passages.extend(knowledge.passages(article))
        progress("articles", done, len(articles))
    knowledge.load(passages)
    results, took = [], []
    for done, query in enumerate(queries, start=1):
        began = time.perf_counter()
        results.append(knowledge.search(query.text, language=query.locale, limit=PLACES))
        took.append((time.perf_counter() - began) * 1000)
        progress("messages", done, len(queries))
    ranks = [_rank(query, result) for query, result in zip(queries, results, strict=True)]
    answerable = np.array([bool(query.relevant) for query in queries], dtype=np.bool_)
    confidences = np.array([result.confidence for result in results])
    precisions = np.array([result.precision for result in results])
    locales = sorted({query.locale for query in queries})
    return {
        "messages": len(queries),
        "unanswerable": int((~answerable).sum()),
        **_recalls([rank for rank, query in zip(ranks, queries, strict=True) if query.relevant]),
        "by_locale": {
            locale: _recalls(
                [rank for rank, query in zip(ranks, queries, strict=True) if query.relevant and query.locale == locale]
            )
            for locale in locales
        },
        "answerable_auroc": _rounded(auroc(answerable, confidences)),
        "bands": {str(round(100 * target)): _band(target, ranks, precisions) for target in TARGETS},
        "p50_ms": _rounded(float(np.percentile(took, 50)) if took else None, 2),
        "p95_ms": _rounded(float(np.percentile(took, 95)) if took else None, 2),
        "model_id": knowledge.model_id,
    }


def _rank(query: Query, result: SearchResult) -> int:
    """Place of the first right answer, from 1; 0 where none was found."""
    for place, answer in enumerate(result.answers, start=1):
        if answer.article_id in query.relevant:
            return place
    return 0


def _recalls(ranks: Sequence[int]) -> dict[str, Any]:
    within = {f"recall@{places}": [0 < rank <= places for rank in ranks] for places in (1, 3, 5)}
    reciprocal = [1 / rank if rank else 0.0 for rank in ranks]
    shares = {name: _rounded(float(np.mean(hits)) if hits else None) for name, hits in within.items()}
    return shares | {"mrr@10": _rounded(float(np.mean(reciprocal)) if ranks else None), "answerable": len(ranks)}


def _band(target: float, ranks: Sequence[int], precisions: NDArray[np.float64]) -> dict[str, float | None]:
    answered = [rank for rank, precision in zip(ranks, precisions, strict=True) if precision >= target]
    return {
        "precision": _rounded(float(np.mean([rank == 1 for rank in answered])) if answered else None),
        "coverage": _rounded(len(answered) / len(ranks) if ranks else None),
    }


def auroc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """The chance that a positive has a higher score than a negative, ties by half; None without one of the two."""
    negatives, positives = np.sort(scores[~positive]), scores[positive]
    if not len(negatives) or not len(positives):
        return None
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float((below + not_above).mean() / 2 / len(negatives))


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)
