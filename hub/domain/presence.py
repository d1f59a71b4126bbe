"""An agent's presence over time: how long in which state, for which reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PRESENCES = ("available", "busy", "wrap_up", "break", "offline")

# What the hub itself gives as a reason; people choose from the installation's own.
OWN_REASONS = frozenset({"", "signed_in", "signed_out", "disabled", "missed_offer", "resolved", "wrap_up_over"})


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` (microseconds) on."""

    at: int
    presence: str
    reason: str = ""


def durations(changes: Iterable[Change], begin: int, end: int) -> Mapping[tuple[str, str], int]:
    """How long an agent was in each state within [begin, end), microseconds, by (presence, reason).

    Args:
        changes: all of them in the order of their times; before the first the agent was offline.
        begin: microseconds since 1970 UTC.
        end: the same; what the last change set lasts until then.

    Returns:
        only states that lasted. All but `offline` add up to the signed-in time, all of them to `end - begin`.
    """
    lasted: Counter[tuple[str, str]] = Counter()
    since, state = begin, ("offline", "")
    for change in changes:
        at = min(max(change.at, begin), end)
        lasted[state] += at - since
        since, state = at, (change.presence, change.reason)
    lasted[state] += max(0, end - since)
    return {key: length for key, length in lasted.items() if length}


def signed_in(changes: Iterable[Change], begin: int, end: int) -> int:
    """How long somebody was signed in within [begin, end), microseconds: from each coming to the next going."""
    total, came = 0, -1
    for change in changes:
        if came < 0 and change.presence != "offline":
            came = change.at
        elif came >= 0 and change.presence == "offline":
            total += max(0, min(change.at, end) - max(came, begin))
            came = -1
    if came >= 0:
        total += max(0, end - max(came, begin))
    return total
