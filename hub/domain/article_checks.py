"""What editors should look at: articles that say nearly the same, contradict each other, or have grown old. Pure.

Similarity is the cosine of the words' weights (each by its rarity), in one language: it needs no model, and an editor
can see why. Contradictions are sentences that say nearly the same with other numbers, or one of them with a "not"; and
locales of one article whose numbers differ.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

DUPLICATE = 0.6  # from this similarity on two articles are shown to whoever may join them
ALIKE = 0.55  # of two sentences that say the same but for what is checked
COMMON = 0.25  # a word in more of the articles than this tells none apart
OLD = 180 * 24 * 3600 * 1_000_000
LAGS = 24 * 3600 * 1_000_000
ENDS_SOON = 14 * 24 * 3600 * 1_000_000
LEAST_RATINGS = 5
UNHELPFUL = 0.4
_STEM = 6  # letters that count of a word: enough to tell `return` from `refund`, `devolver` and `devolución` alike
_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
_NOT = re.compile(
    r"\b(not|no|never|cannot|can't|don't|doesn't|won't|isn't|aren't|without|nunca|jamás|tampoco|sin|não|sem|ne|pas)\b",
    re.IGNORECASE,
)
# Numbers that are written as words; a Spanish and an English text then agree.
_SPELLED = {
    word: str(number)
    for number, words in enumerate(
        (
            *("zero cero", "one uno", "two dos", "three tres", "four cuatro", "five cinco", "six seis", "seven siete"),
            *("eight ocho", "nine nueve", "ten diez", "eleven once", "twelve doce"),
        )
    )
    for word in words.split()
    if number > 1
} | {
    word: number
    for words, number in (
        *(("fourteen catorce", "14"), ("fifteen quince", "15"), ("twenty veinte", "20"), ("thirty treinta", "30")),
        *(("forty cuarenta", "40"), ("fifty cincuenta", "50"), ("sixty sesenta", "60"), ("ninety noventa", "90")),
    )
    for word in words.split()
}


@dataclass(frozen=True, slots=True)
class Text:
    """A public text in one locale. `published_at` and `expires_at` in microseconds; `expires_at` 0: never."""

    article_id: str
    locale: str
    title: str
    body: str
    published_at: int = 0
    expires_at: int = 0
    helped: int = 0
    unhelpful: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts and how alike they are, 0 to 1."""

    one: Text
    two: Text
    similarity: float


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two sentences of two texts. `kind`: other numbers, or a "not" in one of them; `translation`: the numbers of an
    article's two locales differ, and the sentences are those numbers."""

    kind: Literal["numbers", "negation", "translation"]
    one: Text
    two: Text
    sentence_one: str
    sentence_two: str


@dataclass(frozen=True, slots=True)
class Stale:
    """`reason`: `old` (published long ago), `translation` (another locale is newer), `unhelpful` (readers say
    so), `ends_soon`. `since` is the time behind it, in microseconds."""

    text: Text
    reason: Literal["old", "translation", "unhelpful", "ends_soon"]
    since: int


def _fold(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(each))


def _stems(text: str) -> list[str]:
    return [word[:_STEM] for word in _WORD.findall(_fold(text))]


def _numbers(text: str) -> frozenset[str]:
    """The numbers in a text, each written in one way: `1.000,50` and `1,000.50` alike."""
    found = {re.sub(r"\D", "", number).lstrip("0") or "0" for number in _NUMBER.findall(text)}
    spelled = {_SPELLED[word] for word in re.findall(r"[a-z]+", _fold(text)) if word in _SPELLED}
    return frozenset(found | spelled)


