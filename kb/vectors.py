"""How a passage's vectors travel to the store and back.

One record for all encoders of a set, in the set's order. Each: the number of dimensions (unsigned 16 bit, little
endian; 0 where the encoder does not serve the passage's language), then as many 16-bit floats. Half precision halves
the store and moves a cosine by less than 0.001.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hub.domain.errors import Refused

_COUNT = struct.Struct("<H")


def pack(vectors: Sequence[NDArray[np.float32] | None]) -> bytes:
    """Bytes of one passage's vectors, one for each encoder; None where an encoder does not serve the language."""
    parts = []
    for vector in vectors:
        if vector is None:
            parts.append(_COUNT.pack(0))
        else:
            parts.append(_COUNT.pack(len(vector)) + vector.astype("<f2").tobytes())
    return b"".join(parts)


def unpack(packed: bytes, encoders: int) -> list[NDArray[np.float32] | None]:
    """The vectors of one passage. Raises `Refused` when the bytes are not those of `encoders` vectors."""
    found: list[NDArray[np.float32] | None] = []
    position = 0
    try:
        for _ in range(encoders):
            (dimensions,) = _COUNT.unpack_from(packed, position)
            position += _COUNT.size
            vector = np.frombuffer(packed, dtype="<f2", count=dimensions, offset=position) if dimensions else None
            position += 2 * dimensions
            found.append(None if vector is None else vector.astype(np.float32))
    except (struct.error, ValueError) as broken:
        raise Refused("vectors", f"must hold the vectors of {encoders} encoders") from broken
    if position != len(packed):
        raise Refused("vectors", f"must hold the vectors of {encoders} encoders and nothing else")
    return found


def unpack_all(packed: Sequence[bytes], encoders: int) -> list[NDArray[np.float32]]:
    """The vectors of many passages by each encoder, shape (passages, dimensions); zero where one does not serve.

    Raises:
        Refused: as `unpack`, and where an encoder's vectors have different lengths.
    """
    # Those of one shape are read together: a passage at a time takes longer than all else.
    shapes: dict[tuple[int, ...], list[int]] = {}
    for row, record in enumerate(packed):
        shapes.setdefault(_shape(record, encoders), []).append(row)
    widths = [max((shape[encoder] for shape in shapes), default=0) for encoder in range(encoders)]
    found = [np.zeros((len(packed), width), dtype=np.float32) for width in widths]
    for shape, rows in shapes.items():
        halves = np.frombuffer(b"".join(packed[row] for row in rows), dtype="<f2").reshape(len(rows), -1)
        position = 0
        for encoder, dimensions in enumerate(shape):
            position += 1
            if dimensions not in (0, widths[encoder]):
                raise Refused("vectors", "must all have the same number of dimensions")
            if dimensions:
                found[encoder][rows] = halves[:, position : position + dimensions]
            position += dimensions
    return found


def _shape(packed: bytes, encoders: int) -> tuple[int, ...]:
    """The dimensions of each vector in a record."""
    found, position = [], 0
    try:
        for _ in range(encoders):
            (dimensions,) = _COUNT.unpack_from(packed, position)
            found.append(dimensions)
            position += _COUNT.size + 2 * dimensions
    except struct.error as broken:
        raise Refused("vectors", f"must hold the vectors of {encoders} encoders") from broken
    if position != len(packed):
        raise Refused("vectors", f"must hold the vectors of {encoders} encoders and nothing else")
    return tuple(found)
