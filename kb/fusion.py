"""From cosines and word scores to articles in order, with the evidence by which a confidence is judged.

Scores are standardised within one search and added, 0.8 to the sentence models and 0.2 to BM25. Plain reciprocal rank
fusion was measured and costs 3 to 45 points of recall@1 on rephrased questions (docs/knowledge.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.encoders import EncoderSpec
from kb.index import CODE_MARK, Snapshot
from kb.lexical import codes, words

DENSE_SHARE = 0.8

# Added, in standard deviations, to passages that hold an order number or error code of the question: sentence models do
# not read those. Larger than what else parts the best from the rest.
_CODE_BONUS = 4.0
# A code in more articles than this names a topic, not a case.
_CODE_ARTICLES = 3

# Standard deviations below these are taken for these: in an index of two passages any difference would look large.
_DENSE_FLOOR = 0.05
_LEXICAL_FLOOR = 0.5

# How many articles after the best make its background.
_BACKGROUND = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one article as the answer; the inputs of the calibration (kb/calibration.py).

    Attributes:
        cosine: of the question with the article by the first, multilingual encoder, -1 to 1.
        margin: that cosine less the best of all other articles; negative unless it is the best.
        spread: that cosine less the mean of the next articles.
        fused_margin: the same as `margin` for the fused score, in standard deviations.
        agreement: share of the encoders that put the article first, 0 to 1.
        lexical_first: 1 when BM25, too, puts it first, else 0.
        coverage: share of the question's words, weighted by rarity, that are in the article, 0 to 1.
        length: logarithm of one more than the question's number of words that count.
    """

    cosine: float
    margin: float
    spread: float
    fused_margin: float
    agreement: float
    lexical_first: float
    coverage: float
    length: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One article found: `place` is its best passage's in the snapshot."""

    place: int
    score: float
    evidence: Evidence


def rank(
    snapshot: Snapshot,
    specs: Sequence[EncoderSpec],
    queries: Sequence[NDArray[np.float32] | None],
    text: str,
    *,
    language: str,
    limit: int,
) -> tuple[Candidate, ...]:
    """The best articles for a question, at most one passage each.

    Args:
        snapshot: the index.
        specs: its encoders, the multilingual one first.
        queries: the question's vector by each encoder, shape (dimensions,); None where that encoder does not serve the
            question's language.
        text: the question.
        language: the question's ISO 639-1 code. An article that has passages in it answers with one of those.
        limit: how many articles.
    """
    if not len(snapshot.alive):
        return ()
    query_words = words(text, language)
    bm25, covered = (values[snapshot.alive] for values in snapshot.lexical.scores(query_words))
    cosines = [
        (snapshot.matrices[number][: snapshot.rows] @ query)[snapshot.alive] if query is not None else None
        for number, query in enumerate(queries)
    ]
    dense = _dense(snapshot, specs, cosines)
    fused = DENSE_SHARE * dense + (1 - DENSE_SHARE) * _standard(bm25, _LEXICAL_FLOOR)
    _add_codes(fused, snapshot, text)

    fused_best = _by_article(snapshot, fused)
    found = np.argsort(-fused_best, kind="stable")[: min(limit, int(np.isfinite(fused_best).sum()))]
    base_best = _by_article(snapshot, next(values for values in cosines if values is not None))
    bm25_best = _by_article(snapshot, bm25)
    covered_best = _by_article(snapshot, covered)
    firsts = [int(np.argmax(_by_article(snapshot, values))) for values in cosines if values is not None]
    lexical_first = int(np.argmax(bm25_best)) if bm25.max() > 0 else -1
    return tuple(
        Candidate(
            place=_shown(snapshot, fused, int(article), language),
            score=float(fused_best[article]),
            evidence=Evidence(
                cosine=float(base_best[article]),
                margin=_margin(base_best, int(article)),
                spread=_spread(base_best, int(article)),
                fused_margin=_margin(fused_best, int(article)),
                agreement=sum(first == article for first in firsts) / len(firsts),
                lexical_first=float(lexical_first == article),
                coverage=float(covered_best[article]),
                length=float(np.log1p(len(query_words))),
            ),
        )
        for article in found
    )


def _dense(
    snapshot: Snapshot, specs: Sequence[EncoderSpec], cosines: Sequence[NDArray[np.float32] | None]
) -> NDArray[np.float32]:
    """Weighted mean of the encoders' standardised cosines; a passage that one does not serve takes the others'."""
    total = np.zeros(len(snapshot.alive), dtype=np.float32)
    weights = np.zeros(len(snapshot.alive), dtype=np.float32)
    for spec, served, values in zip(specs, snapshot.served, cosines, strict=True):
        if values is not None and served.any():
            mean, deviation = values[served].mean(), max(float(values[served].std()), _DENSE_FLOOR)
            standard = np.where(served, (values - mean) / deviation, np.float32(0))
            total += spec.weight * standard
            weights += spec.weight * served
    dense: NDArray[np.float32] = (total / np.maximum(weights, 1e-9)).astype(np.float32)
    return dense


def _standard(values: NDArray[np.float32], floor: float) -> NDArray[np.float32]:
    standard: NDArray[np.float32] = (values - values.mean()) / np.float32(max(float(values.std()), floor))
    return standard


def _add_codes(fused: NDArray[np.float32], snapshot: Snapshot, text: str) -> None:
    for code in codes(text):
        holders = np.isin(snapshot.alive, snapshot.lexical.rows_with(CODE_MARK + code))
        if 0 < len(np.unique(snapshot.articles[holders])) <= _CODE_ARTICLES:
            fused[holders] += _CODE_BONUS


def _by_article(snapshot: Snapshot, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The best value of each article; minus infinity for a number that is not in use."""
    best = np.full(snapshot.article_count, -np.inf, dtype=np.float32)
    np.maximum.at(best, snapshot.articles, values)
    return best


def _margin(best: NDArray[np.float32], article: int) -> float:
    """How far an article lies above the best of the others; 0 when it is alone."""
    others = np.delete(best, article)
    highest = float(others.max()) if len(others) else -np.inf
    return float(best[article]) - highest if np.isfinite(highest) else 0.0


def _spread(best: NDArray[np.float32], article: int) -> float:
    """How far an article lies above the mean of the best others; 0 when it is alone."""
    others = np.delete(best, article)
    others = others[np.isfinite(others)]
    if not len(others):
        return 0.0
    count = min(_BACKGROUND, len(others))
    return float(best[article] - np.partition(others, -count)[-count:].mean())


def _shown(snapshot: Snapshot, fused: NDArray[np.float32], article: int, language: str) -> int:
    """The article's best passage, in the question's language when the article has any in it."""
    places = np.flatnonzero(snapshot.articles == article)
    own = places[snapshot.languages[places] == language]
    candidates = own if len(own) else places
    return int(candidates[np.argmax(fused[candidates])])
