"""How long people were busy with a conversation, read from its events."""

from __future__ import annotations

from collections.abc import Iterable

from hub.domain import events as e
from hub.domain.messages import Author

MINUTE = 60_000_000
# Between two events of a conversation that somebody has, at most this much counts: whoever waits for a customer does
# other work meanwhile.
LONGEST_STRETCH = 10 * MINUTE

_BEGINS = (e.Assigned,)
_ENDS = (e.Resolved, e.Snoozed, e.Transferred, e.HandedBack, e.Merged)


def handling(events: Iterable[e.Recorded]) -> int:
    """Microseconds that agents were busy with a conversation.

    Counted from when somebody has it (or writes in it) until it is resolved, snoozed, given away or given back, each
    stretch between two of its events as at most `LONGEST_STRETCH`.

    Args:
        events: the conversation's, in their order.
    """
    total, since = 0, 0
    for recorded in events:
        if since:
            total += min(recorded.at - since, LONGEST_STRETCH)
        if isinstance(recorded.event, _ENDS):
            since = 0
        elif since or isinstance(recorded.event, _BEGINS) or _is_by_agent(recorded):
            since = recorded.at
    return total


def _is_by_agent(recorded: e.Recorded) -> bool:
    return recorded.actor.kind is Author.AGENT and isinstance(recorded.event, e.MessageQueued | e.NoteAdded)
