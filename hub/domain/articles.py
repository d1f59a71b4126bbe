"""What may become of an article, and how two of its texts differ. Pure.

    draft ──submit──▶ review ──approve──▶ approved ──publish──▶ published ──save──▶ changed ──submit──▶ review …
                        │ send back          │ schedule            │ withdraw, expire, archive
                        ▼                    ▼                     ▼
                      draft              scheduled          withdrawn, expired, archived

`state` is the draft's; what is public is a version beside it and stays so while the next text is written and read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from hub.domain.errors import Conflict

STATES = ("draft", "review", "approved", "scheduled", "published", "changed", "withdrawn", "expired", "archived")
# An editor is at work on these; nobody has to be asked yet.
OPEN = frozenset({"draft", "changed", "withdrawn", "expired"})
# From where each step may be taken. `publish` and `schedule` without review: from `OPEN` and `review` as well.
_FROM: Mapping[str, Collection[str]] = {
    "save": frozenset(STATES) - {"archived"},
    "submit": OPEN,
    "approve": {"review"},
    "send_back": {"review", "approved"},
    "publish": {"approved", "scheduled"},
    "schedule": {"approved", "scheduled"},
    "unschedule": {"scheduled"},
    "archive": frozenset(STATES) - {"archived"},
    "unarchive": {"archived"},
}
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
SLUG_LENGTH = 80


def may(step: str, state: str, *, reviewed: bool = True) -> bool:
    """Whether a step may be taken in a state. `reviewed`: this installation publishes only what somebody approved."""
    if not reviewed and step in ("publish", "schedule"):
        return state not in ("published", "archived")
    return state in _FROM[step]


def require(step: str, state: str, *, reviewed: bool = True) -> None:
    """Raises Conflict unless the step may be taken."""
    if not may(step, state, reviewed=reviewed):
        raise Conflict(f"an article that is {state.replace('_', ' ')} cannot {step.replace('_', ' ')}")


def after_edit(state: str, *, public: bool) -> str:
    """The state once another text is saved: what was approved is no longer what stands there."""
    if public:
        return "changed"
    return state if state in OPEN else "draft"


def slug(title: str) -> str:
    """A title as a part of an address: `¿Cómo pago?` → `como-pago`; `article` where nothing is left."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_LENGTH].strip("-") or "article"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: in both, only in the earlier (`removed`) or only in the later (`added`)."""

    kind: Literal["same", "removed", "added"]
    text: str


def difference(earlier: str, later: str) -> tuple[Piece, ...]:
    """Word by word, in reading order."""
    one, two = _WORDS.findall(earlier), _WORDS.findall(later)
    pieces: list[Piece] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(one[i1:i2])))
            continue
        if i2 > i1:
            pieces.append(Piece("removed", "".join(one[i1:i2])))
        if j2 > j1:
            pieces.append(Piece("added", "".join(two[j1:j2])))
    return tuple(pieces)