def near_duplicates(texts: Sequence[Text], least: float = DUPLICATE) -> list[Pair]:
    """Texts of different articles in one locale that say nearly the same, the most alike first."""
    found: list[Pair] = []
    for mine in _by_locale(texts):
        vectors = _weighted([_stems(f"{each.title}\n{each.title}\n{each.body}") for each in mine])
        products: dict[tuple[int, int], float] = defaultdict(float)
        holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, vector in enumerate(vectors):
            for word, weight in vector.items():
                for other, its_weight in holders[word]:
                    products[other, number] += weight * its_weight
                holders[word].append((number, weight))
        found += [
            Pair(mine[i], mine[j], round(min(product, 1.0), 4))
            for (i, j), product in products.items()
            if product >= least and mine[i].article_id != mine[j].article_id
        ]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.one.article_id, pair.two.article_id))


def contradictions(texts: Sequence[Text]) -> list[Contradiction]:
    """Sentences of different articles that cannot both be right, and translations whose numbers differ."""
    found: list[Contradiction] = []
    for pair in near_duplicates(texts, least=0.15):
        found += _between(pair.one, pair.two)
    by_article: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        by_article[text.article_id].append(text)
    for locales in by_article.values():
        for one, two in combinations(sorted(locales, key=lambda each: each.locale), 2):
            first, second = _numbers(one.body), _numbers(two.body)
            if first != second:
                only = [", ".join(sorted(each, key=lambda n: (len(n), n))) for each in (first - second, second - first)]
                found.append(Contradiction("translation", one, two, *only))
    return found


def _between(one: Text, two: Text) -> Iterable[Contradiction]:
    ours = [sentence.strip() for sentence in _SENTENCE.split(one.body) if sentence.strip()]
    theirs = [sentence.strip() for sentence in _SENTENCE.split(two.body) if sentence.strip()]
    for first in ours:
        for second in theirs:
            if _alike(first, second) < ALIKE:
                continue
            numbers = _numbers(first), _numbers(second)
            if numbers[0] != numbers[1] and all(numbers):
                yield Contradiction("numbers", one, two, first, second)
            elif bool(_NOT.search(first)) != bool(_NOT.search(second)):
                yield Contradiction("negation", one, two, first, second)


def _alike(first: str, second: str) -> float:
    """The share of words that two sentences have in common, 0 to 1; short ones are too short to tell."""
    one, two = set(_stems(first)), set(_stems(second))
    return len(one & two) / len(one | two) if min(len(one), len(two)) >= 3 else 0.0


def stale(texts: Sequence[Text], now: int, old: int = OLD) -> list[Stale]:
    """What has been left alone for too long, each text for its first reason, the longest neglected first."""
    newest: dict[str, int] = {}
    for text in texts:
        newest[text.article_id] = max(newest.get(text.article_id, 0), text.published_at)
    found = [stale for text in texts if (stale := _why_stale(text, newest[text.article_id], now, old))]
    return sorted(found, key=lambda each: (each.since, each.text.article_id, each.text.locale))


def _why_stale(text: Text, newest: int, now: int, old: int) -> Stale | None:
    ratings = text.helped + text.unhelpful
    if text.expires_at and text.expires_at - now <= ENDS_SOON:
        return Stale(text, "ends_soon", text.expires_at)
    if ratings >= LEAST_RATINGS and text.unhelpful / ratings >= UNHELPFUL:
        return Stale(text, "unhelpful", text.published_at)
    if newest - text.published_at > LAGS:
        return Stale(text, "translation", text.published_at)
    if now - text.published_at > old:
        return Stale(text, "old", text.published_at)
    return None


def _by_locale(texts: Sequence[Text]) -> list[list[Text]]:
    groups: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        groups[text.locale].append(text)
    return [groups[locale] for locale in sorted(groups)]


def _weighted(documents: Sequence[list[str]]) -> list[dict[str, float]]:
    """Unit vectors of words by their rarity; words that most of them have do not count."""
    holders = Counter(word for document in documents for word in set(document))
    # In a handful of articles every word is common.
    most = max(COMMON * len(documents), 5)
    found = []
    for document in documents:
        weights = {
            word: (1 + math.log(count)) * math.log((len(documents) + 1) / (holders[word] + 0.5))
            for word, count in Counter(document).items()
            if holders[word] <= most
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        found.append({word: weight / length for word, weight in weights.items()})
    return found
