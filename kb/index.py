"""The index: passages, their vectors and words, in process. Readers take a snapshot; a writer makes the next one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.domain.knowledge import Passage
from hub.ports import Held
from kb import matrices
from kb.away import Away
from kb.language import base
from kb.lexical import LexicalIndex, codes, words
from kb.matrices import Matrix
from kb.vectors import unpack

# Rows are only ever appended, so that a snapshot stays true while the next one is made. When more rows than this are
# dead, and more than are alive, all is laid out anew (seconds for 20,000 passages, once in 20,000 edits).
_DEAD_ROWS = 1024

CODE_MARK = "#"
"""Stands before an order number or error code in the lexical index: no word begins with it."""


def lexical_words(text: str, language: str) -> list[str]:
    """A text's words for the lexical index: stems, and its codes under `CODE_MARK`."""
    return words(text, language) + [CODE_MARK + code for code in codes(text)]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An index at one moment; nothing in it changes.

    `alive` lists the rows in use; every other array but `matrices` and `lexical` is over `alive`. A passage's vector is
    the mean of the unit vectors of its title, its title with its text, and its text: a product with a query's is the
    mean of the three cosines. Where an encoder does not serve a passage's language, `served` is false and the vector
    zero. `learnt` marks customers' phrasings, which help to find their article and are never shown. `languages` are by
    number, as words take far longer to compare.
    """

    encoders: int
    matrices: tuple[Matrix, ...]
    lexical: LexicalIndex = field(default_factory=LexicalIndex)
    alive: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    passages: tuple[Passage, ...] = ()
    articles: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    languages: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    served: tuple[NDArray[np.bool_], ...] = ()
    learnt: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    article_numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    language_numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    rows: int = 0
    # Where the vectors are, if not in the matrices; these are empty then.
    away: Away | None = None
    # What follows from the above and the language of a question, worked out by the first search in it (kb/fusion.py).
    views: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def living(self, values: NDArray[Any]) -> NDArray[Any]:
        """What is over rows, over those in use."""
        return values if len(self.alive) == self.rows else values[self.alive]

    def ids(self, numbers: NDArray[np.int32]) -> set[str]:
        """The articles of some numbers."""
        wanted = np.isin(self.articles, numbers)
        return {self.passages[place].article_id for place in np.flatnonzero(wanted).tolist()}

    def numbers(self, held: Held) -> NDArray[np.int32]:
        """The numbers of the articles of some passages, without those that this index has not."""
        found = {self.article_numbers[article_id] for article_id, _, _ in held if article_id in self.article_numbers}
        return np.fromiter(found, dtype=np.int32, count=len(found))

    @property
    def article_count(self) -> int:
        """One more than the highest number in `articles`."""
        return len(self.article_numbers)


def empty(encoders: int) -> Snapshot:
    """An index with nothing in it."""
    return Snapshot(
        encoders=encoders,
        matrices=tuple(matrices.empty() for _ in range(encoders)),
        served=tuple(np.zeros(0, dtype=np.bool_) for _ in range(encoders)),
    )


def built(encoders: int, passages: Iterable[Passage], away: Away | None = None) -> Snapshot:
    """An index of all `passages`, their vectors in it unless they are `away`. Raises `Refused` for vectors of another
    shape."""
    return _appended(replace(empty(encoders), away=away), list(passages))


def with_article(snapshot: Snapshot, article_id: str, passages: Iterable[Passage]) -> Snapshot:
    """The index after one article's passages were swapped for `passages` (none: the article is gone).

    Only one thread may derive a snapshot from another at a time: they share what is not yet used of the matrices.
    """
    fresh = list(passages)
    number = snapshot.article_numbers.get(article_id)
    if number is not None:
        snapshot = _without(snapshot, snapshot.articles == number)
    dead = snapshot.rows - len(snapshot.alive)
    if dead > max(_DEAD_ROWS, len(snapshot.alive)):
        return _appended(_compacted(snapshot), fresh)
    return _appended(snapshot, fresh)


def of_article(snapshot: Snapshot, article_id: str) -> list[Passage]:
    """An article's passages, without their vectors."""
    number = snapshot.article_numbers.get(article_id, -1)
    return [snapshot.passages[place] for place in np.flatnonzero(snapshot.articles == number)]


