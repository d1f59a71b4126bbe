"""How alike texts are: one vector each by the multilingual model, so that languages meet, kept as bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from hub.domain.gaps import Group
from kb.lexical import fold, plain_words
from kb.stop_words import STOP_WORDS

# From which cosine on two messages mean the same. On 126 support messages (docs/gaps.md) more joins different
# questions, less leaves paraphrases alone.
SAME = 0.5
_WORDS = 4


def imprint(vector: NDArray[np.float32]) -> bytes:
    """A vector of unit length as 16-bit floats."""
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float16).tobytes()


def likeness(one: bytes, others: Sequence[bytes]) -> list[float]:
    """Cosines, -1 to 1, of one imprint with others."""
    if not others:
        return []
    return [float(each) for each in _matrix(others) @ _matrix([one])[0]]


def groups(texts: Sequence[str], languages: Sequence[str], imprints: Sequence[bytes]) -> tuple[Group, ...]:
    """Texts that mean the same, the largest group first; a text alone is a group of one.

    Star clustering (Aslam, Pelekhov and Rus 2004): the text with the most that are like it is a centre and takes them,
    then of those left the next. Everybody in a group is like its centre, however many there are.

    Args:
        texts: what was written.
        languages: the language of each.
        imprints: of each.
    """
    if not texts:
        return ()
    vectors = _matrix(imprints)
    alike = vectors @ vectors.T >= SAME
    left = np.ones(len(texts), dtype=np.bool_)
    found: list[tuple[tuple[int, ...], int]] = []
    degrees = alike.sum(axis=1)
    while left.any():
        centre = int(np.argmax(np.where(left, degrees, -1)))
        members = np.flatnonzero(alike[centre] & left)
        if centre not in members:
            members = np.append(members, centre)
        left[members] = False
        degrees -= alike[:, members].sum(axis=1)
        found.append((tuple(sorted(int(each) for each in members)), centre))
    found.sort(key=lambda each: -len(each[0]))
    bags = [Counter(_content(text, language)) for text, language in zip(texts, languages, strict=True)]
    everywhere = Counter(word for bag in bags for word in bag)
    return tuple(Group(places, centre, _own_words([bags[each] for each in places], everywhere, len(texts)))
                 for places, centre in found)  # fmt: skip


def _matrix(imprints: Sequence[bytes]) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(imprints), dtype=np.float16).reshape(len(imprints), -1).astype(np.float32)


def _content(text: str, language: str) -> list[str]:
    stop = STOP_WORDS.get(language, frozenset())
    return [word for word in plain_words(text) if len(word) > 2 and fold(word) not in stop and not word.isdigit()]


def _own_words(bags: Sequence[Counter[str]], everywhere: Counter[str], texts: int) -> tuple[str, ...]:
    """Words that many of a group's texts have and few others (class-based tf-idf)."""
    within = Counter(word for bag in bags for word in bag)
    least = 1 if len(bags) < 3 else 2
    scores = {word: count * log(1 + texts / everywhere[word]) for word, count in within.items() if count >= least}
    scores = scores or dict.fromkeys(within, 1.0)
    return tuple(sorted(scores, key=lambda word: (-scores[word], word))[:_WORDS])
