"""Files for measuring, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hub.domain.errors import Refused
from hub.domain.knowledge import ArticleText
from kb import evaluate

ARTICLES = '{"id": "a", "locale": "en", "title": "A", "body": "About a."}\n'


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("{", "JSON object"),
        ("[]", "JSON object"),
        ('{"id": "b", "locale": "en", "title": "B"}', "body"),
        ('{"id": 7, "locale": "en", "title": "B", "body": ""}', "id"),
        ('{"id": "", "locale": "en", "title": "B", "body": ""}', "empty"),
        ('{"id": "a", "locale": "en", "title": "B", "body": ""}', "repeat"),
    ],
)
def test_a_malformed_article_is_refused_by_its_line(tmp_path: Path, row: str, rule: str) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text(ARTICLES + "\n" + row)
    with pytest.raises(Refused, match=rf"articles.jsonl line 3.*{rule}"):
        evaluate.read_articles(file)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ('{"text": "q", "locale": "en"}', "relevant"),
        ('{"text": "q", "locale": "en", "relevant": "a"}', "relevant"),
        ('{"text": "q", "locale": "en", "relevant": ["other"]}', "ids of articles"),
        ('{"text": "q", "locale": "en", "relevant": [1]}', "ids of articles"),
        ('{"text": " ", "locale": "en", "relevant": []}', "text"),
    ],
)
def test_a_malformed_message_is_refused_by_its_line(tmp_path: Path, row: str, rule: str) -> None:
    articles, file = tmp_path / "articles.jsonl", tmp_path / "queries.jsonl"
    articles.write_text(ARTICLES)
    file.write_text('{"text": "q", "locale": "en", "relevant": []}\n' + row)
    with pytest.raises(Refused, match=rf"queries.jsonl line 2.*{rule}"):
        evaluate.read_queries(file, evaluate.read_articles(articles))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="readable"):
        evaluate.read_articles(tmp_path / "none.jsonl")


def test_learnt_phrasings_go_with_the_locale_in_which_they_were_said() -> None:
    articles = [
        ArticleText("a", 1, "en", "A", ""),
        ArticleText("a", 1, "es", "A", ""),
        ArticleText("b", 1, "en", "B", ""),
    ]
    learnt = [evaluate.Query(locale, locale, frozenset({"a"})) for locale in ("es", "pt")]
    found = evaluate.with_phrasings(articles, learnt)
    assert [article.phrasings for article in found] == [("pt",), ("es",), ()]


def test_the_area_under_the_curve_counts_ties_by_half() -> None:
    positive = np.array([True, True, False, False])
    assert evaluate.auroc(positive, np.array([0.9, 0.8, 0.2, 0.1])) == 1
    assert evaluate.auroc(positive, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert evaluate.auroc(positive, np.array([0.9, 0.1, 0.5, 0.1])) == 0.625
    assert evaluate.auroc(np.ones(2, dtype=np.bool_), np.array([0.9, 0.1])) is None