def detached(snapshot: Snapshot) -> Snapshot:
    """The same index, from which others may be derived while others are derived from the first."""
    return replace(snapshot, matrices=tuple(matrix.detached() for matrix in snapshot.matrices))


def _appended(snapshot: Snapshot, passages: list[Passage]) -> Snapshot:
    if not passages:
        return snapshot
    first, rows = snapshot.rows, snapshot.rows + len(passages)
    filled = snapshot.matrices
    if snapshot.away is None:
        vectors = [unpack(passage.vectors, snapshot.encoders) for passage in passages]
        columns = [[row_vectors[encoder] for row_vectors in vectors] for encoder in range(snapshot.encoders)]
        read = [[vector is not None for vector in column] for column in columns]
        filled = tuple(matrix.appended(column) for matrix, column in zip(snapshot.matrices, columns, strict=True))
    else:
        readers = [snapshot.away.readers(base(passage.locale)) for passage in passages]
        read = [[row_readers[encoder] for row_readers in readers] for encoder in range(snapshot.encoders)]
    served = [np.append(before, column) for before, column in zip(snapshot.served, read, strict=True)]
    numbers = dict(snapshot.article_numbers)
    articles = [numbers.setdefault(passage.article_id, len(numbers)) for passage in passages]
    spoken = dict(snapshot.language_numbers)
    languages = [spoken.setdefault(base(passage.locale), len(spoken)) for passage in passages]
    texts = {row: _words_of(passage) for row, passage in enumerate(passages, start=first)}
    return replace(
        snapshot,
        matrices=filled,
        lexical=snapshot.lexical.changed({}, texts),
        alive=np.append(snapshot.alive, np.arange(first, rows, dtype=np.int32)),
        # The vectors are in the matrices now.
        passages=snapshot.passages + tuple(replace(passage, vectors=b"") for passage in passages),
        articles=np.append(snapshot.articles, np.array(articles, dtype=np.int32)),
        languages=np.append(snapshot.languages, np.array(languages, dtype=np.int16)),
        served=tuple(served),
        learnt=np.append(snapshot.learnt, [passage.is_phrasing for passage in passages]),
        article_numbers=MappingProxyType(numbers),
        language_numbers=MappingProxyType(spoken),
        rows=rows,
    )


def _without(snapshot: Snapshot, gone: NDArray[np.bool_]) -> Snapshot:
    kept = np.flatnonzero(~gone)
    removed = {int(snapshot.alive[place]): _words_of(snapshot.passages[place]) for place in np.flatnonzero(gone)}
    return replace(
        snapshot,
        lexical=snapshot.lexical.changed(removed, {}),
        alive=snapshot.alive[kept],
        passages=tuple(snapshot.passages[place] for place in kept),
        articles=snapshot.articles[kept],
        languages=snapshot.languages[kept],
        served=tuple(served[kept] for served in snapshot.served),
        learnt=snapshot.learnt[kept],
    )


def _compacted(snapshot: Snapshot) -> Snapshot:
    """The same index without its dead rows and without numbers of articles that are gone."""
    numbers: dict[str, int] = {}
    articles = [numbers.setdefault(passage.article_id, len(numbers)) for passage in snapshot.passages]
    texts = {row: _words_of(passage) for row, passage in enumerate(snapshot.passages)}
    return replace(
        snapshot,
        matrices=snapshot.matrices
        if snapshot.away is not None
        else tuple(matrix.compacted(snapshot.alive) for matrix in snapshot.matrices),
        lexical=LexicalIndex().changed({}, texts),
        alive=np.arange(len(texts), dtype=np.int32),
        articles=np.array(articles, dtype=np.int32),
        article_numbers=MappingProxyType(numbers),
        rows=len(texts),
    )


def _words_of(passage: Passage) -> list[str]:
    if passage.is_phrasing:
        return []
    return lexical_words(f"{passage.title}\n{passage.text}", base(passage.locale))
