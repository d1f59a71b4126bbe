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
