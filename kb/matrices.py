"""Passages' vectors in memory, and a short sketch of each by which the nearest are found.

Reading every vector whole takes longer than all the rest of a search: 20,000 passages are 100 MB. A sketch is where a
vector lies along the directions in which this index's vectors differ most (principal components); the passages that it
finds near are then compared by their whole vectors (`kb.fusion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.domain.errors import Refused

Vectors = NDArray[np.float32]

# Below this many passages every vector is read: that takes less than a millisecond, and needs no sketch.
SKETCHED = 1024
# Directions of a sketch; chosen on 20,000 real sentences (docs/knowledge.md).
_DIRECTIONS = 64
# From so many vectors the directions are worked out, anew when the index has doubled since.
_SAMPLE = 4096


@dataclass(frozen=True, slots=True)
class Matrix:
    """One encoder's vectors, by row, at one moment. A later moment shares what is not yet used of the arrays.

    Attributes:
        rows: how many are in use.
        whole: float32, shape (rows and room, dimensions); zero where the encoder does not serve the passage.
        mean: of the vectors when the directions were worked out.
        directions: shape (dimensions, directions); no columns while there are few rows.
        sketches: float32, shape (directions, rows and room), as products with one vector read it in half the time;
            zero, which is the average, where not served.
        sketched_at: how many rows there were when the directions were worked out.
    """

    rows: int
    whole: Vectors
    mean: Vectors
    directions: Vectors
    sketches: Vectors
    sketched_at: int = 0

    def appended(self, column: Sequence[Vectors | None]) -> Matrix:
        """With more rows; None where the encoder does not serve one. Only one thread may append at a time.

        Raises:
            Refused: vectors of different lengths.
        """
        dimensions = {len(vector) for vector in column if vector is not None} | ({self.whole.shape[1]} - {0})
        if len(dimensions) > 1:
            raise Refused("vectors", f"must all have the same number of dimensions, not {sorted(dimensions)}")
        width = dimensions.pop() if dimensions else 0
        first, rows = self.rows, self.rows + len(column)
        whole = _with_room(self.whole if self.whole.shape[1] else np.zeros((first, width), np.float32), first, rows)
        for row, vector in enumerate(column, start=first):
            whole[row] = 0 if vector is None else vector
        if width and rows > SKETCHED and rows >= 2 * self.sketched_at:
            return _sketched(whole, rows)
        sketches = self.sketches
        if self.is_sketched:
            # The room is that of the vectors.
            if sketches.shape[1] < rows:
                sketches = np.empty((len(self.sketches), len(whole)), dtype=np.float32)
                sketches[:, :first] = self.sketches[:, :first]
            sketches[:, first:rows] = _sketch(whole[first:rows], self.mean, self.directions)
        return Matrix(rows, whole, self.mean, self.directions, sketches, self.sketched_at)

    @property
    def is_sketched(self) -> bool:
        """Whether `likeness` can be asked."""
        return bool(len(self.sketches))

    def of(self, rows: NDArray[np.int32]) -> Vectors:
        """The vectors of some rows, whole."""
        vectors: Vectors = self.whole[rows]
        return vectors

    def likeness(self, query: Vectors) -> Vectors:
        """About by how much each row's cosine with a query lies above the average one's."""
        asked: Vectors = query @ self.directions
        likeness: Vectors = asked @ self.sketches[:, : self.rows]
        return likeness

    def detached(self) -> Matrix:
        """The same rows without the room behind them, which only one line of successors may use."""
        return replace(self, whole=self.whole[: self.rows], sketches=self.sketches[:, : self.rows])

    def compacted(self, kept: NDArray[np.int32]) -> Matrix:
        """Only the rows `kept`, numbered anew."""
        whole = self.whole[kept]
        if whole.shape[1] and len(kept) > SKETCHED:
            return _sketched(whole, len(kept))
        nothing = empty()
        return Matrix(len(kept), whole, nothing.mean, nothing.directions, nothing.sketches)


def empty() -> Matrix:
    """No rows, of a length that the first vector decides."""
    none = np.zeros((0, 0), dtype=np.float32)
    return Matrix(0, none, np.zeros(0, dtype=np.float32), none, none)


def _sketched(whole: Vectors, rows: int) -> Matrix:
    step = max(1, rows // _SAMPLE)
    sample = whole[:rows:step]
    sample = sample[sample.any(axis=1)]
    mean: Vectors = sample.mean(axis=0) if len(sample) else np.zeros(whole.shape[1], dtype=np.float32)
    centred = sample - mean
    # Rising: the last columns are the directions in which the vectors differ most.
    _, found = np.linalg.eigh(centred.T @ centred)
    directions = np.ascontiguousarray(found[:, -_DIRECTIONS:])
    sketches = np.empty((directions.shape[1], len(whole)), dtype=np.float32)
    for start in range(0, rows, _SAMPLE):
        part = slice(start, min(start + _SAMPLE, rows))
        sketches[:, part] = _sketch(whole[part], mean, directions)
    return Matrix(rows, whole, mean, directions, sketches, rows)


def _sketch(whole: Vectors, mean: Vectors, directions: Vectors) -> Vectors:
    """Shape (directions, vectors)."""
    sketches: Vectors = (directions.T @ (whole - mean).T).astype(np.float32, copy=False)
    sketches[:, ~np.any(whole, axis=1)] = 0
    return sketches


def _with_room(matrix: NDArray[Any], used: int, wanted: int) -> NDArray[Any]:
    """A matrix with at least `wanted` rows whose first `used` are those of `matrix`: itself while it has room."""
    if wanted <= len(matrix):
        return matrix
    # A quarter of spare room: it costs no memory before it is written to.
    grown = np.empty((wanted + wanted // 4, matrix.shape[1]), dtype=matrix.dtype)
    grown[:used] = matrix[:used]
    return grown
