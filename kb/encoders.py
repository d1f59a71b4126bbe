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

from kb import packaged, translation

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
        weights: the same for languages in which it is another.
        translated: languages that it reads put into English (kb/translation.py).
        lexical_share: how much of BM25 is added to an article that holds all words of a message; the lowest of the
            models that read the message counts.
    """

    name: str
    source: str
    release: str
    languages: frozenset[str] = frozenset()
    weight: float = 1.0
    lexical_share: float = 0.3
    weights: tuple[tuple[str, float], ...] = ()
    translated: frozenset[str] = frozenset()

    def serves(self, language: str) -> bool:
        return not self.languages or language in self.languages or language in self.translated

    def weight_in(self, language: str) -> float:
        """Its share in the score of a message in this language."""
        return dict(self.weights).get(language, self.weight)


def default_specs() -> tuple[EncoderSpec, ...]:
    """The three packaged models; raises `Refused` when their packages are not installed."""
    spanish = frozenset({translation.LANGUAGE} if translation.available() else ())
    return (
        # The multilingual models come first: they are the ones that can compare passages of all languages. Where the
        # English one reads, USE adds little or nothing to the other two (docs/quality.md); its cosine stays evidence.
        EncoderSpec(
            "use-multilingual-v3",
            "packaged:use",
            packaged.release(packaged.USE),
            weights=(("en", 0.0), *((language, 0.5) for language in spanish)),
        ),
        EncoderSpec("multilingual-e5-small", "packaged:e5", packaged.release(packaged.E5)),
        EncoderSpec(
            "all-minilm-l6-v2",
            "packaged:minilm",
            packaged.release(packaged.MINILM),
            frozenset({"en"}),
            weights=(("en", 2.0),),
            translated=spanish,
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
    names = [f"{spec.name}@{spec.release}" for spec in specs]
    translated = ["".join(f"~{language}" for language in sorted(spec.translated)) for spec in specs]
    return "+".join(map("".join, zip(names, translated, strict=True)))


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
