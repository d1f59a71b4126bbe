"""What the store has to know of the work that follows from events: which handlers hear of which event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.domain.conversation import Conversation
from hub.domain.events import Recorded


def stream_key(recorded: Recorded, _: Conversation | None) -> str:
    """One after another within the event's stream."""
    return recorded.stream_id


def always(_: Recorded, __: Conversation | None) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler of an event.

    A row waits while an earlier row with the same handler and `order_key` is unfinished. `when` sees the event and the
    conversation as it is after it; a row that is not wanted is never written. `slow` rows go to a queue of their own.
    """

    handler: str
    order_key: Callable[[Recorded, Conversation | None], str] = stream_key
    when: Callable[[Recorded, Conversation | None], bool] = always
    slow: bool = False


Subscriptions = Mapping[str, tuple[Subscription, ...]]
