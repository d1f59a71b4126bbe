"""Cuts an article's text into passages: a short answer stays whole, a long one is cut where a reader would pause."""

from __future__ import annotations

import re

# A passage of this size is about what the default models read whole (256 word pieces), and is still a quotable answer.
PASSAGE_CHARACTERS = 700
OVERLAP_CHARACTERS = 160

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE_END = re.compile(r"[.!?…][\"'”»)\]]*\s+|\n\s*")
_SPACE = re.compile(r"\s+")


def spans(
    text: str, *, limit: int = PASSAGE_CHARACTERS, overlap: int = OVERLAP_CHARACTERS
) -> tuple[tuple[int, int], ...]:
    """Where the passages of a text begin and end.

    Args:
        text: plain text; paragraphs are parted by an empty line.
        limit: length, in characters, above which a text is cut; the last passage may be a quarter longer, so that no
            crumb is left over.
        overlap: a sentence of at most this many characters is repeated at the head of the next passage, when the cut
            falls inside a paragraph: a pronoun there would else point at nothing.

    Returns:
        (start, end) pairs in order; together they cover every character that is not white space. Empty for an empty
        text.
    """
    start, stop = _inside(text)
    found: list[tuple[int, int]] = []
    while stop - start > limit + limit // 4:
        cut, resume = _cut(text, start, start + limit, overlap)
        found.append((start, cut))
        start = resume
    if start < stop:
        found.append((start, stop))
    return tuple(found)


def split(text: str, *, limit: int = PASSAGE_CHARACTERS, overlap: int = OVERLAP_CHARACTERS) -> tuple[str, ...]:
    """The passages of a text; see `spans`."""
    return tuple(text[start:end] for start, end in spans(text, limit=limit, overlap=overlap))


def _inside(text: str) -> tuple[int, int]:
    """The text's range without white space at its ends."""
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _cut(text: str, start: int, target: int, overlap: int) -> tuple[int, int]:
    """Where the passage that begins at `start` ends (at or before `target`), and where the next one begins."""
    # Not in the first half: a heading alone is no passage.
    earliest = start + (target - start) // 2
    for boundary in (_PARAGRAPH_END, _SENTENCE_END, _SPACE):
        ends = [match for match in boundary.finditer(text, earliest, target) if match.end() < target]
        if not ends:
            continue
        end, following = ends[-1].start(), ends[-1].end()
        if boundary is _PARAGRAPH_END:
            return end, following
        if boundary is _SENTENCE_END:
            end += len(ends[-1].group().rstrip())
            return end, _sentence_before(text, start, end, overlap) or following
        return end, following
    return target, target


def _sentence_before(text: str, start: int, end: int, overlap: int) -> int:
    """Where the last sentence of a passage begins, 0 when it is too long to repeat or is the whole passage."""
    begins = [match.end() for match in _SENTENCE_END.finditer(text, start, end - 1) if match.end() < end]
    if begins and begins[-1] > start and end - begins[-1] <= overlap:
        return begins[-1]
    return 0
