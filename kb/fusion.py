"""From cosines and word scores to articles in order, with the evidence by which a confidence is judged.

An article is judged by all its locales, the question's own counting most. Scores are standardised over the index, or,
where it is large, over a part of it that is always the same; BM25 adds to articles that hold nearly all of the
question's words. Plain reciprocal rank fusion was measured and costs 3 to 45 points of recall@1 on rephrased questions
(docs/knowledge.md).

In a large index only candidates are compared by their whole vectors: the nearest by sketches (`kb.matrices`), or, where
the database keeps the vectors, those that it names (`kb.away`), and those that hold the question's words or codes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hub.ports import Held
from kb import away
from kb.encoders import EncoderSpec
from kb.index import CODE_MARK, Snapshot
from kb.lexical import codes, words
from kb.matrices import SKETCHED

Vector = NDArray[np.float32]

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

# By so many articles, or as many as have so many passages, a question's cosines are standardised: enough for a mean and
# a deviation (to some 5 %), and little to read.
_BACKGROUND = 256
_BACKGROUND_PASSAGES = SKETCHED
# So many passages are candidates by all encoders together, by each alone, and so many articles by their words.
_NEAREST = 128
_NEAREST_EACH = 24
_BY_WORDS = 24
# So many values of a row are looked at together when its highest are sought.
_HEAP = 16
# So many of the best articles are compared with each other at once; the next so many where too few of them differ.
_COMPARED = 16
# From this cosine on, by each encoder that reads both, two articles' passages say the same thing: one answers.
_SAME = 0.9


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
    queries: Sequence[Vector | None],
    text: str,
    *,
    language: str,
    limit: int,
    sketched: bool = True,
) -> tuple[Candidate, ...]:
    """The best articles for a question, at most one passage each, and of several that say the same only the best.

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
        sketched: whether an index that has sketches is searched by them first; else every article is a candidate.
    """
    whole = _whole(snapshot, specs, language)
    asked = [(number, query) for number, query in enumerate(queries) if query is not None and whole.has_read[number]]
    if not asked:
        return ()
    read_by = [specs[number] for number, _ in asked]
    weights = [spec.weight_in(language) for spec in read_by]
    background = [whole.background.pooled(number, whole.background.products(number, query)) for number, query in asked]
    scales = [_Scale.of(values[np.isfinite(values)], _DENSE_FLOOR) for values in background]
    asked_words = words(text, language)
    lexical = _Lexical(snapshot, whole, asked_words, min(spec.lexical_share for spec in read_by))
    marked = _holders(snapshot, whole, text)
    part = whole.background
    if len(part.numbers) < len(whole.listed):
        chosen, held = whole.listed, None
        if sketched and (snapshot.away or all(snapshot.matrices[number].is_sketched for number, _ in asked)):
            chosen = np.concatenate([lexical.best(_BY_WORDS), *marked])
            if snapshot.away is None:
                near = _nearest(snapshot, asked, weights, scales)
            else:
                weighed = [
                    (number, query, weight / scale.deviation)
                    for (number, query), weight, scale in zip(asked, weights, scales, strict=True)
                ]
                held = snapshot.away.candidates(weighed, snapshot.ids(chosen))
                near = snapshot.numbers(held)
            wanted = np.zeros(snapshot.article_count, dtype=np.bool_)
            wanted[near] = wanted[chosen] = True
            chosen = np.flatnonzero(wanted & whole.is_listed).astype(np.int32)
        part = _Part(snapshot, specs, language, whole.layout, chosen, held)
    raw = [part.products(number, query) for number, query in asked]
    cosines = [part.pooled(number, values) for (number, _), values in zip(asked, raw, strict=True)]
    fused = _weighted(cosines, scales, weights) + lexical.added[part.numbers]
    for holders in marked:
        fused[np.searchsorted(part.numbers, holders)] += _CODE_BONUS
    readers = [(number, weight, values) for (number, _), weight, values in zip(asked, weights, raw, strict=True)]
    # One more than is wanted: how far behind the next one is, is evidence.
    found = _distinct(part, fused, readers, lexical.scores, max(limit, 1) + 1)
    firsts = [int(np.argmax(values)) for values in cosines]
    length = float(np.log1p(len(asked_words)))
    candidates = []
    for article, shown in found[:limit]:
        reading = [place for place, values in enumerate(cosines) if np.isfinite(values[article])]
        rivals = [other for other, _ in found if other != article]
        candidates.append(
            Candidate(
                place=int(part.places[shown]),
                score=float(fused[article]),
                encoders=len(reading),
                evidence=Evidence(
                    cosines=tuple(float(cosines[place][article]) for place in reading),
                    lifts=tuple(float(cosines[place][article]) - scales[place].mean for place in reading),
                    score=float(fused[article]),
                    margin=float(fused[article] - fused[rivals[0]]) if rivals else 0.0,
                    agreement=sum(first == article for first in firsts) / len(firsts),
                    lexical_first=float(lexical.first == part.numbers[article]),
                    coverage=float(lexical.covered[part.numbers[article]]),
                    length=length,
                ),
            )
        )
    return tuple(candidates)


@dataclass(frozen=True, slots=True)
class _Layout:
    """A snapshot's passages in the order of their articles.

    Attributes:
        places: of the passages, by article.
        starts: where in `places` each article begins, by its number, and after them the end.
    """

    places: NDArray[np.intp]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Layout:
        sizes = np.bincount(snapshot.articles, minlength=snapshot.article_count)
        return cls(np.argsort(snapshot.articles, kind="stable"), np.concatenate([[0], np.cumsum(sizes)]))

    def passages(self, numbers: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The passages of some articles, side by side, and to which of `numbers` each belongs."""
        firsts, sizes = self.starts[numbers], self.starts[numbers + 1] - self.starts[numbers]
        owners = np.repeat(np.arange(len(numbers)), sizes)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.places[firsts[owners] + within], owners


