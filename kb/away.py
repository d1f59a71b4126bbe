"""An index whose vectors the database keeps: it names the candidates, and `kb.fusion` judges them as it judges all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hub.domain.knowledge import Passage
from hub.ports import Held, Nearby
from kb.vectors import unpack_all

Vectors = NDArray[np.float32]

# So many articles are candidates; chosen on 20,000 passages (docs/knowledge.md).
_NEAREST = 160


@dataclass(frozen=True, slots=True)
class Away:
    """Where the vectors of an index are.

    Attributes:
        nearby: the database.
        model_id: what the passages carry.
        readers: which encoders read a language (ISO 639-1), in the set's order.
        own: vectors of articles that the database has otherwise or not at all: an editor's draft that is tried.
    """

    nearby: Nearby
    model_id: str
    readers: Callable[[str], Sequence[bool]]
    own: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))

    def candidates(self, asked: Sequence[tuple[int, Vectors, float]], also: Collection[str]) -> Held:
        """The vectors of the articles nearest to a question, of those in `also`, and of our own.

        Args:
            asked: encoders' numbers in the set, each with the question's vector and what its cosines weigh.
            also: more articles.

        Raises:
            Unavailable: the database does not answer.
        """
        queries = {number: (query.tolist(), weight) for number, query, weight in asked}
        return self._with_own(self.nearby.candidates(self.model_id, queries, _NEAREST, also), self.own)

    def of(self, article_ids: Collection[str]) -> Held:
        """The vectors of some articles. Raises `Unavailable`."""
        own = {article_id: self.own[article_id] for article_id in article_ids if article_id in self.own}
        return self._with_own(self.nearby.candidates(self.model_id, {}, 0, article_ids), own)

    def _with_own(self, held: Held, own: Mapping[str, Held]) -> Held:
        found = {key: vectors for key, vectors in held.items() if key[0] not in self.own}
        for vectors in own.values():
            found.update(vectors)
        return found

    def with_own(self, article_id: str, passages: Sequence[Passage]) -> Away:
        """With an article as it is here alone; none: it is gone here."""
        held = {key_of(passage): passage.vectors for passage in passages}
        return replace(self, own=MappingProxyType({**self.own, article_id: held}))


def key_of(passage: Passage) -> tuple[str, str, int]:
    """By what a passage's vectors are known."""
    return passage.article_id, passage.locale, passage.ordinal


def matrices(held: Held, passages: Sequence[Passage], encoders: int) -> list[Vectors]:
    """Passages' vectors by each encoder, shape (passages, dimensions); zero where there is none.

    An article that was read anew a moment ago has its new vectors here; what it has no longer counts for nothing until
    this process has heard of it (`hub.jobs.index_follower`).
    """
    nothing = b"\0\0" * encoders
    return unpack_all([held.get(key_of(passage), nothing) for passage in passages], encoders)
