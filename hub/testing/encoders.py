"""A sentence model without weights, for tests of whoever works with `kb`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class WordEncoder:
    """Texts that share words are close: each word has a fixed random direction, a text is the sum of its words'.

    Deterministic over runs and machines. The interface is sentence-transformers' (see `kb.encoders.Encoder`).

    Args:
        concepts: words that mean the same as another one (`{"pedido": "order"}`), so that languages can meet.
        dimensions: length of the vectors; with 64, unrelated words are some 0.1 apart from orthogonal.
    """

    def __init__(self, concepts: Mapping[str, str] | None = None, dimensions: int = 64) -> None:
        self._concepts = dict(concepts or {})
        self._dimensions = dimensions
        self.encoded: list[str] = []

    def encode_query(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return self.encode_document(sentences)

    def encode_document(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        self.encoded.extend(sentences)
        return np.array([self._vector(sentence) for sentence in sentences], dtype=np.float32).reshape(
            len(sentences), self._dimensions
        )

    def _vector(self, sentence: str) -> NDArray[np.float64]:
        total = np.zeros(self._dimensions)
        for word in re.findall(r"\w+", sentence.lower()) or [""]:
            seed = hashlib.sha256(self._concepts.get(word, word).encode()).digest()[:8]
            total += np.random.default_rng(int.from_bytes(seed, "little")).standard_normal(self._dimensions)
        unit: NDArray[np.float64] = total / np.linalg.norm(total)
        return unit
