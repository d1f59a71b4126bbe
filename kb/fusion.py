"""From cosines and word scores to articles in order, with the evidence by which a confidence is judged.

An article is judged by all its locales, the question's own counting most. Scores are standardised over the articles of
one search; BM25 adds to articles that hold nearly all of the question's words. Plain reciprocal rank fusion
was measured and costs 3 to 45 points of recall@1 on rephrased questions (docs/knowledge.md).
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

# Standard deviations below these are taken for these: in an index of two articles any difference would look large.
_DENSE_FLOOR = 0.02
_LEXICAL_FLOOR = 0.5

# Words add to an article that holds nearly all of the question's, and next to nothing to one that holds half of them:
# who paraphrases shares some words with every article but the right one.
_LITERAL = 4

# What another locale of an article counts against the one in the question's language.
_OTHER_LOCALE = 0.5
# So far an article's cosine is drawn towards that of its nearest learnt phrasing, where that is the greater. Never all
# the way: colloquial messages are like each other whatever they ask, and that loses up to 20 points of recall@1.
_PHRASING = 0.25


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one article as the answer; the inputs of the calibration (kb/calibration.py).

    Attributes:
        cosines: of the question with the article by each encoder that reads both, in the set's order, -1 to 1.
        lifts: by how much each of these lies above the mean over all articles.
        score: the fused score, in standard deviations above the mean.
        margin: the article's fused score less the best of all others', in standard deviations; negative unless it is
            the best.
        agreement: share of the encoders that put the article first, 0 to 1.
        lexical_first: 1 when BM25, too, puts it first, else 0.
        coverage: share of the question's words, weighted by rarity, that are in the article, 0 to 1.
        length: logarithm of one more than the question's number of words that count.
    """

    cosines: tuple[float, ...]
    lifts: tuple[float, ...]
    score: float
    margin: float
    agreement: float
    lexical_first: float
    coverage: float
    length: float

    def features(self) -> dict[str, float]:
        """By name; the encoders' under `cosine 0`, `lift 0`, `cosine 1` and so on."""
        found = {f"cosine {number}": value for number, value in enumerate(self.cosines)}
        found |= {f"lift {number}": value for number, value in enumerate(self.lifts)}
        names = ("score", "margin", "agreement", "lexical_first", "coverage", "length")
        return found | {name: getattr(self, name) for name in names}


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

    An article that has passages in the question's language answers with one of them; an article that has none may
    answer in another language.

    Args:
        snapshot: the index.
        specs: its encoders, the multilingual ones first.
        queries: the question's vector by each encoder, shape (dimensions,); None where that encoder does not serve the
            question's language. An encoder that no passage was read by is left out.
        text: the question.
        language: the question's ISO 639-1 code.
        limit: how many articles.
    """
    if not len(snapshot.alive) or snapshot.learnt.all():
        return ()
    spans = _spans(snapshot, specs, language)
    readers = [
        (number, query) for number, query in enumerate(queries) if query is not None and spans.passages[number].has_any
    ]
    if not readers:
        return ()
    read_by = [specs[number] for number, _ in readers]
    raw = [_products(snapshot, number, query) for number, query in readers]
    read = [spans.passages[number] for number, _ in readers]
    cosines = [spans.pooled(values, here) for values, here in zip(raw, read, strict=True)]
    present, listed = spans.present, spans.listed
    weights = [spec.weight_in(language) for spec in read_by]
    dense = _weighted(cosines, weights)[listed]
    bm25, covered = (values[snapshot.alive] for values in snapshot.lexical.scores(words(text, language)))
    by_words, covered_share = spans.own(bm25), spans.own(covered)
    share = min(spec.lexical_share for spec in read_by)
    fused = np.full(snapshot.article_count, -np.inf, dtype=np.float32)
    literal = np.maximum(_standard(by_words[listed], _LEXICAL_FLOOR), 0)
    fused[listed] = dense + share * covered_share[listed] ** _LITERAL * literal
    for code in codes(text):
        marked = np.zeros(snapshot.rows, dtype=np.bool_)
        marked[snapshot.lexical.rows_with(CODE_MARK + code)] = True
        holders = np.unique(snapshot.articles[marked[snapshot.alive]])
        if 0 < len(holders) <= _CODE_ARTICLES:
            fused[holders] += _CODE_BONUS
    found = _highest(fused, min(limit, int(present.sum())))
    firsts = [int(np.argmax(np.where(np.isfinite(values), values, -np.inf))) for values in cosines]
    lexical_first = int(np.argmax(by_words)) if by_words[listed].max() > 0 else -1
    means = [float(values[np.isfinite(values)].mean()) for values in cosines]
    length = float(np.log1p(len(words(text, language))))
    candidates = []
    for article in found:
        place = spans.shown(article, raw, read, weights, bm25)
        reading = [number for number, values in enumerate(cosines) if np.isfinite(values[article])]
        candidates.append(
            Candidate(
                place=place,
                score=float(fused[article]),
                encoders=len(reading),
                evidence=Evidence(
                    cosines=tuple(float(cosines[number][article]) for number in reading),
                    lifts=tuple(float(cosines[number][article]) - means[number] for number in reading),
                    score=float(fused[article]),
                    margin=_margin(fused[listed], int(np.searchsorted(listed, article))),
                    agreement=sum(first == article for first in firsts) / len(firsts),
                    lexical_first=float(lexical_first == article),
                    coverage=float(covered_share[article]),
                    length=length,
                ),
            )
        )
    return tuple(candidates)


@dataclass(frozen=True, slots=True)
class _Group:
    """Some passages, those of one article side by side, and where in them each article begins."""

    places: NDArray[np.intp]
    starts: NDArray[np.intp]
    articles: NDArray[np.int32]

    def best(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The highest value of each article."""
        best: NDArray[np.float32] = np.maximum.reduceat(values[self.places], self.starts)
        return best