@dataclass(frozen=True, slots=True)
class _Group:
    """Some passages, those of one article side by side, and where in them each article begins."""

    places: NDArray[np.intp]
    starts: NDArray[np.intp]
    articles: NDArray[np.intp]

    @classmethod
    def of(cls, articles: NDArray[np.intp], chosen: NDArray[np.bool_]) -> _Group | None:
        """The passages that are `chosen` of those of `articles`, which rise; None where there are none."""
        places = chosen.nonzero()[0]
        if not len(places):
            return None
        mine = articles[places]
        starts = _firsts(mine)
        return cls(places, starts, mine[starts])

    def best(self, values: Vector) -> Vector:
        """The highest value of each article."""
        best: Vector = np.maximum.reduceat(values[self.places], self.starts)
        return best


def _firsts(articles: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where among rising numbers each begins."""
    begins = np.ones(len(articles), dtype=np.bool_)
    np.not_equal(articles[1:], articles[:-1], out=begins[1:])
    return begins.nonzero()[0]


@dataclass(frozen=True, slots=True)
class _Read:
    """The passages that one encoder reads: by locale, each with its share, and customers' phrasings."""

    served: NDArray[np.bool_]
    groups: tuple[tuple[float, _Group], ...]
    weight: Vector
    phrasings: _Group | None


class _Part:
    """The passages of some articles of a snapshot, seen from a question's language.

    Attributes:
        numbers: of the articles, rising; below, "article" is a place in this.
        places: of their passages in the snapshot, by article; below, a "passage" is a place in this.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        specs: Sequence[EncoderSpec],
        language: str,
        layout: _Layout,
        numbers: NDArray[np.int32],
        held: Held | None = None,
    ) -> None:
        self.numbers = numbers
        self.places, self._articles = layout.passages(numbers)
        self._snapshot, self._language = snapshot, language
        self._rows = snapshot.alive[self.places]
        self._languages = snapshot.languages[self.places]
        self._learnt = snapshot.learnt[self.places]
        own = (self._languages == snapshot.language_numbers.get(language, -1)) & ~self._learnt
        has_own = np.zeros(len(numbers), dtype=np.bool_)
        has_own[self._articles[own]] = True
        # Where an article can answer from: its passages in the language, else all.
        self._eligible = own | (~has_own[self._articles] & ~self._learnt)
        spoken = ((each, self._languages == number) for each, number in sorted(snapshot.language_numbers.items()))
        self._spoken = [(each, here) for each, here in spoken if here.any()]
        self._vectors: dict[int, NDArray[np.float32]] = {}
        if snapshot.away is not None:
            passages = [snapshot.passages[place] for place in self.places.tolist()]
            held = snapshot.away.of({each.article_id for each in passages}) if held is None else held
            self._vectors = dict(enumerate(away.matrices(held, passages, snapshot.encoders)))
        self._read: list[_Read] = []
        for spec, served in zip(specs, snapshot.served, strict=True):
            mine = self._served(spec, served[self.places])
            alike = next((each for each in self._read if np.array_equal(each.served, mine)), None)
            self._read.append(alike or self._reading(mine))

    def _served(self, spec: EncoderSpec, served: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Without translated passages of articles that the encoder reads in a language of its own as well."""
        translated = np.zeros(len(self.places), dtype=np.bool_)
        for spoken, here in self._spoken:
            if spoken in spec.translated:
                translated |= here & ~self._learnt
        if not translated.any():
            return served
        direct = np.zeros(len(self.numbers), dtype=np.bool_)
        direct[self._articles[served & ~translated & ~self._learnt]] = True
        return served & ~(translated & direct[self._articles])

    def _reading(self, served: NDArray[np.bool_]) -> _Read:
        groups, weight = [], np.zeros(len(self.numbers), dtype=np.float32)
        for spoken, here in self._spoken:
            share = 1.0 if spoken == self._language else _OTHER_LOCALE
            group = _Group.of(self._articles, here & ~self._learnt & served)
            if group is not None:
                groups.append((share, group))
                weight[group.articles] += share
        return _Read(served, tuple(groups), weight, _Group.of(self._articles, self._learnt & served))

    def vectors(self, number: int) -> NDArray[np.float32]:
        """All passages' by one encoder, shape (passages, dimensions)."""
        # Two searches may both work it out: each is right.
        if number not in self._vectors:
            self._vectors[number] = self._snapshot.matrices[number].of(self._rows)
        return self._vectors[number]

    def products(self, number: int, query: Vector) -> Vector:
        """Each passage's cosine with a question's vector by one encoder."""
        vectors = self.vectors(number)
        products: Vector = vectors @ query if vectors.shape[1] else np.zeros(len(vectors), dtype=np.float32)
        return products

    def pooled(self, number: int, cosines: Vector) -> Vector:
        """For each article the mean of its locales' best cosines, with what its learnt phrasings add; -infinity for
        articles that the encoder did not read."""
        read = self._read[number]
        total = np.zeros(len(self.numbers), dtype=np.float32)
        for share, group in read.groups:
            total[group.articles] += share * group.best(cosines)
        here = read.weight > 0
        found = np.full(len(self.numbers), -np.inf, dtype=np.float32)
        found[here] = total[here] / read.weight[here]
        if read.phrasings is not None:
            taught, best = read.phrasings.articles, read.phrasings.best(cosines)
            gain = np.where(here[taught], np.maximum(best - found[taught], 0), 0)
            found[taught] += _PHRASING * gain
        return found

    def shown(self, readers: Sequence[tuple[int, float, Vector]], bm25: Vector) -> NDArray[np.intp]:
        """The passage with which each article answers: the nearest by the encoders, then by words."""
        nearness = sum(weight * np.where(self._read[number].served, cosines, 0) for number, weight, cosines in readers)
        mine = np.flatnonzero(self._eligible)
        # The last key decides first.
        order = mine[np.lexsort((-bm25[self.places[mine]], -np.asarray(nearness)[mine], self._articles[mine]))]
        articles = self._articles[order]
        first = _firsts(articles)
        found = np.full(len(self.numbers), -1, dtype=np.intp)
        found[articles[first]] = order[first]
        return found

    def same(self, passages: Sequence[int], encoders: Iterable[int]) -> NDArray[np.bool_]:
        """Which of some passages say the same as which, shape (passages, passages): in one language, and alike to each
        of the encoders."""
        mine = np.asarray(passages, dtype=np.intp)
        languages = self._languages[mine]
        same: NDArray[np.bool_] = languages[:, None] == languages
        for number in encoders:
            vectors = self.vectors(number)[mine]
            products = vectors @ vectors.T
            lengths = np.sqrt(np.diagonal(products))
            same &= products >= _SAME * np.outer(lengths, lengths)
        return same


class _Whole:
    """What all searches in one language share of a snapshot.

    Attributes:
        layout: the passages by article.
        listed: the numbers of the articles that can be found; `is_listed`: by number.
        eligible: which passages words may be found in: what an article can answer from.
        has_read: whether each encoder reads any passage.
        background: the articles by which cosines are standardised; all where they are few.
    """

    def __init__(self, snapshot: Snapshot, specs: Sequence[EncoderSpec], language: str) -> None:
        written = ~snapshot.learnt
        own = (snapshot.languages == snapshot.language_numbers.get(language, -1)) & written
        has_own = np.zeros(snapshot.article_count, dtype=np.bool_)
        has_own[snapshot.articles[own]] = True
        self.eligible = own | (~has_own[snapshot.articles] & written)
        self.is_listed = np.zeros(snapshot.article_count, dtype=np.bool_)
        self.is_listed[snapshot.articles[written]] = True
        self.listed = np.flatnonzero(self.is_listed).astype(np.int32)
        self.has_read = [bool((served & written).any()) for served in snapshot.served]
        self.layout = _Layout.of(snapshot)
        self.background = _Part(snapshot, specs, language, self.layout, self._background(snapshot))

    def _background(self, snapshot: Snapshot) -> NDArray[np.int32]:
        sizes = np.bincount(snapshot.articles, minlength=snapshot.article_count)[self.listed]
        if len(self.listed) <= _BACKGROUND and sizes.sum() <= _BACKGROUND_PASSAGES:
            return self.listed
        # By a hash of their ids: the same in every process, and nearly the same after an edit.
        marks = np.zeros(snapshot.article_count, dtype=np.uint32)
        for article_id, number in snapshot.article_numbers.items():
            marks[number] = crc32(article_id.encode())
        order = np.argsort(marks[self.listed], kind="stable")
        within = np.cumsum(sizes[order]) <= _BACKGROUND_PASSAGES
        return np.sort(self.listed[order][within][:_BACKGROUND])


def _whole(snapshot: Snapshot, specs: Sequence[EncoderSpec], language: str) -> _Whole:
    # Two searches may both work it out: each is right.
    if language not in snapshot.views:
        snapshot.views[language] = _Whole(snapshot, specs, language)
    whole: _Whole = snapshot.views[language]
    return whole


class _Lexical:
    """A question's words in the index.

    Attributes:
        scores: BM25 of each passage.
        covered: of each article, by number: the share of the question's words that it holds.
        added: of each article, by number: what its words add to its score.
        first: the number of the best article; -1 where none holds any word.
    """

    def __init__(self, snapshot: Snapshot, whole: _Whole, asked: Sequence[str], share: float) -> None:
        self.scores, covered = (snapshot.living(values) for values in snapshot.lexical.scores(asked))
        hits = np.flatnonzero((self.scores > 0) & whole.eligible)
        holders = snapshot.articles[hits]
        best = np.zeros(snapshot.article_count, dtype=np.float32)
        self.covered = np.zeros(snapshot.article_count, dtype=np.float32)
        np.maximum.at(best, holders, self.scores[hits])
        np.maximum.at(self.covered, holders, covered[hits])
        self.first = int(np.argmax(best)) if len(hits) else -1
        self.added = np.zeros(snapshot.article_count, dtype=np.float32)
        if len(hits):
            scale = _Scale.of(best[whole.listed], _LEXICAL_FLOOR)
            self.added[holders] = share * self.covered[holders] ** _LITERAL * np.maximum(scale(best[holders]), 0)

    def best(self, count: int) -> NDArray[np.int32]:
        """The numbers of the articles whose words add most."""
        holders = np.flatnonzero(self.added > 0)
        if len(holders) > count:
            holders = holders[np.argpartition(-self.added[holders], count)[:count]]
        return holders.astype(np.int32)


def _holders(snapshot: Snapshot, whole: _Whole, text: str) -> list[NDArray[np.int32]]:
    """For each code in a question that few articles hold, their numbers."""
    found = []
    for code in codes(text):
        marked = np.zeros(snapshot.rows, dtype=np.bool_)
        marked[snapshot.lexical.rows_with(CODE_MARK + code)] = True
        holders = np.unique(snapshot.articles[marked[snapshot.alive]])
        holders = holders[whole.is_listed[holders]]
        if 0 < len(holders) <= _CODE_ARTICLES:
            found.append(holders)
    return found


def _nearest(
    snapshot: Snapshot,
    asked: Sequence[tuple[int, Vector]],
    weights: Sequence[float],
    scales: Sequence[_Scale],
) -> NDArray[np.int32]:
    """The numbers of the articles with the passages nearest to a question by their sketches."""
    together, places = np.zeros(len(snapshot.alive), dtype=np.float32), []
    for (number, query), weight, scale in zip(asked, weights, scales, strict=True):
        likeness = snapshot.living(snapshot.matrices[number].likeness(query))
        places.append(_top(likeness, _NEAREST_EACH))
        together += np.float32(weight / scale.deviation) * likeness
    nearest: NDArray[np.int32] = snapshot.articles[np.concatenate([*places, _top(together, _NEAREST)])]
    return nearest


def _top(values: Vector, count: int) -> NDArray[np.intp]:
    if count >= len(values):
        return np.arange(len(values))
    # Each of as many heaps as are wanted, or more, holds one that is at least this: so many are above it, and few more.
    heaps = values[: len(values) // _HEAP * _HEAP].reshape(_HEAP, -1).max(axis=0)
    if count <= len(heaps):
        above = np.flatnonzero(values >= np.partition(heaps, len(heaps) - count)[len(heaps) - count])
    else:
        above = np.arange(len(values))
    few = values[above]
    found: NDArray[np.intp] = above[few >= np.partition(few, len(few) - count)[len(few) - count]]
    return found


def _distinct(
    part: _Part, fused: Vector, readers: Sequence[tuple[int, float, Vector]], bm25: Vector, count: int
) -> list[tuple[int, int]]:
    """The best articles, each with the passage that it answers with, without those that say what a better one says."""
    encoders = [number for number, _, _ in readers]
    answers = part.shown(readers, bm25)
    order = np.argsort(-fused, kind="stable")
    kept: list[int] = []
    # Compared many at once: one by one takes longer than all the rest.
    for start in range(0, len(order), _COMPARED):
        best = [*kept, *order[start : start + _COMPARED].tolist()]
        same = part.same(answers[best].tolist(), encoders)
        free = ~same[: len(kept)].any(axis=0)
        while len(kept) < count and free.any():
            place = int(free.argmax())
            kept.append(best[place])
            free &= ~same[place]
        if len(kept) == count:
            break
    return [(article, int(answers[article])) for article in kept]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Takes values to deviations from their mean."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Vector, floor: float) -> _Scale:
        if not len(values):
            return cls(0.0, floor)
        mean = values.mean()
        apart = values - mean
        return cls(float(mean), max(math.sqrt(float(apart @ apart) / len(apart)), floor))

    def __call__(self, values: Vector) -> Vector:
        return (values - np.float32(self.mean)) / np.float32(self.deviation)


def _weighted(cosines: Sequence[Vector], scales: Sequence[_Scale], weights: Sequence[float]) -> Vector:
    """Weighted mean of the encoders' standardised cosines; an article that one did not read takes the others'."""
    total, weight = np.zeros_like(cosines[0]), np.zeros_like(cosines[0])
    for values, scale, encoder_weight in zip(cosines, scales, weights, strict=True):
        here = np.isfinite(values)
        total[here] += encoder_weight * scale(values[here])
        weight[here] += encoder_weight
    return (total / np.maximum(weight, 1e-9)).astype(np.float32)
