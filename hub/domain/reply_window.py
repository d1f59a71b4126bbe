"""For how long a customer may be answered, and what may be sent to them after that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class MessageTag:
    """A word of the provider's that lets a message out after the reply window.

    `window` is in seconds from the customer's last message. Only `authors` (values of `Author`) may use it: a tag that
    stands for a person's answer is no door for the bot.
    """

    name: str
    window: int
    authors: frozenset[str]


@dataclass(frozen=True, slots=True)
class LastSaid:
    """When a customer last wrote from an address to an inbox, by the provider's clock; and until when a message of
    theirs let us answer, where that is longer than usual (they came from an advertisement). Microseconds, 0: never."""

    at: int = 0
    open_until: int = 0


def closes_at(said: LastSaid, window: int) -> int:
    """When the window of `window` seconds closes, microseconds; 0 where the customer never wrote."""
    return max(said.at + window * SECOND, said.open_until) if said.at else 0


def tag_closes_at(said: LastSaid, tags: Iterable[MessageTag], author: str) -> int:
    """Until when this author may still write with a tag, microseconds; 0 where no tag is theirs."""
    mine = [tag.window for tag in tags if author in tag.authors]
    return said.at + max(mine) * SECOND if said.at and mine else 0


def tag_for(now: int, said: LastSaid, window: int | None, tags: Iterable[MessageTag], author: str) -> str | None:
    """What a message of this author's must be tagged with to leave now: empty within the window, and where there is
    none (`window` None); None where it may not leave, but as a template."""
    if window is None or now < closes_at(said, window):
        return ""
    for tag in tags:
        if author in tag.authors and said.at and now < said.at + tag.window * SECOND:
            return tag.name
    return None