def _group(articles: NDArray[np.int32], chosen: NDArray[np.bool_]) -> _Group | None:
    places = np.flatnonzero(chosen)
    if not len(places):
        return None
    places = places[np.argsort(articles[places], kind="stable")]
    mine = articles[places]
    starts = np.flatnonzero(np.append(True, mine[1:] != mine[:-1]))
    return _Group(places, starts, mine[starts])


@dataclass(frozen=True, slots=True)
class _Read:
    """The passages that one encoder reads: by locale, each with its share, and customers' phrasings."""

    served: NDArray[np.bool_]
    groups: tuple[tuple[float, _Group], ...]
    weight: NDArray[np.float32]
    phrasings: _Group | None

    @property
    def has_any(self) -> bool:
        return bool(self.groups)


class _Spans:
    """The passages of a snapshot by article, seen from a question's language.

    Attributes:
        present: which article numbers have passages.
        listed: these numbers, in order.
        passages: what each encoder reads.
    """

    def __init__(self, snapshot: Snapshot, specs: Sequence[EncoderSpec], language: str) -> None:
        self._articles, self._count = snapshot.articles, snapshot.article_count
        written = ~snapshot.learnt
        own = (snapshot.languages == language) & written
        has_own = np.zeros(self._count, dtype=np.bool_)
        has_own[self._articles[own]] = True
        # Where an article can answer from: its passages in the language, else all.
        self._eligible = own | (~has_own[self._articles] & written)
        self._answers = _group(self._articles, self._eligible)
        self.present = np.zeros(self._count, dtype=np.bool_)
        self.present[self._articles[written]] = True
        self.listed = np.flatnonzero(self.present)
        self.passages = tuple(
            self._read(snapshot, self._at_first_hand(snapshot, spec, served), language)
            for spec, served in zip(specs, snapshot.served, strict=True)
        )

    def _at_first_hand(self, snapshot: Snapshot, spec: EncoderSpec, served: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Without translated passages of articles that the encoder reads in a language of its own as well."""
        if not spec.translated:
            return served
        translated = np.isin(snapshot.languages, sorted(spec.translated))
        direct = np.zeros(self._count, dtype=np.bool_)
        direct[self._articles[served & ~translated & ~snapshot.learnt]] = True
        return served & ~(translated & direct[self._articles] & ~snapshot.learnt)

    def _read(self, snapshot: Snapshot, served: NDArray[np.bool_], language: str) -> _Read:
        groups, weight = [], np.zeros(self._count, dtype=np.float32)
        for spoken in np.unique(snapshot.languages):
            share = 1.0 if spoken == language else _OTHER_LOCALE
            group = _group(self._articles, (snapshot.languages == spoken) & ~snapshot.learnt & served)
            if group is not None:
                groups.append((share, group))
                weight[group.articles] += share
        return _Read(served, tuple(groups), weight, _group(self._articles, snapshot.learnt & served))

    def pooled(self, cosines: NDArray[np.float32], read: _Read) -> NDArray[np.float32]:
        """For each article the mean of its locales' best cosines, with what its learnt phrasings add; -infinity for
        articles that the encoder did not read."""
        total = np.zeros(self._count, dtype=np.float32)
        for share, group in read.groups:
            total[group.articles] += share * group.best(cosines)
        here = read.weight > 0
        found = np.full(self._count, -np.inf, dtype=np.float32)
        found[here] = total[here] / read.weight[here]
        if read.phrasings is not None:
            taught, best = read.phrasings.articles, read.phrasings.best(cosines)
            gain = np.where(here[taught], np.maximum(best - found[taught], 0), 0)
            found[taught] += _PHRASING * gain
        return found

    def own(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """For each article the best of what it can answer from; 0 where it has nothing."""
        best = np.zeros(self._count, dtype=np.float32)
        if self._answers is not None:
            best[self._answers.articles] = self._answers.best(scores)
        return best

    def shown(
        self,
        article: int,
        cosines: Sequence[NDArray[np.float32]],
        read: Sequence[_Read],
        weights: Sequence[float],
        bm25: NDArray[np.float32],
    ) -> int:
        """The place of the passage with which an article answers: the nearest by the encoders, then by words."""
        places = np.flatnonzero((self._articles == article) & self._eligible)
        nearness = sum(
            weight * np.where(here.served[places], values[places], 0)
            for values, here, weight in zip(cosines, read, weights, strict=True)
        )
        return int(places[np.lexsort((places, -bm25[places], -np.asarray(nearness)))[0]])


def _spans(snapshot: Snapshot, specs: Sequence[EncoderSpec], language: str) -> _Spans:
    # Two searches may both work it out: each is right.
    if language not in snapshot.views:
        snapshot.views[language] = _Spans(snapshot, specs, language)
    spans: _Spans = snapshot.views[language]
    return spans


def _products(snapshot: Snapshot, number: int, query: NDArray[np.float32]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = snapshot.matrices[number][: snapshot.rows] @ query
    return products if len(snapshot.alive) == snapshot.rows else products[snapshot.alive]


def _weighted(cosines: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """Weighted mean of the encoders' standardised cosines; an article that one did not read takes the others'."""
    total, weight = np.zeros_like(cosines[0]), np.zeros_like(cosines[0])
    for values, encoder_weight in zip(cosines, weights, strict=True):
        here = np.isfinite(values)
        if here.any():
            total[here] += encoder_weight * _standard(values[here], _DENSE_FLOOR)
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
