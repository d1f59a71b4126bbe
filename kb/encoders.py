"""The sentence models behind one interface, sentence-transformers' own, loaded with no network.

The default is three small models from packages, routed by language: the multilingual USE and multilingual-e5-small read
every language that we serve and err on different messages; all-MiniLM-L6-v2 reads English best and nothing else. They
run in numpy and onnxruntime; sentence-transformers, and torch with it, is loaded for a model of your own alone.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb import packaged

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """What sentence-transformers' `SentenceTransformer` offers, as far as it is used here."""

    def encode_query(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of unit length, shape (texts, dimensions)."""

    def encode_document(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of unit length, shape (texts, dimensions)."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """One model of a set.

    Attributes:
        name: what the model is called in ids.
        source: `packaged` names of this file, or a sentence-transformers name or folder.
        release: version of the weights.
        languages: ISO 639-1 codes it serves; empty for all.
        weight: its share in a message's score, against the other models that serve the message's language.
        lexical_share: share of BM25 in the fused score, 0 to 1; the lowest of the models that read a message counts.
            The better a model reads, the less words add (docs/knowledge.md).
    """

    name: str
    source: str
    release: str
    languages: frozenset[str] = frozenset()
    weight: float = 1.0
    lexical_share: float = 0.2

    def serves(self, language: str) -> bool:
        return not self.languages or language in self.languages


def default_specs() -> tuple[EncoderSpec, ...]:
    """The three packaged models; raises `Refused` when their packages are not installed."""
    return (
        # The multilingual models come first: they are the ones that can compare passages of all languages.
        EncoderSpec("use-multilingual-v3", "packaged:use", packaged.release(packaged.USE), lexical_share=0.05),
        EncoderSpec("multilingual-e5-small", "packaged:e5", packaged.release(packaged.E5), lexical_share=0.05),
        EncoderSpec(
            "all-minilm-l6-v2",
            "packaged:minilm",
            packaged.release(packaged.MINILM),
            frozenset({"en"}),
            weight=2.0,
            lexical_share=0.05,
        ),
    )


def specs_of(model: str) -> tuple[EncoderSpec, ...]:
    """The encoders for a setting: empty for the default, else the name or folder of one sentence-transformers model."""
    if not model:
        return default_specs()
    folder = Path(model)
    if folder.is_dir():
        return (EncoderSpec(folder.resolve().name, str(folder), _digest(folder)),)
    return (EncoderSpec(model, model, "hub"),)


def model_id(specs: Sequence[EncoderSpec]) -> str:
    """Names a set of encoders with their versions; passages of another id are encoded again."""
    return "+".join(f"{spec.name}@{spec.release}" for spec in specs)


def load(specs: Sequence[EncoderSpec], *, threads: int) -> tuple[Encoder, ...]:
    """Loads the models of a set, in its order. Seconds; offline unless a model is named that is not on this machine.

    Args:
        specs: what to load.
        threads: how many threads one encoding may take, in this process.
    """
    # The heavy imports of the knowledge base stand here and below, so that importing `kb` stays light.
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    # numpy's threads wait by spinning, which on cores that others use costs more than they bring.
    threadpool_limits(threads, user_api="blas")
    if any(spec.source in _GRAPHS for spec in specs):
        _export()
    return tuple(_load_one(spec, threads) for spec in specs)


_GRAPHS = ("packaged:e5", "packaged:minilm")


def _export() -> None:
    """Writes the graphs that are not there yet, in a process of its own: what that loads would stay in ours."""
    if not all(packaged.graph_file(packaged.folder(), name).exists() for name in (packaged.E5, packaged.MINILM)):
        subprocess.run([sys.executable, "-m", "kb.export"], check=True, cwd=Path(__file__).parents[1])


def _load_one(spec: EncoderSpec, threads: int) -> Encoder:
    # See `load` for why the imports stand here.
    if spec.source == "packaged:use":
        from kb.use_encoder import UniversalSentenceEncoder  # noqa: PLC0415

        return UniversalSentenceEncoder(threads)
    if spec.source in _GRAPHS:
        from kb import onnx_encoders  # noqa: PLC0415

        model = onnx_encoders.e5 if spec.source == "packaged:e5" else onnx_encoders.minilm
        return model(packaged.folder(), threads)
    if Path(spec.source).is_dir():
        # Before transformers is imported: it reads this once. A named model may still be fetched, by its owner's wish.
        os.environ["HF_HUB_OFFLINE"] = "1"
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    torch.set_num_threads(threads)
    return _SentenceTransformerEncoder(SentenceTransformer(spec.source, device="cpu"))


class _SentenceTransformerEncoder:
    """Binds the options that we always want: unit length, numpy, no progress bar, no gradient."""

    def __init__(self, model: object) -> None:
        self._model = model

    def encode_query(self, sentences: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_query, sentences)  # type: ignore[attr-defined]

    def encode_document(self, sentences: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, sentences)  # type: ignore[attr-defined]

    @staticmethod
    def _encode(encode, sentences: Sequence[str]) -> Vectors:  # type: ignore[no-untyped-def]
        vectors = encode(list(sentences), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32)


def _digest(folder: Path) -> str:
    """Eight characters that change with the names and sizes of a folder's files (hashing gigabytes takes a while)."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}:{file.stat().st_size}\n".encode())
    return digest.hexdigest()[:8]
