"""From cosines and word scores to articles in order, with the evidence by which a confidence is judged.

Scores are standardised within one search and added, most of the weight to the sentence models and a small share to
BM25. Plain reciprocal rank fusion was measured and costs 3 to 45 points of recall@1 on rephrased questions
(docs/knowledge.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.encoders import EncoderSpec
from kb.index import CODE_MARK, Snapshot
from kb.lexical import codes, words

# Added, in standard deviations, to passages that hold an order number or error code of the question: sentence models do
# not read those. Larger than what else parts the best from the rest.
_CODE_BONUS = 4.0
# A code in more articles than this names a topic, not a case.
_CODE_ARTICLES = 3

# Standard deviations below these are taken for these: in an index of two passages any difference would look large.
_DENSE_FLOOR = 0.05
_LEXICAL_FLOOR = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one article as the answer; the inputs of the calibration (kb/calibration.py).

    Attributes:
        cosine: of the question with the article by the first, multilingual encoder, -1 to 1.
        strongest: the same by the encoder with the greatest weight among those that read question and article.
        margin: the article's fused score less the best of all others', in standard deviations; negative unless it is
            the best.
        agreement: share of the encoders that put the article first, 0 to 1.
        lexical_first: 1 when BM25, too, puts it first, else 0.
        coverage: share of the question's words, weighted by rarity, that are in the article, 0 to 1.
        length: logarithm of one more than the question's number of words that count.
    """

    cosine: float
    strongest: float
    margin: float
    agreement: float
    lexical_first: float
    coverage: float
    length: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One article found.

    Attributes:
        place: its best passage's in the snapshot.
        score: fused.
        encoders: how many encoders read both the question and that passage.
    """

    place: int
    score: float
    encoders: int
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

    An article that has passages in the question's language is judged by those and answers with one of them; an article
    that has none may answer in another language.

    Args:
        snapshot: the index.
        specs: its encoders, the multilingual one first.
        queries: the question's vector by each encoder, shape (dimensions,); None where that encoder does not serve the
            question's language. An encoder that no passage was read by is left out.
        text: the question.
        language: the question's ISO 639-1 code.
        limit: how many articles.
    """
    places = _eligible(snapshot, language)
    if not len(places):
        return ()
    rows, articles = snapshot.alive[places], snapshot.articles[places]
    query_words = words(text, language)
    bm25, covered = (values[rows] for values in snapshot.lexical.scores(query_words))
    readers = [
        (number, query)
        for number, query in enumerate(queries)
        if query is not None and snapshot.served[number][places].any()
    ]
    read_by = [specs[number] for number, _ in readers]
    cosines = [(snapshot.matrices[number][: snapshot.rows] @ query)[rows] for number, query in readers]
    served = [snapshot.served[number][places] for number, _ in readers]
    dense = _dense(cosines, served, [spec.weight for spec in read_by])
    share = min(spec.lexical_share for spec in read_by)
    fused = (1 - share) * dense + share * _standard(bm25, _LEXICAL_FLOOR)
    for code in codes(text):
        marked = np.zeros(snapshot.rows, dtype=np.bool_)
        marked[snapshot.lexical.rows_with(CODE_MARK + code)] = True
        holders = marked[rows]
        if 0 < len(np.unique(articles[holders])) <= _CODE_ARTICLES:
            fused[holders] += _CODE_BONUS

    def by_article(values: NDArray[np.float32]) -> NDArray[np.float32]:
        best = np.full(snapshot.article_count, -np.inf, dtype=np.float32)
        np.maximum.at(best, articles, values)
        return best

    best_fused, best_cosine, best_covered = by_article(fused), by_article(cosines[0]), by_article(covered)
    heaviest = max(range(len(read_by)), key=lambda number: read_by[number].weight)
    best_strongest = by_article(np.where(served[heaviest], cosines[heaviest], cosines[0]))
    firsts = [int(np.argmax(by_article(values))) for values in cosines]
    lexical_first = int(np.argmax(by_article(bm25))) if bm25.max() > 0 else -1
    found = _highest(best_fused, min(limit, int(np.isfinite(best_fused).sum())))
    shown = {article: int(np.argmax(np.where(articles == article, fused, -np.inf))) for article in found}
    return tuple(
        Candidate(
            place=int(places[shown[article]]),
            score=float(best_fused[article]),
            encoders=sum(bool(here[shown[article]]) for here in served),
            evidence=Evidence(
                cosine=float(best_cosine[article]),
                strongest=float(best_strongest[article]),
                margin=_margin(best_fused, article),
                agreement=sum(first == article for first in firsts) / len(firsts),
                lexical_first=float(lexical_first == article),
                coverage=float(best_covered[article]),
                length=float(np.log1p(len(query_words))),
            ),
        )
        for article in shown
    )


def _eligible(snapshot: Snapshot, language: str) -> NDArray[np.intp]:
    """Places of the passages in a language, and of all passages of articles that have none in it."""
    own = snapshot.languages == language
    covered = np.zeros(snapshot.article_count, dtype=np.bool_)
    covered[snapshot.articles[own]] = True
    return np.flatnonzero(own | ~covered[snapshot.articles])


def _dense(
    cosines: Sequence[NDArray[np.float32]], served: Sequence[NDArray[np.bool_]], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Weighted mean of the encoders' standardised cosines; a passage that one does not serve takes the others'."""
    total, weight = np.zeros_like(cosines[0]), np.zeros_like(cosines[0])
    for values, here, encoder_weight in zip(cosines, served, weights, strict=True):
        if here.any():
            deviation = max(float(values[here].std()), _DENSE_FLOOR)
            total[here] += encoder_weight * (values[here] - values[here].mean()) / deviation
            weight[here] += encoder_weight
    return (total / np.maximum(weight, 1e-9)).astype(np.float32)


def _standard(values: NDArray[np.float32], floor: float) -> NDArray[np.float32]:
    standard: NDArray[np.float32] = (values - values.mean()) / max(float(values.std()), floor)
    return standard


def _highest(best: NDArray[np.float32], count: int) -> list[int]:
    """The numbers of the `count` highest values, highest first; of equal ones the lower number first."""
    if count < len(best):
        lowest = np.partition(best, len(best) - count)[len(best) - count]
        candidates = np.flatnonzero(best >= lowest)
    else:
        candidates = np.arange(len(best))
    ordered: list[int] = candidates[np.argsort(-best[candidates], kind="stable")][:count].tolist()
    return ordered


def _margin(best: NDArray[np.float32], article: int) -> float:
    """How far an article lies above the best of the others; 0 when it is alone."""
    others = np.delete(best, article)
    highest = float(others.max(initial=-np.inf))
    return float(best[article]) - highest if np.isfinite(highest) else 0.0
