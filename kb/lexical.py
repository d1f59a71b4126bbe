"""Word scores: BM25 over stemmed words without accents, one index in process, changed an article at a time.

Written here because the libraries build once and for all: bm25s (0.3) keeps one sparse matrix of finished scores, so
that one edited article means counting every article again, with the interpreter held meanwhile.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import Stemmer
from numpy.typing import NDArray

from kb.stop_words import STOP_WORDS

K1 = 1.2  # how soon a repeated word stops to count (the usual value)
B = 0.75  # how much a long passage is held against itself (the usual value)

_ACCENT = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"[^\W_]+")
_STEMMERS = MappingProxyType({"en": "english", "es": "spanish", "pt": "portuguese", "fr": "french"})

# An order number or an error code: letters with digits (`ERR-4012`, `AB12CD`), or a long number; not `48h` or `100gb`.
_CODE = re.compile(r"[^\W_]+(?:[-_./][^\W_]+)*")
_CODE_JOINT = re.compile(r"[-_./]")
_DIGIT = re.compile(r"\d")
_UNIT = re.compile(r"\d+[^\W\d_]{1,3}")


def fold(text: str) -> str:
    """Lower case, accents off: customers write `contrasena` for `contraseña`."""
    if text.isascii():
        return text.lower()
    return _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold()))


def plain_words(text: str) -> list[str]:
    """A text's words as they stand, in lower case."""
    return _WORD.findall(text.lower())


def words(text: str, language: str) -> list[str]:
    """The stems that count in a text, in order. A language without stemmer or stop words keeps its words whole."""
    stop = STOP_WORDS.get(language, frozenset())
    kept = [word for word in _WORD.findall(fold(text)) if word not in stop]
    name = _STEMMERS.get(language)
    # A new stemmer each time (1 µs): its C object must not be used by two threads at once.
    return Stemmer.Stemmer(name).stemWords(kept) if name else kept


def codes(text: str) -> frozenset[str]:
    """Order numbers, error codes and the like in a text, folded, without their punctuation."""
    found = set()
    for match in _CODE.findall(fold(text)):
        digits = len(_DIGIT.findall(match))
        bare = _CODE_JOINT.sub("", match) if digits else ""
        mixed = 0 < digits < len(bare) and len(bare) >= 4 and not _UNIT.fullmatch(match)
        if mixed or (digits == len(bare) and digits >= 5):
            found.add(bare)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Postings:
    """Where one word occurs: row numbers and how often in each."""

    rows: NDArray[np.int32]
    counts: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """An immutable BM25 index over numbered rows; a change makes a new one that shares what did not change.

    `lengths` holds the words of each row, 0 for a row that is not there (any more).
    """

    postings: Mapping[str, _Postings] = field(default_factory=dict)
    lengths: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    # Follow from the lengths.
    rows: int = field(init=False, repr=False, compare=False)
    mean_length: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = int(np.count_nonzero(self.lengths))
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "mean_length", float(self.lengths.sum()) / rows if rows else 0.0)

    def changed(self, removed: Mapping[int, Iterable[str]], added: Mapping[int, Iterable[str]]) -> LexicalIndex:
        """The index without `removed` and with `added` rows.

        Args:
            removed: row number to its words, as they were when it was added.
            added: row number to its words; numbers not in use.
        """
        lengths = np.zeros(max([len(self.lengths), *(row + 1 for row in added)]), dtype=np.float32)
        lengths[: len(self.lengths)] = self.lengths
        gone = np.fromiter(removed, dtype=np.int32, count=len(removed))
        lengths[gone] = 0
        fresh: dict[str, tuple[list[int], list[int]]] = {}
        for row, row_words in added.items():
            counted = Counter(row_words)
            lengths[row] = counted.total()
            for word, count in counted.items():
                rows, counts = fresh.setdefault(word, ([], []))
                rows.append(row)
                counts.append(count)
        postings = dict(self.postings)
        for word in {word for row_words in removed.values() for word in row_words}:
            here = postings[word]
            kept = ~np.isin(here.rows, gone)
            if kept.any():
                postings[word] = _Postings(here.rows[kept], here.counts[kept])
            else:
                del postings[word]
        for word, (new_rows, new_counts) in fresh.items():
            rows_array, counts_array = np.array(new_rows, dtype=np.int32), np.array(new_counts, dtype=np.float32)
            before = postings.get(word)
            if before is not None:
                rows_array = np.concatenate([before.rows, rows_array])
                counts_array = np.concatenate([before.counts, counts_array])
            postings[word] = _Postings(rows_array, counts_array)
        return LexicalIndex(postings, lengths)

    def scores(self, query: Iterable[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """BM25 and the covered share of a query.

        Args:
            query: the query's words.

        Returns:
            Two arrays over the rows: the BM25 score (at least 0), and the share, 0 to 1, of the query's weight (each
            word by its rarity) that the row contains.
        """
        scores = np.zeros(len(self.lengths), dtype=np.float32)
        covered = np.zeros(len(self.lengths), dtype=np.float32)
        if not self.rows:
            return scores, covered
        weight = 0.0
        for word in set(query):
            found = self.postings.get(word)
            frequency = 0 if found is None else len(found.rows)
            rarity = float(np.log1p((self.rows - frequency + 0.5) / (frequency + 0.5)))
            weight += rarity
            if found is not None:
                damping = K1 * (1 - B + B * self.lengths[found.rows] / self.mean_length)
                scores[found.rows] += rarity * found.counts * (K1 + 1) / (found.counts + damping)
                covered[found.rows] += rarity
        if weight:
            covered /= np.float32(weight)
        return scores, covered

    def rows_with(self, word: str) -> NDArray[np.int32]:
        """The rows that contain a word."""
        found = self.postings.get(word)
        return np.zeros(0, dtype=np.int32) if found is None else found.rows
